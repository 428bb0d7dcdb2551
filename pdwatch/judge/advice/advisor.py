"""The advice of one service from tick to tick: a change is given once it has stood for a while."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from pdwatch.catalog.thresholds import Thresholds
from pdwatch.judge.advice.answer import answer
from pdwatch.judge.advice.case import SIDES, Answer, Case
from pdwatch.judge.advice.decisions import Decisions
from pdwatch.judge.advice.limits import ServiceLimits
from pdwatch.judge.advice.need import Need, NeedWatch
from pdwatch.judge.advice.plan import SCALE, SHIFT
from pdwatch.judge.advice.role import role_loads
from pdwatch.judge.advice.tell import bounds
from pdwatch.judge.words import seconds
from pdwatch.model.encode import plain
from pdwatch.model.judgement import Action, Advice, Decision, Finding, Replicas
from pdwatch.model.snapshot import PoolState, ServiceSignals
from pdwatch.model.target import Role

_BY_FINDINGS = (Action.FIX, Action.REBALANCE)


class Advisor:
    """What is remembered of the capacity of one service between ticks."""

    def __init__(self, thresholds: Thresholds, horizon: float, limits: ServiceLimits) -> None:
        self.decisions = Decisions()
        self._thresholds = thresholds
        self._horizon = horizon
        self._limits = limits
        self._watches: dict[Role, NeedWatch] = {}
        self._needs: dict[Role, Need] = {}
        self._given: Advice | None = None
        self._pending: tuple[Action, float] | None = None
        self._started: float | None = None

    def configure(self, thresholds: Thresholds, horizon: float, limits: ServiceLimits) -> None:
        """Advise by other numbers from now on."""
        self._thresholds, self._horizon, self._limits = thresholds, horizon, limits

    def advise(self, signals: ServiceSignals, findings: Sequence[Finding], now: float) -> Advice:
        """Return the advice at *now* on what was measured last.

        While another answer has not stood long enough, the last one stays as given.
        """
        before = self._given
        case = Case(signals, findings, self._thresholds, self._limits, self._needs, before.action if before else None)
        found = answer(case)
        if before is not None and found.action is not before.action and not self._stood(found.action, now):
            self._given = self._pend(before, found)
        else:
            self._pending = None
            same = before is not None and before.action is found.action
            self._given = self._advice(case, found, before.since if same and before is not None else now, now)
        self.decisions.update(self._given, case, now)
        return self._given

    def measure(self, signals: ServiceSignals, now: float) -> ServiceSignals:
        """Take the load of a tick and return the signals with the pressure of each pool that it gives."""
        self._needs = {}
        for role, load in role_loads(signals).items():
            watch = self._watches.setdefault(role, NeedWatch(role is Role.DECODE))
            standing = self._given is not None and self._given.action in (SCALE[role], SHIFT[role])
            need = watch.update(load, self._thresholds, self._limits.startup(role), now, standing)
            if need is not None:
                self._needs[role] = need
        return replace(signals, pools=with_utilization(signals.pools, self._needs)) if self._needs else signals

    def memory(self) -> dict[str, object]:
        """Return what is worth keeping over a restart of pdwatch: decisions, and demand of the last half hour."""
        demand = {role.value: watch.demand.memory() for role, watch in self._watches.items()}
        return {"decisions": [plain(decision) for decision in self.decisions.kept], "demand": demand}

    def recall(self, kept: Mapping[str, object]) -> None:
        """Go on from what `memory` returned. Raises `ValueError` or `TypeError` where that is something else.

        Where demand is kept, since it is of late, the last advice stands until another one has stood.
        """
        decisions, demand = kept.get("decisions", []), kept.get("demand", {})
        if not isinstance(decisions, list) or not isinstance(demand, Mapping):
            raise ValueError("decisions must be a list and demand an object")
        self.decisions.recall(decisions)
        if demand and self.decisions.kept:
            self._given = _as_before(self.decisions.kept[-1])
        for role in (role for role in SIDES if role.value in demand):
            self._watches.setdefault(role, NeedWatch(role is Role.DECODE)).demand.recall(demand[role.value])

    def _advice(self, case: Case, found: Answer, since: float, now: float) -> Advice:
        sure = found.confidence * confidence(case, self._horizon, now - self._began(now))
        return Advice(
            found.action,
            self._replicas(case, found, Role.PREFILL),
            self._replicas(case, found, Role.DECODE),
            0.0 if found.action is Action.CANNOT_TELL else round(sure, 2),
            since,
            found.reason,
            found.evidence,
            bounds(case),
            found.reconsider,
        )

    def _began(self, now: float) -> float:
        """Return when the service was first judged."""
        self._started = now if self._started is None else self._started
        return self._started

    def _pend(self, given: Advice, found: Answer) -> Advice:
        """Return the advice given last. One to hold says what is coming, since its own reason no longer holds."""
        if given.action is not Action.HOLD:
            return given
        wait = seconds(self._thresholds.advice_seconds)
        return replace(given, reason=f"Unless it passes within {wait}: {found.reason}", evidence=found.evidence)

    def _stood(self, action: Action, now: float) -> bool:
        """Tell whether another action than the given one has been the answer for long enough.

        What rests on findings begins and ends with them: they have their own onset and clearing.
        """
        given = self._given.action if self._given is not None else Action.CANNOT_TELL
        if action in _BY_FINDINGS or given in (*_BY_FINDINGS, Action.CANNOT_TELL):
            return True
        if self._pending is None or self._pending[0] is not action:
            self._pending = (action, now)
        return now - self._pending[1] >= self._thresholds.advice_seconds

    def _replicas(self, case: Case, found: Answer, role: Role) -> Replicas:
        pool = case.signals.pools.get(role)
        current = pool.replicas if pool is not None else 0
        return Replicas(current, None if found.action is Action.CANNOT_TELL else found.desired.get(role, current))


def _as_before(last: Decision) -> Advice:
    """Return the advice of a decision that was kept; how many replicas there should be is to be told anew."""
    prefill, decode = (Replicas(replicas.current, None) for replicas in (last.prefill, last.decode))
    return Advice(last.action, prefill, decode, 0.0, last.at, last.reason)


def with_utilization(pools: Mapping[Role, PoolState], needs: Mapping[Role, Need]) -> dict[Role, PoolState]:
    """Return the pools with the mean demand of a minute over capacity as pressure, where capacity has been learned."""
    known = {
        role: replace(pool, pressure_ratio=need.utilization, pressure_bound=need.load.binding)
        for role, pool in pools.items()
        if (need := needs.get(role)) is not None
    }
    return {**pools, **known}


def confidence(case: Case, horizon: float, watched: float) -> float:
    """Return 0 to 1: how full the window is and how many finished requests it rests on.

    A service without traffic is as sure as its window is full: idleness needs no sample.
    """
    fullness = min(1.0, watched / horizon) if horizon > 0 else 1.0
    counts = [pool.requests_in_window or 0.0 for pool in case.signals.pools.values()]
    finished = min((count for count in counts if count > 0), default=None)
    sample = 1.0 if finished is None else min(1.0, 0.5 + finished / (4 * case.thresholds.min_requests))
    return max(0.1, fullness) * sample
