"""What the daemon tells people on standard error: a line when something begins, changes or ends, never one a tick."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import UTC, datetime

from pdwatch.model.judgement import Finding, Severity
from pdwatch.model.snapshot import ServiceState, Snapshot
from pdwatch.model.text import plain


def say(line: str) -> None:
    """Write one line of narration."""
    print(line, file=sys.stderr, flush=True)


class Narrator:
    """Tells changes of advice, and findings that begin or end, above information."""

    def __init__(self, tell: Callable[[str], None] = say) -> None:
        self._tell = tell
        self._actions: dict[str, str] = {}
        self._findings: dict[tuple[str, object], Finding] = {}

    def hear(self, snapshot: Snapshot) -> None:
        """Tell what changed since the snapshot before."""
        at = datetime.fromtimestamp(snapshot.t, UTC).strftime("%H:%M:%S")
        current: dict[tuple[str, object], Finding] = {}
        for name, service in snapshot.services.items():
            self._advice(at, name, service)
            worth = [finding for finding in service.findings if finding.severity > Severity.INFO]
            current.update({(name, finding.key): finding for finding in worth})
        for key, finding in current.items():
            if key not in self._findings:
                self._tell(plain(f"{at} {key[0]}: {finding.severity.word} {finding.finding}: {finding.summary}"))
        for key, finding in self._findings.items():
            if key not in current:
                self._tell(plain(f"{at} {key[0]}: over {finding.finding}: {finding.summary}"))
        self._findings = current

    def _advice(self, at: str, name: str, service: ServiceState) -> None:
        advice = service.advice
        if self._actions.get(name) != advice.action:
            self._actions[name] = advice.action
            self._tell(plain(f"{at} {name}: {advice.action}: {advice.reason}"))
