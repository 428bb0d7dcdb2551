"""What an alert is: one record states its condition, its words and its runbook.

To add one: an entry in a file of `generate/alerts/`, and cases in `tests/generate/alerts/cases/` that it fires and that
it stays silent; rule files, PrometheusRule resources, inhibition and docs follow.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

PREFIX = "PDWatch"
KEEP_MUTED_SECONDS = 60.0
"""How long an alert goes on that findings mute: less than theirs, or it would be told once they are mended."""
_WORD = re.compile("[A-Z][a-z0-9]*")


class Component(StrEnum):
    """What an alert is about; its label `component`."""

    FINDING = "finding"
    """A finding of pdwatch's."""
    OBJECTIVE = "objective"
    """What users feel, against what they were promised."""
    SYMPTOM = "symptom"
    """What is seen of a fault, whatever its cause."""
    PDWATCH = "pdwatch"
    """pdwatch itself."""
    MUTING = "muting"
    """Nothing for people: it lets Alertmanager mute others."""


_OWN = (Component.PDWATCH, Component.MUTING)


class Board(StrEnum):
    """The dashboard that an alert links to, by uid."""

    FLEET = "pdwatch-fleet"
    SERVICE = "pdwatch-service"
    TRANSFER = "pdwatch-transfer"
    EXPERTS = "pdwatch-experts"
    GPUS = "pdwatch-gpus"
    SELF = "pdwatch-self"


@dataclass(frozen=True, slots=True)
class Alert:
    """One alert.

    `expr` and the annotations may name thresholds of the catalogue as `$kv_usage_high`; what the rule's templates know
    (`$labels`, `$value`) is left to them.
    """

    name: str
    component: Component
    expr: str
    """PromQL; what it returns is firing."""
    severity: str
    """`critical` wakes somebody, `warning` is a ticket, `info` is read later, `none` is for Alertmanager only."""
    summary: str
    """One line, of labels only."""
    description: str
    """A sentence or two, with the value for people."""
    meaning: str
    confirm: str
    fix: str
    confused_with: str
    for_seconds: float = 0.0
    """How long the expression must hold."""
    keep_firing_for_seconds: float = 0.0
    """How long it fires after the expression no longer holds."""
    labels: Mapping[str, str] = field(default_factory=dict)
    """Further labels; templates see those of the series, even one that a label replaces."""
    board: Board = Board.SERVICE
    finding: str | None = None
    """The finding that it tells, whose runbook is its own."""
    muted_by: tuple[str, ...] = ()
    """Findings that say more: while one of these alerts in the same service, nobody is told of this one."""

    @property
    def id(self) -> str:
        """Name of the runbook page, without `.md`: the finding's; `pool_vanished`; of pdwatch itself `pdwatch_down`."""
        if self.finding is not None:
            return self.finding
        words = _WORD.findall(self.name.removeprefix(PREFIX))
        return "_".join(["pdwatch", *words] if self.component in _OWN else words).lower()


def alert_name(identifier: str) -> str:
    """Return the name of the alert of a finding: `PDWatchWorkerDown` for `worker_down`."""
    return PREFIX + "".join(part.capitalize() for part in identifier.split("_"))
