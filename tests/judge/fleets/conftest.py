"""Simulated fleets on the road: pages in, findings out, in simulated time and without any network."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from pdwatch.demo.model import Fleet, State, Worker
from pdwatch.model.judgement import Finding, Severity
from pdwatch.model.page import Scrape
from pdwatch.model.target import Role, RoleSource, Target
from pdwatch.road.road import Road, RoadSettings, ServicePolicy
from pdwatch.signals.service import Objectives

INTERVAL = 5.0
SERVICE = "watched"
POLICY = ServicePolicy(objectives=Objectives(ttft=4.0, itl=0.08))
Told = Mapping[float, tuple[Finding, ...]]
"""By simulated second, the findings of that tick."""


@dataclass(frozen=True)
class Episode:
    """A fleet that is watched for a while, and what is done to it at which second."""

    fleet: Callable[[], Fleet]
    seconds: float
    done: tuple[tuple[float, Callable[[Fleet], object]], ...] = ()
    listed: frozenset[State] = frozenset({State.UP, State.DRAINING, State.DEAD})
    """Workers that discovery knows."""
    silent: Mapping[str, tuple[float, float]] | None = None
    """Workers whose pages time out from one second to another; nothing else is wrong with them."""

    def watch(self) -> Told:
        """Return what was told at each tick."""
        fleet, road, told = self.fleet(), Road(RoadSettings(INTERVAL, services={SERVICE: POLICY})), {}
        todo = list(self.done)
        for step in range(1, round(self.seconds / INTERVAL) + 1):
            now = step * INTERVAL
            while todo and todo[0][0] <= now:
                at, do = todo.pop(0)
                fleet.run_until(at)
                do(fleet)
            fleet.run_until(now)
            listed = [worker for worker in fleet.workers.values() if worker.state in self.listed]
            for worker in listed:
                road.observe(self._scrape(fleet, worker))
            road.keep(map(_target, listed))
            service = road.tick(fleet.epoch + now).services.get(SERVICE)
            told[now] = service.findings if service is not None else ()
        return told

    def _scrape(self, fleet: Fleet, worker: Worker) -> Scrape:
        at, target = fleet.epoch + fleet.now, _target(worker)
        begin, end = (self.silent or {}).get(worker.name, (0.0, 0.0))
        if begin <= fleet.now < end:
            return Scrape(target, at, 3.0, error="timed out after 3s")
        if not worker.alive:
            return Scrape(target, at, 0.001, error="connection refused")
        return Scrape(target, at, 0.01, 200, fleet.page(worker))


def _target(worker: Worker) -> Target:
    url = f"http://{worker.name}/metrics"
    return Target(url, worker.name, SERVICE, Role(worker.role.value), RoleSource.DECLARED, host=worker.host)


class Watched:
    """What was told of an episode."""

    def __init__(self, told: Told) -> None:
        self.told = told

    @property
    def alarms(self) -> set[str]:
        """The findings above information that were ever told as a root."""
        return {finding.finding for found in self.told.values() for finding in found if _alarming(finding)}

    def first(self, name: str, **scope: str) -> float | None:
        """Return the second at which a finding above information was first told, of a scope where one is given."""
        for at, findings in self.told.items():
            for finding in findings:
                fits = finding.finding == name and scope.items() <= finding.scope.items()
                if fits and finding.severity > Severity.INFO:
                    return at
        return None

    def roots(self, at: float) -> set[str]:
        """Return the names of the roots above information at a second."""
        return {finding.finding for finding in self.told[at] if _alarming(finding)}

    def causes(self, at: float) -> dict[str, str | None]:
        """Return by finding, at a second, the name of its root; `None` for a root."""
        return {f.finding: f.because_of.finding if f.because_of is not None else None for f in self.told[at]}


def _alarming(finding: Finding) -> bool:
    return finding.severity > Severity.INFO and finding.because_of is None


@pytest.fixture(scope="session")
def watch() -> Callable[..., Watched]:
    """Watch an episode by its name, described as `Episode` is; one that was watched is not watched again."""
    seen: dict[str, Watched] = {}

    def watch(name: str, **episode: Any) -> Watched:
        if name not in seen:
            seen[name] = Watched(Episode(**episode).watch())
        return seen[name]

    return watch
