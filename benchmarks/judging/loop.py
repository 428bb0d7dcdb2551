"""The closed loop: a fleet, a policy and the orchestrator between them, from the first second to the last."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from benchmarks.judging.policies.base import Desired, Policy, View
from benchmarks.judging.score import Change, Objective, Score, attainment, flips, gpu_hours, ttft_p99
from benchmarks.judging.watch import TICK_SECONDS, Watcher
from pdwatch.catalog.thresholds import Thresholds
from pdwatch.demo.model import Fleet, FleetSpec, Role, State, Worker
from pdwatch.judge.advice import Limits, ServiceLimits
from pdwatch.model import target

GRACE_SECONDS = 60.0
"""Time after the end in which the last arrivals may finish; it is not billed."""


@dataclass(frozen=True, slots=True)
class Setting:
    """What a run is made of besides its policy."""

    spec: FleetSpec
    seconds: float
    startup: float
    objective: Objective = field(default_factory=Objective)
    seed: int = 1
    most: int = 16
    """Workers that one role may have."""

    def starting_with(self, desired: Desired) -> Setting:
        """Return the same with so many workers at second 0."""
        prefill = replace(self.spec.prefill, workers=desired.prefill)
        decode = replace(self.spec.decode, workers=desired.decode)
        return replace(self, spec=replace(self.spec, prefill=prefill, decode=decode))


class Orchestrator:
    """Brings a fleet to the replicas wanted: a new worker serves after its start-up, one sent away drains first."""

    def __init__(self, fleet: Fleet, startup: float, most: int) -> None:
        self._fleet = fleet
        self._startup = startup
        self._most = most
        self.changes: list[Change] = []

    def settle(self, desired: Desired) -> None:
        """Ask for what lacks and send away what is too many: those starting first, newest first, then the emptiest."""
        for role in Role:
            wanted = min(max(desired.of(role), 1), self._most)
            there = [w for w in self._fleet.of_role(role) if w.state in (State.UP, State.STARTING)]
            for _ in range(wanted - len(there)):
                self._fleet.add_worker(role, self._startup)
            for worker in sorted(there, key=_keep)[: max(0, len(there) - wanted)]:
                self._fleet.remove_worker(worker.name)
            if wanted != len(there):
                self.changes.append(Change(self._fleet.now, role, wanted - len(there)))


def _keep(worker: Worker) -> tuple[bool, float, int]:
    return worker.state is not State.STARTING, worker.outstanding, -int(worker.name.rpartition("-")[2])


def _limits(setting: Setting) -> ServiceLimits:
    """Return what the advisor is told: start-up, GPUs and most replicas of each role."""
    pools = {"prefill": setting.spec.prefill, "decode": setting.spec.decode}
    limits = {
        target.Role(name): Limits(maximum=setting.most, gpus=pool.gpus, startup=setting.startup)
        for name, pool in pools.items()
    }
    return ServiceLimits(limits)


def run(setting: Setting, policy: Policy, look: Callable[[Fleet], None] | None = None) -> Score:
    """Play *setting* under *policy* and score every arrival of it. *look* is shown the fleet when billing ends."""
    fleet = Fleet(setting.spec, setting.seed)
    orchestrator = Orchestrator(fleet, setting.startup, setting.most)
    watcher = None
    if policy.watches is not None:
        watcher = Watcher(
            setting.objective, thresholds=Thresholds().overridden(policy.watches), limits=_limits(setting)
        )
    tick = 0.0
    while tick + TICK_SECONDS < setting.seconds:
        tick += TICK_SECONDS
        service = None
        if watcher is None:
            fleet.run_until(tick)
        else:
            service = watcher.advance(fleet, tick)
        orchestrator.settle(policy.on_tick(View(fleet, service)))
    fleet.run_until(setting.seconds)
    billed = gpu_hours(fleet)
    if look is not None:
        look(fleet)
    fleet.run_until(setting.seconds + GRACE_SECONDS)
    hours = setting.seconds / 3600.0
    return Score(
        attainment(fleet, setting.objective, 0.0, setting.seconds),
        billed,
        ttft_p99(fleet, 0.0, setting.seconds),
        len(orchestrator.changes) / hours,
        flips(orchestrator.changes) / hours,
    )
