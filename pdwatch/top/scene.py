"""Everything that a frame is drawn from, gathered once; drawing reads nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from pdwatch.catalog.thresholds import Thresholds
from pdwatch.model.judgement import Finding
from pdwatch.model.snapshot import ServiceState, Snapshot
from pdwatch.top.columns import kept_by, ordered
from pdwatch.top.command import Command, Situation, key_words
from pdwatch.top.events import Event
from pdwatch.top.pools import PoolPanel, panels
from pdwatch.top.status import Status, of_severity
from pdwatch.top.trail import Trails
from pdwatch.top.troubles import Trouble, troubles
from pdwatch.top.verdict import Verdict, verdict
from pdwatch.top.view import Tab, View
from pdwatch.top.workers import WorkerRow, worker_rows


@dataclass(frozen=True)
class Scene:
    """One snapshot, the memory behind it, and what the viewer has chosen."""

    snapshot: Snapshot | None
    view: View
    mode: str
    """Where in time the screen is: `LIVE every 2s 14:22:07 UTC`."""
    alarm: bool
    """Whether what is shown is not what is."""
    source: str
    trouble: str | None
    """Why nothing arrives."""
    trails: Trails
    events: Sequence[Event]
    """Oldest first, none later than the snapshot."""
    commands: Sequence[Command]
    replay: bool = False
    past: bool = False
    recording: bool = False

    @property
    def t(self) -> float:
        """Unix seconds of the snapshot; 0 before the first."""
        return self.snapshot.t if self.snapshot is not None else 0.0

    @cached_property
    def thresholds(self) -> Thresholds:
        """Those that the snapshot was judged by."""
        return Thresholds.as_told(self.snapshot.self_state.thresholds) if self.snapshot is not None else Thresholds()

    @cached_property
    def services(self) -> list[tuple[str, Status]]:
        """Every service by name with the worst that is said of it."""
        found = self.snapshot.services if self.snapshot is not None else {}
        return [(name, service_status(service, self.thresholds, self.t)) for name, service in sorted(found.items())]

    @cached_property
    def service(self) -> ServiceState | None:
        """The service that is shown: the chosen one, else the one in most trouble."""
        found = self.snapshot.services if self.snapshot is not None else {}
        chosen = found.get(self.view.service or "")
        if chosen is not None:
            return chosen
        worst = max(self.services, key=lambda entry: entry[1], default=None)
        return found[worst[0]] if worst is not None else None

    @cached_property
    def verdict(self) -> Verdict | None:
        """The answer for that service."""
        return verdict(self.service, self.thresholds, self.t) if self.service is not None else None

    @cached_property
    def workers(self) -> tuple[WorkerRow, ...]:
        """All its workers."""
        return worker_rows(self.service, self.thresholds) if self.service is not None else ()

    @cached_property
    def rows(self) -> list[WorkerRow]:
        """The workers that the viewer wants to see, in order."""
        view = self.view
        return ordered(kept_by(self.workers, view.filter, view.unhealthy_only), view.sort, view.reverse)

    @cached_property
    def pools(self) -> tuple[PoolPanel, ...]:
        """Its pools."""
        if self.service is None:
            return ()
        return panels(self.service, self.workers, self.thresholds, self.trails, self.t)

    @cached_property
    def troubles(self) -> tuple[Trouble, ...]:
        """Its findings, most severe first, each with what comes from it."""
        return troubles(self.service.findings) if self.service is not None else ()

    @cached_property
    def findings(self) -> tuple[Finding, ...]:
        """The same as a list: each root, then its symptoms."""
        return tuple(finding for trouble in self.troubles for finding in trouble.findings)

    @cached_property
    def drilled(self) -> WorkerRow | None:
        """The worker that fills the page."""
        return next((row for row in self.workers if row.state.url == self.view.drilled), None)

    @cached_property
    def situation(self) -> Situation:
        """Where the viewer is."""
        view = self.view
        drilled = self.drilled is not None
        return Situation(view.tab, drilled, view.help, self.past, self.replay, len(self.services))

    def key(self, name: str, usual: str = "") -> str:
        """Return how to press a command: the *usual* key where it has it, else its first; empty where it has none."""
        keys = next((command.keys for command in self.commands if command.name == name), ())
        return key_words(usual if usual in keys else keys[0]) if keys else ""

    @property
    def identities(self) -> list[str]:
        """The identity of each row that the cursor can be on."""
        if self.view.tab is Tab.WORKERS:
            return [row.state.url for row in self.rows]
        return [finding_key(finding) for finding in self.findings] if self.view.tab is Tab.ALERTS else []

    @property
    def cursor(self) -> int:
        """The row under the cursor; the first where what was chosen is gone."""
        chosen = self.view.selected.get(self.view.tab)
        identities = self.identities
        return identities.index(chosen) if chosen in identities else 0


def finding_key(finding: Finding) -> str:
    """Return the identity of a finding over time."""
    name, scope = finding.key
    return ";".join([name, *(f"{word}={value}" for word, value in scope)])


def service_status(service: ServiceState, thresholds: Thresholds, t: float) -> Status:
    """Return the worst of a service's verdict and findings."""
    answer = verdict(service, thresholds, t).status
    return max([answer, *(of_severity(finding.severity) for finding in service.findings)])
