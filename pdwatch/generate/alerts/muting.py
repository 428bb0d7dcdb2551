"""An alert that tells nobody: by it, Alertmanager mutes findings that are only symptoms of others.

Alertmanager knows no places, and an inhibition from each cause to each symptom would let a fault on one side of a
service mute another one elsewhere. pdwatch works out the root of each finding from what the definitions explain and
how near the two are, and exports it; what this alert adds is that nothing grave is muted by something milder, and that
it lasts until the symptoms have ended too.
"""

from __future__ import annotations

from pdwatch.catalog.metrics import FINDING_SINCE
from pdwatch.generate.alerts.definition import Alert, Board, Component

SYMPTOM = "PDWatchFindingIsSymptom"
MUTES = "mutes"
"""Label with the severity of the findings that it mutes."""

_LOUD = (
    'severity="critical",root_severity="critical"',
    'severity="warning",root_severity=~"warning|critical"',
    'severity="info",root!=""',
)
"""Symptoms whose root is told at least as loudly as they would be."""


def _symptoms() -> str:
    by = "by (service, finding, severity)"
    loud = "\n    or ".join(f"{FINDING_SINCE.name}{{{labels}}}" for labels in _LOUD)
    return f"count {by} (\n    {loud}\n)\n== count {by} ({FINDING_SINCE.name})"


ALERTS = (
    Alert(
        name=SYMPTOM,
        component=Component.MUTING,
        expr=_symptoms(),
        severity="none",
        labels={MUTES: "{{ $labels.severity }}"},
        summary="{{ $labels.finding }} in {{ $labels.service }} is a symptom.",
        description="Every {{ $labels.finding }} that stands there comes from another finding, which is told at least as loudly.",
        meaning="It tells nobody: Alertmanager mutes the alert of a finding by it while all its cases in the service are symptoms "
        "of findings that are at least as severe. It fires on for minutes after the root is gone, since symptoms take longer "
        "to end.",
        confirm='`pdwatch check` lists each symptom under its root; so does `pdwatch_finding_since_timestamp_seconds{root!=""}`.',
        fix="Nothing. Mend the root.",
        confused_with="Nothing; it is not meant for people.",
        keep_firing_for_seconds=300.0,
        board=Board.FLEET,
    ),
)
