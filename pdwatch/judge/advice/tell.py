"""Answers in words and numbers: the reason, the evidence, and what would change it."""

from __future__ import annotations

from collections.abc import Sequence
from math import erf, isfinite, sqrt

from pdwatch.judge.advice.case import SIDES, Answer, Case
from pdwatch.judge.advice.gauges import pressure, starting
from pdwatch.judge.advice.need import Need, Sign
from pdwatch.judge.advice.plan import OTHER, SHIFT, Plan
from pdwatch.judge.words import percent, seconds
from pdwatch.model.judgement import Action, BoundLoad, Evidence
from pdwatch.model.target import Role


def bounds(case: Case) -> tuple[BoundLoad, ...]:
    """Return every known bound of both roles under the mean demand of a minute, the fullest first."""
    found: list[BoundLoad] = []
    for need in case.needs.values():
        found += need.load.bounds(need.demanded)
    return tuple(sorted(found, key=lambda load: -load.utilization_ratio))


def hold(case: Case) -> Answer:
    """Say that there is room, how much, and where it ends."""
    told = bounds(case)
    if len(case.needs) == len(SIDES) and told:
        nearest = told[0]
        reason = f"Both pools have room. Nearest limit: {nearest.bound} at {percent(nearest.utilization_ratio)}."
        signs = tuple(item for role in SIDES for item in _utilization(case, role))
        return Answer(Action.HOLD, reason, signs, reconsider=_limits(case))
    return _hold_by_gauges(case)


def _hold_by_gauges(case: Case) -> Answer:
    known = [pool for role in SIDES if (pool := case.pool(role)) is not None and pool.pressure_ratio is not None]
    if not known:
        return Answer(Action.HOLD, "Nothing waits; rates are not known before the second page.")
    nearest = max(known, key=lambda pool: pool.pressure_ratio or 0.0)
    reason = (
        f"Both pools have room. Nearest limit: {nearest.pressure_bound} at {percent(nearest.pressure_ratio or 0.0)}."
    )
    evidence = tuple(pressure(pool, case.thresholds.pressure_high) for pool in known)
    return Answer(Action.HOLD, reason, evidence, reconsider=_limits(case))


def shortage(case: Case, plan: Plan, hidden: Sequence[Need]) -> str:
    """Say which role is too small, by how much, and where the replicas come from."""
    short = max((need for need in case.needs.values() if need.grows), key=lambda need: need.utilization)
    first = short if plan.action is Action.HOLD else case.needs.get(plan.role, short)
    others = [need for need in case.needs.values() if need.grows and need is not first and need not in hidden]
    parts = [_too_small(need) for need in (first, *others)]
    for need in hidden:
        waiting = case.signals.pools[need.load.role].requests_waiting or 0.0
        parts.append(f"The {waiting:.0f} waiting on {need.load.role} are a symptom: decode must take their KV first.")
    if plan.action in SHIFT.values():
        parts.append(f"{OTHER[plan.role].title()} can lend: it has more than its demand of the last minutes needs.")
    parts += [starting(role, n) for role, need in case.needs.items() if need.grows and (n := case.starting(need)) > 0]
    parts += [_cannot_be_had(case, role, count) for role, count in plan.short.items()]
    return " ".join(parts)


def _too_small(need: Need) -> str:
    used = f"{need.demanded:,.0f} tokens/s arrive, {percent(need.utilization)} of what {_replicas(need.load.replicas)}"
    wait = f"takes {seconds(need.drain)} to work off" if isfinite(need.drain) else "only grows"
    told: dict[Sign | None, str] = {
        Sign.TREND: f"will be too small: {used}, and rising",
        Sign.ROOM: f"has too little room for a crowd: {used}",
        Sign.QUEUE: f"is too small: what waits {wait}; {used}",
    }
    head = told.get(need.sign, f"is too small: {used}")
    return f"{need.load.role.title()} {head} ({_binding(need)})."


def _binding(need: Need) -> str:
    bound = need.load.binding
    return "capacity" if bound is None else bound.value


