"""One service: the signals of its workers, pools, transfer and latency, put together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pdwatch.catalog.thresholds import Thresholds
from pdwatch.model.snapshot import PoolState, ServiceSignals, WorkerState
from pdwatch.model.target import Role
from pdwatch.model.window import Flow, together
from pdwatch.signals.capacity.prefill_speed import PrefillSpeed
from pdwatch.signals.capacity.watch import CapacityWatch
from pdwatch.signals.engine import EngineWatch
from pdwatch.signals.expert_pages import expert_balance_told
from pdwatch.signals.flows import ServiceFlows
from pdwatch.signals.latency import latency_state, slo_state
from pdwatch.signals.pool import pool_state
from pdwatch.signals.pressure import with_pressure
from pdwatch.signals.rank_balance import expert_balance_estimate
from pdwatch.signals.routed import NOT_ROUTED, Routed, RoutedWatch
from pdwatch.signals.transfer import transfer_state
from pdwatch.signals.transfer_path import TransferPaths
from pdwatch.signals.usual_chain import UsualChain
from pdwatch.signals.worker import WorkerWatch

POOL_ROLES = (Role.PREFILL, Role.DECODE, Role.BOTH, Role.UNKNOWN)


_FORGOTTEN_SECONDS = 3600.0
"""After which an engine that was known before a restart of pdwatch, and is not seen again, is forgotten."""


@dataclass(frozen=True, slots=True)
class Objectives:
    """What a service promises: seconds per objective and the share of requests that must meet each."""

    ttft: float | None = None
    itl: float | None = None
    target: float = 0.95


class ServiceWatch:
    """The workers of one service and the totals of those that left."""

    def __init__(self, name: str, objectives: Objectives, connector: str | None, thresholds: Thresholds) -> None:
        self.name = name
        self.objectives = objectives
        self.connector = connector
        self.thresholds = thresholds
        self.workers: dict[str, WorkerWatch] = {}
        self.routers: dict[str, RoutedWatch] = {}
        """By the URL of the router's page."""
        self._departed: dict[Role, Flow] = defaultdict(Flow)
        self.capacity = CapacityWatch()
        self._speeds: dict[str, dict[str, float]] = {}
        """Of engines not seen since pdwatch was restarted."""
        self._recalled: float | None = None
        self._paths = TransferPaths(thresholds)
        self._usual = UsualChain()

    def configure(self, objectives: Objectives, connector: str | None, thresholds: Thresholds, horizon: float) -> None:
        """Measure by other settings from now on; what was seen stays."""
        self.objectives, self.connector, self.thresholds = objectives, connector, thresholds
        for worker in self.workers.values():
            worker.configure(horizon)

    def remove(self, url: str) -> None:
        """Forget a worker, keeping its totals so that the service's counters never fall."""
        worker = self.workers.pop(url)
        self.routers.pop(url, None)
        role = worker.role()[0]
        self._departed[role] = together((self._departed[role], worker.ledger()))

    def signals(self, now: float, stale_after: float) -> ServiceSignals:
        """Return everything measured of the service at *now*."""
        self._remember(now)
        states, routers = self._states(now, stale_after)
        pools = self._pools(states)
        fresh = {state.url for state in states if not state.stale}
        flows = self._flows(fresh | {state.url for state in routers if not state.stale})
        waiting = _waiting(state for state in states if state.role is Role.DECODE and not state.stale)
        transfer = transfer_state(flows, self.connector, waiting)
        prefilling, decoding = self.capacity.observe(self._engines(fresh), flows.window, now)
        goals = self.objectives
        slo = slo_state(flows.window, goals.ttft, goals.itl, goals.target)
        return ServiceSignals(
            service=self.name,
            pools=pools,
            transfer=transfer,
            experts=expert_balance_told(
                (watch.target.replica_name, watch.windows()) for url, watch in self.workers.items() if url in fresh
            ),
            latency=self._usual.observe(now, latency_state(flows, transfer), slo.get("ttft")),
            slo=slo,
            workers=states,
            routers=routers,
            transfer_paths=self._paths.observe(
                {state.worker: [] if state.stale else self.workers[state.url].windows() for state in states}
            ),
            expert_balance_estimate=expert_balance_estimate(states),
            prefill_load=prefilling,
            decode_load=decoding,
        )

    def _states(self, now: float, stale_after: float) -> tuple[tuple[WorkerState, ...], tuple[WorkerState, ...]]:
        """Return the states of the workers, and those of the routers."""
        told = {url: watch.role()[0] is Role.ROUTER for url, watch in self.workers.items()}
        return (
            tuple(
                watch.state(now, stale_after, self._routed(url.partition("#")[0]))
                for url, watch in self.workers.items()
                if not told[url]
            ),
            tuple(watch.state(now, stale_after) for url, watch in self.workers.items() if told[url]),
        )

    def memory(self) -> dict[str, object]:
        """Return what is worth keeping over a restart of pdwatch: how fast its engines are."""
        speeds = {
            f"{url} {name}": engine.speed.memory()
            for url, worker in self.workers.items()
            for name, engine in worker.engines.items()
            if engine.speed.tokens_per_second
        }
        return {"speeds": {**self._speeds, **speeds}, "step_time": self.capacity.step_time.memory()}

    def recall(self, kept: Mapping[str, Any]) -> None:
        """Go on from what `memory` returned. Raises `KeyError`, `TypeError` or `ValueError` where it is not that."""
        speeds = {str(key): dict(speed) for key, speed in kept["speeds"].items()}
        for speed in speeds.values():
            PrefillSpeed().recall(speed)
        self.capacity.step_time.recall(kept["step_time"])
        self._speeds = speeds

    def _remember(self, now: float) -> None:
        """Give engines the speed that they had before pdwatch was restarted; who does not come back is forgotten."""
        if not self._speeds:
            return
        self._recalled = now if self._recalled is None else self._recalled
        if now - self._recalled > _FORGOTTEN_SECONDS:
            self._speeds.clear()
        for url, worker in self.workers.items():
            for name, engine in worker.engines.items():
                if engine.speed.tokens_per_second is None and (speed := self._speeds.pop(f"{url} {name}", None)):
                    engine.speed.recall(speed)

    def _engines(self, fresh: set[str]) -> dict[Role, list[EngineWatch]]:
        found: dict[Role, list[EngineWatch]] = defaultdict(list)
        for url in self.workers:
            if url in fresh:
                found[self.workers[url].role()[0]].extend(self.workers[url].engines.values())
        return found

    def _routed(self, url: str) -> Routed:
        found = (router.routed(url) for router in self.routers.values())
        return next((routed for routed in found if routed is not None), NOT_ROUTED)

    def _pools(self, states: Sequence[WorkerState]) -> dict[Role, PoolState]:
        by_role: dict[Role, list[WorkerState]] = defaultdict(list)
        for state in states:
            by_role[state.role].append(state)
        return {
            role: with_pressure(pool_state(role, by_role[role]), by_role[role], self.thresholds, self.objectives.itl)
            for role in POOL_ROLES
            if role in by_role
        }

    def _flows(self, fresh: set[str]) -> ServiceFlows:
        """Sum what flowed through the workers with a fresh page, and since the beginning through all."""
        window: dict[Role, list[Flow]] = defaultdict(list)
        ledger: dict[Role, list[Flow]] = defaultdict(list, {role: [flow] for role, flow in self._departed.items()})
        seconds = 0.0
        for url, watch in self.workers.items():
            role = watch.role()[0]
            ledger[role].append(watch.ledger())
            if url in fresh:
                windows = watch.windows()
                window[role].extend(each.flow for each in windows)
                seconds = max((seconds, *(each.seconds for each in windows)))
        return ServiceFlows(
            {role: together(flows) for role, flows in window.items()},
            {role: together(flows) for role, flows in ledger.items()},
            seconds,
        )


def _waiting(states: Iterable[WorkerState]) -> float | None:
    counts = [
        engine.kv_fetch_waiting for state in states for engine in state.engines if engine.kv_fetch_waiting is not None
    ]
    return sum(counts) if counts else None
