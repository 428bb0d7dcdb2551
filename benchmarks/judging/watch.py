"""The advisor's eyes: pages of a simulated fleet on the road to snapshots, every few seconds, damaged or not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random

from benchmarks.judging.score import Objective
from pdwatch.catalog.thresholds import Thresholds
from pdwatch.demo.model import Fleet, State, Worker
from pdwatch.judge.advice import ServiceLimits
from pdwatch.model.page import Scrape
from pdwatch.model.snapshot import ServiceState
from pdwatch.model.target import Role, RoleSource, Target
from pdwatch.road.road import Road, RoadSettings, ServicePolicy
from pdwatch.signals.service import Objectives

TICK_SECONDS = 5.0
SERVICE = "judged"


@dataclass(frozen=True, slots=True)
class Damage:
    """What goes wrong between the fleet and its watcher; the fleet itself is not touched."""

    jitter: float = 0.0
    """A page is read up to this many seconds before the tick."""
    dropped: float = 0.0
    """Share of scrapes that time out."""
    absent: Mapping[str, tuple[float, float]] | None = None
    """Workers whose scrapes time out from one second to another."""
    seed: int = 0


class Watcher:
    """Scrapes a fleet in simulated time and closes a round each tick. Only workers that are up are discovered, and
    those that died: an orchestrator lists a pod once it is ready and drops it when it drains."""

    def __init__(
        self,
        objective: Objective,
        *,
        thresholds: Thresholds | None = None,
        limits: ServiceLimits | None = None,
        damage: Damage | None = None,
    ) -> None:
        promised = Objectives(ttft=objective.ttft, itl=objective.tpot)
        policy = ServicePolicy(objectives=promised, limits=limits or ServiceLimits())
        settings = RoadSettings(TICK_SECONDS, thresholds=thresholds or Thresholds(), services={SERVICE: policy})
        self._road = Road(settings)
        self._damage = damage or Damage()
        self._random = Random(f"damage {self._damage.seed}")

    def advance(self, fleet: Fleet, tick: float) -> ServiceState | None:
        """Run *fleet* to the simulated second *tick* and return what is known of the service then.

        None as long as no worker has ever been seen.
        """
        listed = [worker for worker in fleet.workers.values() if worker.state in (State.UP, State.DEAD)]
        early = {worker.name: self._random.uniform(0.0, self._damage.jitter) for worker in listed}
        for worker in sorted(listed, key=lambda worker: -early[worker.name]):
            at = max(fleet.now, tick - early[worker.name])
            fleet.run_until(at)
            self._road.observe(self._scrape(fleet, worker))
        fleet.run_until(tick)
        self._road.keep([_target(worker) for worker in listed])
        return self._road.tick(fleet.epoch + tick).services.get(SERVICE)

    def _scrape(self, fleet: Fleet, worker: Worker) -> Scrape:
        at = fleet.epoch + fleet.now
        if not worker.alive:
            return Scrape(_target(worker), at, 0.001, error="connection refused")
        begin, end = (self._damage.absent or {}).get(worker.name, (0.0, 0.0))
        if begin <= fleet.now < end or self._random.random() < self._damage.dropped:
            return Scrape(_target(worker), at, 3.0, error="timed out after 3s")
        return Scrape(_target(worker), at, 0.01, 200, fleet.page(worker))


def _target(worker: Worker) -> Target:
    url = f"http://{worker.name}/metrics"
    return Target(url, worker.name, SERVICE, Role(worker.role.value), RoleSource.DECLARED, host=worker.host)