def _cannot_be_had(case: Case, role: Role, short: int) -> str:
    limits, current = case.limits, case.replicas()
    most = limits.of(role).maximum
    if most is not None and current[role] >= most:
        why = f"the pool is at its maximum of {most}"
    elif limits.gpu_budget is not None:
        used = limits.gpus(current[Role.PREFILL], current[Role.DECODE])
        why = f"{used} of {limits.gpu_budget} GPUs are in use and {OTHER[role]} has none to lend"
    else:
        why = "the limits do not allow it"
    return f"{short} {role} replica{'' if short == 1 else 's'} short: {why}."


def passing(case: Case, need: Need) -> str:
    """Say that a role is above its limit, and why nothing is advised yet."""
    startup = case.limits.startup(need.load.role)
    head = f"{need.load.role.title()} is at {percent(need.utilization)} of its limit ({_binding(need)})"
    if need.sign is Sign.TREND:
        return f"{head} and rising. Unless that turns, a replica is advised in {seconds(_left(need))}."
    if isfinite(need.drain) and need.drain < startup and need.load.waiting_seconds > 0.5:
        drained = f"what waits is gone in {seconds(need.drain)}, a new replica takes {seconds(startup)}"
        return f"{head} after a burst: {drained}."
    since = f"for {seconds(need.over_seconds)}" if need.over_seconds >= 1 else "just now"
    held = f"{head} {since}. A new replica takes {seconds(startup)}:"
    return f"{held} one is advised if this lasts {seconds(_left(need))} more."


def if_it_lasts(need: Need) -> tuple[str, ...]:
    """Say what turns holding into scaling."""
    return (f"{need.load.role} stays above its limit for {seconds(_left(need))} more",)


def _left(need: Need) -> float:
    return max(1.0, need.patience - need.over_seconds)


def surplus(case: Case, plan: Plan) -> str:
    """Say which role has more than it needs and how full it would be with fewer."""
    need, fewer = case.needs[plan.role], plan.desired[plan.role]
    now = percent(need.utilization)
    peak = need.load.utilization(fewer, need.peak) or 0.0
    head = f"{plan.role.title()} has more than it needs: it is at {now} of its limit ({_binding(need)})"
    return f"{head}; the highest demand of the last {seconds(need.past)} would be {percent(peak)} of {fewer}."


def evidence(case: Case, role: Role) -> tuple[Evidence, ...]:
    """Return the numbers behind an answer about *role*, and the other role's for comparison."""
    need, pool = case.needs[role], case.signals.pools[role]
    scope = {"role": role.value}
    return (
        *_utilization(case, role),
        Evidence("demand_tokens_per_second", need.demanded, "tokens per second", None, scope),
        Evidence("capacity_tokens_per_second", need.load.able, "tokens per second", None, scope),
        Evidence("requests_waiting", pool.requests_waiting, "requests", None, scope),
        *_utilization(case, OTHER[role]),
    )


def _utilization(case: Case, role: Role) -> tuple[Evidence, ...]:
    need, limit = case.needs.get(role), case.thresholds.pressure_high
    if need is None:
        return ()
    return (Evidence("utilization_ratio", need.utilization, "ratio", limit, {"role": role.value}),)


def reconsider(case: Case, plan: Plan) -> tuple[str, ...]:
    """Say at which demand the answer would be another."""
    need = case.needs[plan.role]
    if plan.desired[plan.role] < need.load.replicas:
        fewer = need.load.capacity(plan.desired[plan.role]) or 0.0
        return (f"{plan.role} demand above {fewer * case.thresholds.pressure_low:,.0f} tokens/s",)
    return (f"{plan.role} demand below {need.load.able * case.thresholds.pressure_high:,.0f} tokens/s",)


def _limits(case: Case) -> tuple[str, ...]:
    """Say at which demand a role would be too small."""
    high = case.thresholds.pressure_high
    return tuple(
        f"{need.load.role} demand above {need.load.able * high:,.0f} tokens/s (now {need.demanded:,.0f})"
        for need in case.needs.values()
    )


def sureness(need: Need) -> float:
    """Return how sure it is that demand is above the limit, by how many errors it is; a queue is sure enough."""
    if need.sign is Sign.QUEUE:
        return 0.9
    if need.sign in (Sign.TREND, Sign.ROOM) or need.error <= 0:
        return 0.7
    return max(0.6, 0.5 * (1.0 + erf((need.utilization - 1.0) / (need.error * sqrt(2.0)))))


def _replicas(count: int) -> str:
    return "1 replica bears" if count == 1 else f"{count} replicas bear"
