"""Demand over capacity of a pool, by each bound that can bind.

Prefill is bound by compute: tokens that arrive a second, and those that wait and should be gone within a drain time,
over the learned speed of its engines. Decode is bound by KV capacity, and by the time between tokens where an
objective is given.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from pdwatch.catalog.thresholds import Thresholds
from pdwatch.model.judgement import Bound
from pdwatch.model.snapshot import EngineState, PoolState, WorkerState
from pdwatch.model.target import Role


def with_pressure(
    pool: PoolState, workers: Sequence[WorkerState], thresholds: Thresholds, itl_objective: float | None
) -> PoolState:
    """Return the pool with its pressure and the bound it comes from; unknown where nothing tells."""
    engines = [engine for worker in workers if worker.up and not worker.stale for engine in worker.engines]
    bounds: dict[Bound, float | None] = {}
    if pool.role in (Role.PREFILL, Role.BOTH):
        bounds[Bound.PREFILL_COMPUTE] = prefill_pressure(engines, thresholds.drain_seconds)
    if pool.role in (Role.DECODE, Role.BOTH):
        bounds[Bound.DECODE_KV] = kv_pressure(pool, thresholds.kv_usage_high)
        bounds[Bound.DECODE_ITL] = itl_pressure(engines, itl_objective)
    known = {bound: value for bound, value in bounds.items() if value is not None}
    if not known:
        return pool
    bound = max(known, key=lambda name: known[name])
    return replace(pool, pressure_ratio=known[bound], pressure_bound=bound)


def prefill_pressure(engines: Sequence[EngineState], drain_seconds: float) -> float | None:
    """Return (arriving + waiting / drain) over speed, all in prompt tokens to compute a second.

    An engine whose speed is not yet known counts with the mean of the others. An engine without traffic demands 0.
    """
    speeds = [engine.prefill_tokens_per_second for engine in engines if engine.prefill_tokens_per_second]
    demands = [engine.prefill_demand_tokens_per_second for engine in engines]
    known = [demand for demand in demands if demand is not None]
    if not known:
        return None
    if not speeds:
        return 0.0 if not any(known) else None
    backlog = sum(engine.backlog_tokens or 0.0 for engine in engines)
    capacity = sum(speeds) / len(speeds) * len(engines)
    return (sum(known) + backlog / drain_seconds) / capacity


def kv_pressure(pool: PoolState, usable: float) -> float | None:
    """Return the KV that running and waiting requests want over what is usable, as a share of the cache.

    A waiting request is taken to want as much as a running one holds.
    """
    usage, waiting, running = pool.kv_cache_usage_ratio, pool.requests_waiting, pool.requests_running
    if usage is None:
        return None
    wanted = usage * (1.0 + waiting / running) if waiting and running else usage
    return wanted / usable


def itl_pressure(engines: Sequence[EngineState], objective: float | None) -> float | None:
    """Return the mean time between tokens over the objective; `None` without one."""
    gaps = [engine.itl_seconds for engine in engines if engine.itl_seconds is not None]
    return sum(gaps) / len(gaps) / objective if gaps and objective else None
