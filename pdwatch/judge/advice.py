"""What to do about the capacity of a service, from the pressure of its pools.

The order of the questions matters: is anything known, is something broken that capacity does not cure, is decode full
(then a queue on prefill is only its symptom), is prefill too small, is load uneven, and only then: hold.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import ceil

from pdwatch.catalog.thresholds import Thresholds
from pdwatch.judge.findings import BY_ID
from pdwatch.judge.words import percent, seconds
from pdwatch.model.judgement import Action, Advice, Evidence, Finding, Replicas, Severity
from pdwatch.model.snapshot import PoolState, ServiceSignals
from pdwatch.model.target import Role


@dataclass(frozen=True, slots=True)
class Limits:
    """Replicas that a pool may have."""

    minimum: int = 1
    maximum: int | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """What the question is put about."""

    signals: ServiceSignals
    findings: Sequence[Finding]
    thresholds: Thresholds
    limits: Mapping[Role, Limits] = field(default_factory=dict)

    def pool(self, role: Role) -> PoolState | None:
        """Return a pool that has an engine to look at."""
        pool = self.signals.pools.get(role)
        return pool if pool is not None and pool.engines > 0 else None


@dataclass(frozen=True, slots=True)
class Verdict:
    """An answer before it is given a time and a confidence."""

    action: Action
    reason: str
    evidence: tuple[Evidence, ...] = ()
    desired: Mapping[Role, int] = field(default_factory=dict)
    """Where it differs from what there is."""


def verdict(case: Case) -> Verdict:
    """Return the answer for one service at one instant."""
    for ask in (_broken, _unknown, _decode_full, _prefill_short, _uneven, _blind):
        answer = ask(case)
        if answer is not None:
            return answer
    return _hold(case)


def _broken(case: Case) -> Verdict | None:
    broken = [
        finding
        for finding in case.findings
        if BY_ID[finding.finding].not_capacity and finding.severity >= Severity.WARNING and finding.because_of is None
    ]
    if not broken:
        return None
    first = broken[0]
    more = f" ({len(broken) - 1} more)" if len(broken) > 1 else ""
    return Verdict(Action.FIX, f"{first.summary}{more}", first.evidence)


def _unknown(case: Case) -> Verdict | None:
    prefill, decode, both = (case.pool(role) for role in (Role.PREFILL, Role.DECODE, Role.BOTH))
    if prefill is not None and decode is not None:
        return None
    if both is not None:
        reason = "The workers are aggregated, each prefills and decodes: there is no ratio of roles to advise on."
        return Verdict(Action.HOLD if (both.pressure_ratio or 0.0) < 1.0 else Action.CANNOT_TELL, reason)
    if case.pool(Role.UNKNOWN) is not None:
        reason = "The roles of the workers are not declared and their numbers do not show them yet."
    else:
        lacking = " and ".join(
            role.value for role, pool in ((Role.PREFILL, prefill), (Role.DECODE, decode)) if not pool
        )
        reason = f"No {lacking} worker has given a page yet."
    return Verdict(Action.CANNOT_TELL, reason)


def _pressure(pool: PoolState, threshold: float) -> Evidence:
    return Evidence("pressure_ratio", pool.pressure_ratio, "ratio", threshold, {"role": pool.role.value})


def _grown(case: Case, pool: PoolState) -> int:
    """Return the replicas at which the pool's pressure would be the target, within its limits.

    At least one more, and at most twice as many: what waits is counted as demand and goes once it is worked off.
    """
    wanted = ceil(pool.replicas * (pool.pressure_ratio or 0.0) / case.thresholds.pressure_target)
    maximum = case.limits.get(pool.role, Limits()).maximum
    wanted = min(max(wanted, pool.replicas + 1), 2 * pool.replicas)
    return wanted if maximum is None else max(pool.replicas, min(wanted, maximum))


def _scale(case: Case, pool: PoolState, action: Action, reason: str, evidence: tuple[Evidence, ...]) -> Verdict:
    desired = _grown(case, pool)
    if desired == pool.replicas:
        held = f"{reason} The pool is at its configured maximum of {pool.replicas} replicas."
        return Verdict(Action.HOLD, held, evidence)
    return Verdict(action, reason, evidence, {pool.role: desired})


def _decode_full(case: Case) -> Verdict | None:
    pool, high = case.pool(Role.DECODE), case.thresholds.pressure_high
    if pool is None or pool.pressure_ratio is None or pool.pressure_ratio < high:
        return None
    scope = {"role": pool.role.value}
    evidence = (
        _pressure(pool, high),
        Evidence("kv_usage_p90", pool.kv_cache_usage_p90, "ratio", case.thresholds.kv_usage_high, scope),
        Evidence("requests_waiting", pool.requests_waiting, "requests", None, scope),
        Evidence("preemptions_per_second", pool.preemptions_per_second, "per second", None, scope),
    )
    reason = f"Decode is too small: {pool.pressure_bound} demand is {percent(pool.pressure_ratio)} of what fits"
    reason += f", {pool.requests_waiting or 0:.0f} requests wait."
    prefill = case.pool(Role.PREFILL)
    if prefill is not None and prefill.requests_waiting:
        reason += (
            f" The {prefill.requests_waiting:.0f} waiting on prefill are a symptom: decode must take their KV first."
        )
    return _scale(case, pool, Action.SCALE_DECODE, reason, evidence)


def _prefill_short(case: Case) -> Verdict | None:
    pool, high = case.pool(Role.PREFILL), case.thresholds.pressure_high
    if pool is None or pool.pressure_ratio is None or pool.pressure_ratio < high:
        return None
    decode = case.pool(Role.DECODE)
    scope = {"role": pool.role.value}
    evidence = (
        _pressure(pool, high),
        Evidence("requests_waiting", pool.requests_waiting, "requests", None, scope),
        Evidence("computed_tokens_per_second", pool.computed_tokens_per_second, "tokens per second", None, scope),
        *((_pressure(decode, high),) if decode is not None else ()),
    )
    reason = (
        f"Prefill is too small: arriving and waiting prompts are {percent(pool.pressure_ratio)} of what it computes"
    )
    reason += f", {pool.requests_waiting or 0:.0f} requests wait."
    return _scale(case, pool, Action.SCALE_PREFILL, reason, evidence)


def _uneven(case: Case) -> Verdict | None:
    found = next((finding for finding in case.findings if finding.finding == "queue_imbalanced"), None)
    if found is None:
        return None
    return Verdict(Action.REBALANCE, f"Capacity suffices, load is uneven. {found.summary}", found.evidence)


def _blind(case: Case) -> Verdict | None:
    """Requests wait, and nobody knows yet how fast they are worked off."""
    for role in (Role.PREFILL, Role.DECODE):
        pool = case.pool(role)
        few = case.thresholds.queue_imbalance_requests
        if pool is not None and pool.pressure_ratio is None and (pool.requests_waiting or 0.0) > few:
            reason = (
                f"{pool.requests_waiting:.0f} requests wait on {role}; how fast they are worked off is not known yet."
            )
            return Verdict(Action.CANNOT_TELL, reason)
    return None


def _hold(case: Case) -> Verdict:
    known = [
        pool
        for role in (Role.PREFILL, Role.DECODE)
        if (pool := case.pool(role)) is not None and pool.pressure_ratio is not None
    ]
    if not known:
        return Verdict(Action.HOLD, "Nothing waits; rates are not known before the second page.")
    nearest = max(known, key=lambda pool: pool.pressure_ratio or 0.0)
    reason = (
        f"Both pools have room. Nearest limit: {nearest.pressure_bound} at {percent(nearest.pressure_ratio or 0.0)}."
    )
    return Verdict(Action.HOLD, reason, tuple(_pressure(pool, case.thresholds.pressure_high) for pool in known))


def confidence(case: Case, horizon: float, watched: float) -> float:
    """Return 0 to 1: how full the window is and how many finished requests it rests on.

    A service without traffic is as sure as its window is full: idleness needs no sample.
    """
    fullness = min(1.0, watched / horizon) if horizon > 0 else 1.0
    counts = [pool.requests_in_window or 0.0 for pool in case.signals.pools.values()]
    finished = min((count for count in counts if count > 0), default=None)
    sample = 1.0 if finished is None else min(1.0, 0.5 + finished / (4 * case.thresholds.min_requests))
    return round(max(0.1, fullness) * sample, 2)


_BY_FINDINGS = (Action.FIX, Action.REBALANCE)


class Advisor:
    """The advice of one service from tick to tick: a change is given once it has stood for a while."""

    def __init__(self, thresholds: Thresholds, horizon: float, limits: Mapping[Role, Limits]) -> None:
        self._thresholds = thresholds
        self._horizon = horizon
        self._limits = limits
        self._given: Advice | None = None
        self._pending: tuple[Action, float] | None = None
        self._started: float | None = None

    def configure(self, thresholds: Thresholds, horizon: float, limits: Mapping[Role, Limits]) -> None:
        """Advise by other numbers from now on."""
        self._thresholds, self._horizon, self._limits = thresholds, horizon, limits

    def advise(self, signals: ServiceSignals, findings: Sequence[Finding], now: float) -> Advice:
        """Return the advice at *now*. While another answer has not stood long enough, the last one stays as given."""
        self._started = now if self._started is None else self._started
        case = Case(signals, findings, self._thresholds, self._limits)
        answer = verdict(case)
        if self._given is not None and answer.action is not self._given.action and not self._stood(answer.action, now):
            return self._pend(answer)
        same = self._given is not None and self._given.action is answer.action
        since = self._given.since if same and self._given is not None else now
        self._pending = None
        sure = confidence(case, self._horizon, now - self._started)
        self._given = Advice(
            answer.action,
            self._replicas(case, answer, Role.PREFILL),
            self._replicas(case, answer, Role.DECODE),
            0.0 if answer.action is Action.CANNOT_TELL else sure,
            since,
            answer.reason,
            answer.evidence,
        )
        return self._given

    def _pend(self, answer: Verdict) -> Advice:
        """Return the advice given last. One to hold says what is coming, since its own reason no longer holds."""
        assert self._given is not None  # noqa: S101 - for the type checker; `advise` asks only then
        if self._given.action is Action.HOLD:
            wait = seconds(self._thresholds.advice_seconds)
            self._given = replace(
                self._given, reason=f"Unless it passes within {wait}: {answer.reason}", evidence=answer.evidence
            )
        return self._given

    def _stood(self, action: Action, now: float) -> bool:
        """Tell whether another action than the given one has been the answer for long enough.

        What rests on findings begins and ends with them: they have their own onset and clearing.
        """
        assert self._given is not None  # noqa: S101 - for the type checker; `advise` asks only then
        if action in _BY_FINDINGS or self._given.action in (*_BY_FINDINGS, Action.CANNOT_TELL):
            return True
        if self._pending is None or self._pending[0] is not action:
            self._pending = (action, now)
        return now - self._pending[1] >= self._thresholds.advice_seconds

    def _replicas(self, case: Case, answer: Verdict, role: Role) -> Replicas:
        pool = case.signals.pools.get(role)
        current = pool.replicas if pool is not None else 0
        return Replicas(current, None if answer.action is Action.CANNOT_TELL else answer.desired.get(role, current))
