"""What was advised, what it predicted, and what then happened."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from pdwatch.judge.advice.case import SIDES, Case
from pdwatch.judge.words import percent, seconds
from pdwatch.model.judgement import Action, Advice, Decision, Outcome, Replicas
from pdwatch.model.records import read_record
from pdwatch.model.target import Role

KEPT = 20
_SETTLE_SECONDS = 60.0
"""Time after the replicas are there in which load spreads over them before it is measured."""
_GIVEN_UP_STARTUPS = 3.0
"""Start-ups after which nobody is coming."""
_CAPACITY = frozenset(Action) - {Action.HOLD, Action.FIX, Action.REBALANCE, Action.CANNOT_TELL}


class Decisions:
    """The last changes of advice of one service, oldest first."""

    def __init__(self) -> None:
        self.kept: tuple[Decision, ...] = ()
        self._reached: dict[float, float] = {}
        """When the replicas of a decision were there, by the time of the decision."""

    def update(self, advice: Advice, case: Case, now: float) -> None:
        """Take the advice of a tick: a new one begins a decision, an open one is settled once its outcome is known.

        What was followed may be settled after the next one began.
        """
        last = self.kept[-1] if self.kept else None
        self.kept = tuple(self._looked_at(d, advice, case, now) if _pending(d) else d for d in self.kept)
        if last is None or last.action is not advice.action:
            self.kept = (*self.kept, _begun(advice, case, now))[-KEPT:]
        self._reached = {d.at: self._reached[d.at] for d in self.kept if _pending(d) and d.at in self._reached}

    def recall(self, kept: list[object]) -> None:
        """Go on from decisions as JSON has them. Raises `ValueError` where one is something else."""
        self.kept = tuple(read_record(Decision, decision) for decision in kept)  # type: ignore[arg-type]

    def _looked_at(self, decision: Decision, advice: Advice, case: Case, now: float) -> Decision:
        if decision.action not in _CAPACITY:
            return _passed(decision, advice, case, now)
        current = case.replicas()
        if decision.at in self._reached or all(_reached(_of(decision, role), current[role]) for role in SIDES):
            return self._followed(decision, case, now)
        if advice.action is not decision.action:
            return _settled(decision, _left(decision, advice, current), case, now, now)
        if now - decision.at < _patience(case):
            return decision
        moved = any(current[role] != _of(decision, role).current for role in SIDES)
        return _settled(decision, Outcome.PARTLY if moved else Outcome.IGNORED, case, now, now)

    def _followed(self, decision: Decision, case: Case, now: float) -> Decision:
        """Return a decision whose replicas are named, settled once they serve and load has spread over them."""
        if case.starts and now - decision.at < _patience(case):
            return decision
        reached = self._reached.setdefault(decision.at, now)
        return decision if now - reached < _SETTLE_SECONDS else _settled(decision, Outcome.FOLLOWED, case, now, reached)


def _pending(decision: Decision) -> bool:
    return decision.outcome is Outcome.PENDING


def _patience(case: Case) -> float:
    return _GIVEN_UP_STARTUPS * max(case.limits.startup(role) for role in SIDES)


def _left(decision: Decision, advice: Advice, current: Mapping[Role, int]) -> Outcome:
    """Return what became of a decision whose replicas are not there and that is no longer advised."""
    if any(current[role] != _of(decision, role).current for role in SIDES):
        return Outcome.PARTLY
    return Outcome.REPLACED if advice.action in _CAPACITY else Outcome.PASSED


def _begun(advice: Advice, case: Case, now: float) -> Decision:
    predicted: dict[Role, float] = {}
    for role, need in case.needs.items():
        desired = (advice.prefill if role is Role.PREFILL else advice.decode).desired
        used = need.load.utilization(desired or need.load.replicas, need.demanded)
        if used is not None:
            predicted[role] = round(used, 3)
    return Decision(now, advice.action, advice.prefill, advice.decode, advice.reason, predicted)


def _passed(decision: Decision, advice: Advice, case: Case, now: float) -> Decision:
    """Return an advice that changes no replicas, settled when another takes its place."""
    if advice.action is decision.action:
        return decision
    note = f"It stood for {seconds(now - decision.at)}."
    return replace(decision, outcome=Outcome.PASSED, settled=now, observed=_observed(case), note=note)


def _settled(decision: Decision, outcome: Outcome, case: Case, now: float, reached: float) -> Decision:
    observed = _observed(case)
    note = _NOTES[outcome].format(after=seconds(max(0.0, reached - decision.at)))
    compared = [
        f"{role} is at {percent(observed[role])} where {percent(told)} was predicted"
        for role, told in decision.predicted.items()
        if outcome is Outcome.FOLLOWED and role in observed
    ]
    note = f"{note}: {', '.join(compared)}." if compared else f"{note}."
    return replace(decision, outcome=outcome, settled=now, observed=observed, note=note)


_NOTES: Mapping[Outcome, str] = {
    Outcome.FOLLOWED: "The replicas were there after {after}",
    Outcome.PARTLY: "The replicas moved, though not to what was advised, within {after}",
    Outcome.IGNORED: "Nothing moved for {after} and the need stayed",
    Outcome.REPLACED: "Another advice took its place after {after} and nothing had moved",
    Outcome.PASSED: "The need passed after {after} and nothing moved",
}


def _observed(case: Case) -> dict[Role, float]:
    return {role: round(need.utilization, 3) for role, need in case.needs.items()}


def _of(decision: Decision, role: Role) -> Replicas:
    return decision.prefill if role is Role.PREFILL else decision.decode


def _reached(advised: Replicas, now: int) -> bool:
    if advised.desired is None or advised.desired == advised.current:
        return True
    return now >= advised.desired if advised.desired > advised.current else now <= advised.desired
