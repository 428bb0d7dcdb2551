"""All engines of one role of one service, as one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import ceil

from pdwatch.model.snapshot import EngineState, PoolState, WorkerState
from pdwatch.model.target import Role, RoleSource


@dataclass(frozen=True, slots=True)
class Member:
    """One engine with its worker."""

    worker: str
    state: EngineState


def pool_state(role: Role, workers: Sequence[WorkerState]) -> PoolState:
    """Return the pool of *workers*; numbers come from those whose page is fresh."""
    fresh = [worker for worker in workers if worker.up and not worker.stale]
    members = [Member(worker.worker, engine) for worker in fresh for engine in worker.engines]
    states = [member.state for member in members]
    queries = _Weighted(states)
    pool = PoolState(
        role=role,
        replicas=len({worker.replica for worker in workers}),
        workers=len(workers),
        engines=sum(len(worker.engines) for worker in workers),
        up=sum(worker.up for worker in workers),
        role_guessed=any(worker.role_source is RoleSource.BEHAVIOUR for worker in workers),
        requests_waiting=_sum(states, lambda s: s.requests_waiting),
        requests_running=_sum(states, lambda s: s.requests_running),
        prefill_concurrency=_sum(states, lambda s: s.prefill_concurrency),
        prefix_cache_hit_ratio=queries.mean(lambda s: s.prefix_cache_hit_ratio),
        external_cache_hit_ratio=queries.mean(lambda s: s.external_cache_hit_ratio),
        requests_per_second=_sum(states, lambda s: s.requests_per_second),
        prompt_tokens_per_second=_sum(states, lambda s: s.prompt_tokens_per_second),
        computed_tokens_per_second=_sum(states, lambda s: s.computed_tokens_per_second),
        generation_tokens_per_second=_sum(states, lambda s: s.generation_tokens_per_second),
        preemptions_per_second=_sum(states, lambda s: s.preemptions_per_second),
        errors_per_second=_sum(states, lambda s: s.errors_per_second),
        requests_in_window=_sum(states, lambda s: s.requests_in_window),
    )
    return _with_imbalance(_with_cache(pool, states), members)


def _sum(states: Sequence[EngineState], of: Callable[[EngineState], float | None]) -> float | None:
    values = [value for state in states if (value := of(state)) is not None]
    return sum(values) if values else None


class _Weighted:
    """Means of ratios, weighted by prompt tokens."""

    def __init__(self, states: Sequence[EngineState]) -> None:
        self._states = states

    def mean(self, of: Callable[[EngineState], float | None]) -> float | None:
        pairs = [
            (value, state.prompt_tokens_per_second or 0.0) for state in self._states if (value := of(state)) is not None
        ]
        weight = sum(weight for _, weight in pairs)
        return sum(value * part for value, part in pairs) / weight if weight > 0 else None


def _with_cache(pool: PoolState, states: Sequence[EngineState]) -> PoolState:
    usages = sorted(state.kv_cache_usage_ratio for state in states if state.kv_cache_usage_ratio is not None)
    if not usages:
        return pool
    sizes = [
        (state.kv_cache_tokens, state.kv_cache_usage_ratio)
        for state in states
        if state.kv_cache_tokens is not None and state.kv_cache_usage_ratio is not None
    ]
    return replace(
        pool,
        kv_cache_usage_ratio=sum(usages) / len(usages),
        kv_cache_usage_worst=usages[-1],
        kv_cache_usage_p90=usages[ceil(0.9 * len(usages)) - 1],
        kv_cache_tokens=sum(size for size, _ in sizes) if sizes else None,
        kv_cache_tokens_used=sum(size * usage for size, usage in sizes) if sizes else None,
    )


@dataclass(frozen=True, slots=True)
class _Load:
    member: Member
    requests: float


def _with_imbalance(pool: PoolState, members: Sequence[Member]) -> PoolState:
    """Add the busiest engine over the mean of the pool; nothing where there is no load to compare."""
    loads = [_Load(member, member.state.load) for member in members if member.state.load is not None]
    mean = sum(load.requests for load in loads) / len(loads) if loads else 0.0
    if mean <= 0:
        return pool
    busiest = max(loads, key=lambda load: load.requests)
    return replace(
        pool,
        queue_imbalance_ratio=busiest.requests / mean,
        busiest_engine=(busiest.member.worker, busiest.member.state.engine),
        busiest_requests=busiest.requests,
        mean_requests=mean,
    )
