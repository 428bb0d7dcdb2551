"""An alert for each finding. What stands is decided by pdwatch, so that a pager and a screen never disagree.

A finding has waited its onset before it is exported and its clearing before it goes; `for` adds only what keeps a
single evaluation from paging, less than the shortest time that any finding stands. `keep_firing_for` outlasts a
restart of pdwatch, and the time until its absence is an alert of its own, so that nobody is told that all is well
because nobody looks.
"""

from __future__ import annotations

from pdwatch.catalog.metrics import FINDING_ACTIVE, FINDING_SINCE, SCOPE
from pdwatch.generate.alerts.definition import Alert, Board, Component, alert_name
from pdwatch.judge.definition import FindingDef
from pdwatch.judge.findings import FINDINGS
from pdwatch.model.judgement import Severity

FOR_SECONDS = {Severity.CRITICAL: 30.0, Severity.WARNING: 60.0, Severity.INFO: 0.0}
KEEP_FIRING_SECONDS = 120.0
"""Twice as long as it takes until pdwatch itself is told as absent."""
_PLACES = 5
"""Most places that a description names."""


def finding_alert(definition: FindingDef) -> Alert:
    """Return the alert of a finding; its severity is that of the case, which may be milder than the finding's."""
    return Alert(
        name=alert_name(definition.id),
        component=Component.FINDING,
        expr=f'max by (service, finding, severity) ({FINDING_ACTIVE.name}{{finding="{definition.id}"}}) == 1',
        severity=definition.severity.word,
        summary=f"{definition.title} in {{{{ $labels.service }}}}.",
        description=f"{_WHERE} {definition.fix}",
        meaning=definition.meaning,
        confirm=definition.confirm,
        fix=definition.fix,
        confused_with=definition.confused_with,
        for_seconds=FOR_SECONDS[definition.severity],
        keep_firing_for_seconds=KEEP_FIRING_SECONDS,
        board=_board(definition.id),
        finding=definition.id,
    )


def _where() -> str:
    """Return a template that lists what the finding is about and for how long it stands, oldest first."""
    query = (
        f"sort_desc(topk({_PLACES}, max by ({', '.join(SCOPE)}) "
        f"(time() - {FINDING_SINCE.name}{{service=%q,finding=%q,severity=%q$kept_matchers}})))"
    )
    parts = "".join(
        f"{{{{ with .Labels.{name} }}}}{'' if name in _BARE else name + ' '}{{{{ . }}}} {{{{ end }}}}" for name in SCOPE
    )
    each = f"{{{{ if $n }}}},{{{{ end }}}} {parts}for {{{{ .Value | humanizeDuration }}}}"
    labels = "$labels.service $labels.finding $labels.severity$kept_values"
    return f"Standing:{{{{ range $n, $place := printf `{query}` {labels} | query }}}}{each}{{{{ end }}}}."


_BARE = ("role", "worker")
"""Parts of a scope whose value says what they are."""
_WHERE = _where()

_BOARDS = (
    (Board.TRANSFER, ("kv_transfer", "transfer", "fabric", "counter", "rdma", "memlock", "socket", "side_channel")),
    (Board.GPUS, ("gpu", "nvlink", "pcie")),
    (Board.EXPERTS, ("expert", "eplb", "all2all")),
)


def _board(finding: str) -> Board:
    return next((board for board, kinds in _BOARDS if finding.startswith(kinds)), Board.SERVICE)


ALERTS = tuple(finding_alert(definition) for definition in FINDINGS)
