"""One role of one service: what it is asked for, what any number of its replicas would bear, and which bound binds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from pdwatch.model.capacity import DecodeLoad, PrefillLoad
from pdwatch.model.judgement import Bound, BoundLoad
from pdwatch.model.snapshot import PoolState, ServiceSignals
from pdwatch.model.target import Role
from pdwatch.signals.capacity.sizing import Goals, decode_capacity, prefill_capacity

Capacities = Mapping[Bound, float]

_MISSED_SHARE = 0.2
"""Share of the requests that may miss their objective which queueing in a steady state may take."""
_HOPS_SHARE = 0.5
"""Most of the TTFT objective that is set aside for transfer and admission."""


@dataclass(frozen=True, slots=True)
class RoleLoad:
    """A role with the means to size it."""

    role: Role
    replicas: int
    """Those that have ever answered: one that is starting bears nothing yet."""
    demand: float
    """Tokens a second at arrival, as of the last pages, for all replicas."""
    arrivals: float
    scv: float
    """Squared variation of the lengths behind the demand."""
    waiting_seconds: float
    """Time that what waits would take, were nothing to arrive."""
    lengths: tuple[float, float] | None
    """Of decode, tokens generated and answers ended since the last tick: what the length of an answer is told by."""
    memory: float
    """Seconds for which a request stays: demand that is told by what stays has a burst smoothed out already."""
    even: bool
    """What waits is spread over the engines: a queue on one alone is no lack of capacity."""
    crowded: float
    """Share of decode's KV caches in use while requests wait, whatever was learned of them; 0 while none waits."""
    capacities: Callable[[int], Capacities]
    """By number of replicas, tokens a second by each bound that is known."""

    def capacity(self, replicas: int) -> float | None:
        """Return the tokens a second that *replicas* bear by the bound that binds; `None` where none is known."""
        found = self.capacities(replicas)
        return min(found.values()) if found else None

    @property
    def able(self) -> float:
        """Tokens a second that the replicas there are bear by the bound that binds; 0 where none is known."""
        return self.capacity(self.replicas) or 0.0

    def utilization(self, replicas: int, demand: float | None = None) -> float | None:
        """Return *demand* (or the present one) over the capacity of *replicas*."""
        capacity = self.capacity(replicas)
        if not capacity:
            return None
        return (self.demand if demand is None else demand) / capacity

    @property
    def binding(self) -> Bound | None:
        """The bound that binds; `None` where none is known."""
        found = self.capacities(self.replicas)
        return min(found, key=lambda bound: found[bound]) if found else None

    def bounds(self, demand: float) -> list[BoundLoad]:
        """Return every known bound with *demand* put on the replicas there are."""
        return [BoundLoad(self.role, bound, demand, able) for bound, able in self.capacities(self.replicas).items()]


def role_loads(signals: ServiceSignals) -> dict[Role, RoleLoad]:
    """Return the roles of which load and capacity are known."""
    found: dict[Role, RoleLoad] = {}
    prefill, decode = signals.pools.get(Role.PREFILL), signals.pools.get(Role.DECODE)
    goals = _goals(signals)
    if prefill is not None and signals.prefill_load is not None:
        spent = _other_hops(signals, goals)
        found[Role.PREFILL] = _prefill(prefill, serving(signals, prefill), signals.prefill_load, goals, spent)
    if decode is not None and signals.decode_load is not None and signals.decode_load.step is not None:
        found[Role.DECODE] = _decode(decode, serving(signals, decode), signals.decode_load, goals)
    return found


def serving(signals: ServiceSignals, pool: PoolState) -> int:
    """Return the replicas of a pool that have ever answered, stale or not; at least one."""
    answered = {worker.replica for worker in signals.workers if worker.role is pool.role and worker.engines}
    return max(1, len(answered))


def _goals(signals: ServiceSignals) -> Goals:
    ttft, itl = signals.slo.get("ttft"), signals.slo.get("itl")
    target = min((goal.target for goal in (ttft, itl) if goal is not None), default=1.0)
    return Goals(
        None if ttft is None else ttft.objective_seconds,
        None if itl is None else itl.objective_seconds,
        missed=max(0.001, _MISSED_SHARE * (1.0 - target)),
        sequences=_sequences(signals),
    )


def _sequences(signals: ServiceSignals) -> float | None:
    """Return the requests that a decode engine runs at most, where the arguments of its process are known."""
    decode = {worker.worker for worker in signals.workers if worker.role is Role.DECODE}
    told: list[int] = []
    for placement in signals.placements:
        state = signals.hosts.get(placement.host)
        processes = state.reading.processes if state is not None and state.reading is not None else None
        groups = processes.groups if processes is not None and placement.worker in decode else ()
        configs = [group.config for group in groups if group.pid == placement.group]
        told += [config.max_num_seqs for config in configs if config is not None and config.max_num_seqs]
    return min(told, default=None)


def _other_hops(signals: ServiceSignals, goals: Goals) -> float:
    """Return the seconds to the first token that are not prefill's."""
    chain = signals.latency.chain
    hops = (chain.transfer or 0.0) + (chain.decode_admission or 0.0)
    return min(hops, _HOPS_SHARE * (goals.ttft or 0.0))


def _prefill(pool: PoolState, replicas: int, load: PrefillLoad, goals: Goals, spent: float) -> RoleLoad:
    """Return prefill. Replicas that do not answer just now are taken to get as much as the others."""
    whole, each = _scale(pool, replicas, load.engines)

    def capacities(count: int) -> Capacities:
        return {Bound.PREFILL_COMPUTE: prefill_capacity(load, round(count * each), goals, spent)}

    return RoleLoad(
        role=Role.PREFILL,
        replicas=replicas,
        demand=load.demand * whole,
        arrivals=load.arrivals * whole,
        scv=load.scv,
        waiting_seconds=load.backlog / (load.speed * load.engines),
        lengths=None,
        memory=0.0,
        even=_even(load.longest, load.engines),
        crowded=0.0,
        capacities=capacities,
    )


def _decode(pool: PoolState, replicas: int, load: DecodeLoad, goals: Goals) -> RoleLoad:
    _, each = _scale(pool, replicas, load.engines)

    def capacities(count: int) -> Capacities:
        return decode_capacity(load, round(count * each), goals)

    able = min(capacities(replicas).values(), default=0.0)
    return RoleLoad(
        role=Role.DECODE,
        replicas=replicas,
        demand=load.demand,
        arrivals=load.arrivals,
        scv=load.scv,
        waiting_seconds=load.waiting * load.tokens / able if able > 0 else 0.0,
        lengths=(load.generated, load.ended),
        memory=load.tokens * (load.itl or 0.0),
        even=_even(load.longest, load.engines),
        crowded=(load.usage or 0.0) if load.waiting > 0 else 0.0,
        capacities=capacities,
    )


def _even(longest: float, engines: int) -> bool:
    """Tell whether the longest queue is less than half way from its even share to everything."""
    return engines < 2 or longest <= (1.0 + 1.0 / engines) / 2


def _scale(pool: PoolState, replicas: int, answering: int) -> tuple[float, float]:
    """Return all engines over those that answer, and engines of one of the *replicas* that they belong to."""
    engines = max(pool.engines, answering, 1)
    return engines / max(answering, 1), engines / replicas
