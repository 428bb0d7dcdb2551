"""The answer where capacity has not been learned: by the pressure that gauges show.

An engine that lacks a metric, or one seen for the first time while it is full, is judged by this until more is known.
"""

from __future__ import annotations

from math import ceil

from pdwatch.judge.advice.case import Answer, Case
from pdwatch.judge.advice.role import serving
from pdwatch.judge.words import percent
from pdwatch.model.judgement import Action, Evidence
from pdwatch.model.snapshot import PoolState
from pdwatch.model.target import Role


def short(case: Case) -> Answer | None:
    """A pool whose gauges show more than it bears, decode first: a queue on prefill may be its symptom."""
    return _decode_full(case) or _prefill_short(case)


def pressure(pool: PoolState, threshold: float) -> Evidence:
    """Return the pressure of a pool as evidence."""
    return Evidence("pressure_ratio", pool.pressure_ratio, "ratio", threshold, {"role": pool.role.value})


def starting(role: Role, count: int) -> str:
    """Say how many replicas more are on their way."""
    return f"1 more {role} replica is starting." if count == 1 else f"{count} more {role} replicas are starting."


def _high(case: Case, role: Role) -> PoolState | None:
    pool = case.pool(role)
    if role in case.needs or pool is None or pool.pressure_ratio is None:
        return None
    return pool if pool.pressure_ratio >= case.thresholds.pressure_high else None


def _decode_full(case: Case) -> Answer | None:
    pool = _high(case, Role.DECODE)
    if pool is None:
        return None
    scope = {"role": pool.role.value}
    evidence = (
        pressure(pool, case.thresholds.pressure_high),
        Evidence("kv_usage_p90", pool.kv_cache_usage_p90, "ratio", case.thresholds.kv_usage_high, scope),
        Evidence("requests_waiting", pool.requests_waiting, "requests", None, scope),
        Evidence("preemptions_per_second", pool.preemptions_per_second, "per second", None, scope),
    )
    reason = f"Decode is too small: {pool.pressure_bound} demand is {percent(pool.pressure_ratio or 0.0)} of what fits"
    reason += f", {pool.requests_waiting or 0:.0f} requests wait."
    prefill = case.pool(Role.PREFILL)
    if prefill is not None and prefill.requests_waiting:
        reason += (
            f" The {prefill.requests_waiting:.0f} waiting on prefill are a symptom: decode must take their KV first."
        )
    return _scale(case, pool, Action.SCALE_DECODE, reason, evidence)


def _prefill_short(case: Case) -> Answer | None:
    pool = _high(case, Role.PREFILL)
    if pool is None:
        return None
    decode = case.pool(Role.DECODE)
    scope = {"role": pool.role.value}
    evidence = (
        pressure(pool, case.thresholds.pressure_high),
        Evidence("requests_waiting", pool.requests_waiting, "requests", None, scope),
        Evidence("computed_tokens_per_second", pool.computed_tokens_per_second, "tokens per second", None, scope),
        *((pressure(decode, case.thresholds.pressure_high),) if decode is not None else ()),
    )
    reason = f"Prefill is too small: arriving and waiting prompts are {percent(pool.pressure_ratio or 0.0)}"
    reason += f" of what it computes, {pool.requests_waiting or 0:.0f} requests wait."
    return _scale(case, pool, Action.SCALE_PREFILL, reason, evidence)


def _scale(case: Case, pool: PoolState, action: Action, reason: str, evidence: tuple[Evidence, ...]) -> Answer:
    serves = serving(case.signals, pool)
    desired = _grown(case, pool, serves)
    if desired > pool.replicas:
        return Answer(action, reason, evidence, {pool.role: desired}, confidence=0.7)
    held = f"No replica more may be had: the pool is at its maximum of {pool.replicas}."
    if serves < pool.replicas:
        held = starting(pool.role, pool.replicas - serves)
    return Answer(Action.HOLD, f"{reason} {held}", evidence, confidence=0.7)


def _grown(case: Case, pool: PoolState, serves: int) -> int:
    """Return the replicas at which the pressure of those that serve would be the target, within the pool's limits.

    At least one more, and at most twice as many: what waits is counted as demand and goes once it is worked off.
    """
    wanted = ceil(serves * (pool.pressure_ratio or 0.0) / case.thresholds.pressure_target)
    current = case.replicas()
    most = case.limits.most(pool.role, current[Role.PREFILL], current[Role.DECODE])
    return max(pool.replicas, min(max(wanted, serves + 1), 2 * serves, most))
