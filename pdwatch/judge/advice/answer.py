"""The answer for one service at one instant: the first question that has one decides.

Is something broken that replicas do not cure, is anything known, is a role too small, is load uneven, is one worker of
many broken, is a burst under way, has a role too much, and only then: hold.
"""

from __future__ import annotations

from collections.abc import Callable

from pdwatch.judge.advice import gates, gauges, tell
from pdwatch.judge.advice.case import SIDES, Answer, Case
from pdwatch.judge.advice.plan import Plan, growth, removal, symptom
from pdwatch.model.judgement import Action
from pdwatch.model.target import Role


def answer(case: Case) -> Answer:
    """Return the answer."""
    for ask in QUESTIONS:
        found = ask(case)
        if found is not None:
            return found
    return tell.hold(case)


def _short(case: Case) -> Answer | None:
    plan = growth(case.needs, case.replicas(), case.limits)
    if plan is None:
        return None
    need = case.needs[plan.role]
    hidden = [other for other in case.needs.values() if other.grows and symptom(other, case.needs)]
    return Answer(
        plan.action,
        tell.shortage(case, plan, hidden),
        tell.evidence(case, plan.role),
        _changed(case, plan),
        tell.reconsider(case, plan),
        tell.sureness(need),
    )


def _passing(case: Case) -> Answer | None:
    """A role is too small just now, not for long enough, or only until what waits is worked off."""
    over = [need for role in SIDES if (need := case.needs.get(role)) is not None and need.over]
    over = [need for need in over if not symptom(need, case.needs)]
    if not over:
        return None
    need = max(over, key=lambda need: need.utilization)
    return Answer(
        Action.HOLD,
        tell.passing(case, need),
        tell.evidence(case, need.load.role),
        reconsider=tell.if_it_lasts(need),
        confidence=0.6,
    )


def _too_many(case: Case) -> Answer | None:
    plan = removal(case.needs, case.replicas(), case.limits, case.before)
    if plan is None:
        return None
    return Answer(
        plan.action,
        tell.surplus(case, plan),
        tell.evidence(case, plan.role),
        _changed(case, plan),
        tell.reconsider(case, plan),
        0.9,
    )


def _changed(case: Case, plan: Plan) -> dict[Role, int]:
    current = case.replicas()
    return {role: replicas for role, replicas in plan.desired.items() if replicas != current[role]}


QUESTIONS: tuple[Callable[[Case], Answer | None], ...] = (
    gates.broken,
    gates.unknown,
    _short,
    gauges.short,
    gates.uneven,
    gates.blind,
    gates.slightly_broken,
    _passing,
    _too_many,
)
