"""From needs to replicas within the GPUs there are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pdwatch.judge.advice import Limits, ServiceLimits
from pdwatch.judge.advice.need import Need, Sign
from pdwatch.judge.advice.plan import Plan, growth, removal
from pdwatch.model.judgement import Action
from pdwatch.model.target import Role

MakeNeed = Callable[..., Need]

P, D = Role.PREFILL, Role.DECODE
FREE = ServiceLimits()


def planned(*needs: Need, limits: ServiceLimits = FREE) -> Plan | None:
    """Return the plan to grow from as many replicas as the needs have, two of a role without one."""
    return growth({need.load.role: need for need in needs}, current_of(*needs), limits)


def current_of(*needs: Need) -> dict[Role, int]:
    """Return the replicas of the needs, two of a role without one."""
    return {P: 2, D: 2} | {need.load.role: need.load.replicas for need in needs}


def gpus(budget: int | None, prefill: int = 1, decode: int = 1, **limits: int) -> ServiceLimits:
    """Return a budget, and the GPUs of a replica of each role; *most_decode* and so on limit the pools."""
    pools = {
        role: Limits(limits.get(f"least_{role}", 1), limits.get(f"most_{role}"), gpus=each)
        for role, each in ((P, prefill), (D, decode))
    }
    return ServiceLimits(pools, budget)


def test_nobody_in_need_is_no_plan(make_need: MakeNeed) -> None:
    """Whatever could be lent."""
    assert planned(make_need(P, idle=1, lendable=1), make_need(D, idle=1, lendable=1)) is None
    assert planned() is None


def test_a_role_in_need_grows(make_need: MakeNeed) -> None:
    """To what it wants, the other stays."""
    assert Plan(Action.SCALE_PREFILL, P, {P: 4, D: 2}) == planned(make_need(P, wanted=4), make_need(D))
    assert Plan(Action.SCALE_DECODE, D, {P: 2, D: 3}) == planned(make_need(D, wanted=3), make_need(P))


def test_a_replica_that_nobody_misses_is_shifted_before_one_is_added(make_need: MakeNeed) -> None:
    """It costs no GPU, so it comes first although there is room for more."""
    assert Plan(Action.SHIFT_TO_DECODE, D, {P: 2, D: 3}) == planned(
        make_need(D, wanted=3), make_need(P, 3, idle=1, lendable=1)
    )


def test_a_replica_that_would_be_missed_is_lent_only_where_no_gpu_is_left(make_need: MakeNeed) -> None:
    """With a free GPU it stays where it is."""
    needs = make_need(D, wanted=3), make_need(P, 3, lendable=1)

    assert Plan(Action.SCALE_DECODE, D, {P: 3, D: 3}) == planned(*needs, limits=gpus(6))
    assert Plan(Action.SHIFT_TO_DECODE, D, {P: 2, D: 3}) == planned(*needs, limits=gpus(5))


def test_a_shift_and_an_addition_meet_a_need_together(make_need: MakeNeed) -> None:
    """Two are wanted, one can be lent and one GPU is free."""
    found = planned(make_need(D, wanted=4), make_need(P, 3, idle=1, lendable=1), limits=gpus(6))

    assert Plan(Action.SHIFT_TO_DECODE, D, {P: 2, D: 4}) == found


def test_as_much_is_met_as_can_be_had(make_need: MakeNeed) -> None:
    """Five are wanted, one GPU is free: one more, two short."""
    assert Plan(Action.SCALE_PREFILL, P, {P: 3, D: 2}, {P: 2}) == planned(make_need(P, wanted=5), limits=gpus(5))


def test_where_nothing_can_be_had_the_plan_is_to_hold(make_need: MakeNeed) -> None:
    """No GPU is free and nobody can lend: what lacks is told."""
    found = planned(make_need(P, wanted=3), make_need(D), limits=gpus(4))

    assert Plan(Action.HOLD, P, {P: 2, D: 2}, {P: 1}) == found


def test_a_maximum_is_kept(make_need: MakeNeed) -> None:
    """Whatever is free; what lacks is told. A pool that is above its maximum already is not cut by a need."""
    limits = gpus(None, most_prefill=3)

    assert Plan(Action.SCALE_PREFILL, P, {P: 3, D: 2}, {P: 2}) == planned(make_need(P, wanted=5), limits=limits)
    assert Plan(Action.HOLD, P, {P: 4, D: 2}, {P: 2}) == planned(make_need(P, 4, wanted=6), limits=limits)


def test_a_minimum_is_not_lent(make_need: MakeNeed) -> None:
    """Two prefill replicas must stay."""
    found = planned(make_need(D, wanted=3), make_need(P, 2, lendable=1, idle=1), limits=gpus(4, least_prefill=2))

    assert Plan(Action.HOLD, D, {P: 2, D: 2}, {D: 1}) == found


def test_one_large_replica_frees_several_small_ones(make_need: MakeNeed) -> None:
    """A decode replica of eight GPUs is two of prefill; only one is given though two could be."""
    limits = gpus(2 * 4 + 3 * 8, prefill=4, decode=8)
    lender = make_need(D, 3, lendable=2, idle=2)

    assert Plan(Action.SHIFT_TO_PREFILL, P, {P: 4, D: 2}) == planned(make_need(P, wanted=4), lender, limits=limits)
    assert Plan(Action.SHIFT_TO_PREFILL, P, {P: 3, D: 2}) == planned(make_need(P, wanted=3), lender, limits=limits)


def test_one_small_replica_does_not_make_a_large_one(make_need: MakeNeed) -> None:
    """A decode replica of eight GPUs takes two of prefill; where one can go, none goes."""
    limits = gpus(4 * 4 + 2 * 8, prefill=4, decode=8)
    two, one = (make_need(P, 4, lendable=count, idle=count) for count in (2, 1))

    assert Plan(Action.SHIFT_TO_DECODE, D, {P: 2, D: 3}) == planned(make_need(D, wanted=3), two, limits=limits)
    assert Plan(Action.HOLD, D, {P: 4, D: 2}, {D: 1}) == planned(make_need(D, wanted=3), one, limits=limits)


def test_a_small_replica_is_not_given_for_nothing(make_need: MakeNeed) -> None:
    """The eight GPUs that decode needs are free: the four that prefill would not miss are not taken as well."""
    limits = gpus(3 * 4 + 2 * 8 + 8, prefill=4, decode=8)
    found = planned(make_need(D, wanted=3), make_need(P, 3, lendable=1, idle=1), limits=limits)

    assert Plan(Action.SCALE_DECODE, D, {P: 3, D: 3}) == found


def test_of_two_in_need_the_greater_is_met_first(make_need: MakeNeed) -> None:
    """One GPU is free; decode is at 180 %, prefill at 120 %."""
    prefill, decode = make_need(P, wanted=3, utilization=1.2), make_need(D, wanted=4, utilization=1.8)

    assert Plan(Action.SCALE_DECODE, D, {P: 2, D: 3}, {D: 1, P: 1}) == planned(prefill, decode, limits=gpus(5))
    assert Plan(Action.SCALE_DECODE, D, {P: 3, D: 4}) == planned(prefill, decode)


def test_who_is_in_need_lends_nothing(make_need: MakeNeed) -> None:
    """Both are short and no GPU is left."""
    prefill = make_need(P, wanted=3, utilization=1.2, lendable=1, idle=1)
    found = planned(prefill, make_need(D, wanted=4, utilization=1.8), limits=gpus(4))

    assert Plan(Action.HOLD, D, {P: 2, D: 2}, {D: 2, P: 1}) == found


def test_what_the_greater_need_cannot_have_the_lesser_may(make_need: MakeNeed) -> None:
    """Prefill is at its maximum: decode grows, and it is prefill that is short."""
    needs = make_need(P, wanted=3, utilization=1.8), make_need(D, wanted=3, utilization=1.2)

    assert Plan(Action.SCALE_DECODE, D, {P: 2, D: 3}, {P: 1}) == planned(*needs, limits=gpus(None, most_prefill=2))


def test_replicas_that_start_already_are_not_asked_for_again(make_need: MakeNeed) -> None:
    """Two have answered, four are wanted, and four are named: hold. With three named one more is asked for."""
    need = make_need(P, wanted=4)

    assert Plan(Action.HOLD, P, {P: 4, D: 2}) == growth({P: need}, {P: 4, D: 2}, FREE)
    assert Plan(Action.SCALE_PREFILL, P, {P: 4, D: 2}) == growth({P: need}, {P: 3, D: 2}, FREE)


def test_a_queue_behind_a_full_decode_is_no_need_of_prefill(make_need: MakeNeed) -> None:
    """Decode must take the KV first; it may still be waiting out a burst itself."""
    queue = make_need(P, wanted=4, sign=Sign.QUEUE, utilization=2.0)
    grows, waits = make_need(D, wanted=3), make_need(D, sign=Sign.QUEUE)

    assert Plan(Action.SCALE_DECODE, D, {P: 2, D: 3}) == planned(queue, grows)
    assert planned(queue, waits) is None
    assert Plan(Action.SCALE_PREFILL, P, {P: 4, D: 2}) == planned(queue, make_need(D))


def test_more_arriving_than_prefill_bears_is_a_need_whatever_decode_does(make_need: MakeNeed) -> None:
    """Demand is measured at arrival; decode cannot cause it."""
    found = planned(make_need(P, wanted=4, utilization=2.0), make_need(D, wanted=3, utilization=1.1))

    assert found is not None
    assert {P: 4, D: 3} == found.desired


@dataclass(frozen=True)
class Given:
    """Replicas there are and wanted of prefill and decode, what prefill can lend, and what is allowed."""

    current: tuple[int, int]
    wanted: tuple[int, int]
    lendable: int
    budget: int | None
    each: tuple[int, int]
    most: int | None
    least: int


counts, gpu_counts, many = st.integers(1, 6), st.sampled_from([1, 2, 4, 8]), st.integers(1, 20)
givens = st.builds(
    Given,
    current=st.tuples(counts, counts),
    wanted=st.tuples(many, many),
    lendable=st.integers(0, 6),
    budget=st.one_of(st.none(), st.integers(0, 100)),
    each=st.tuples(gpu_counts, gpu_counts),
    most=st.one_of(st.none(), counts),
    least=st.integers(1, 3),
)


@settings(deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(given=givens)
def test_no_plan_breaks_a_limit(make_need: MakeNeed, given: Given) -> None:
    """Whatever is wanted: budget, maxima and minima hold, and a role in need is never made smaller."""
    extra = {"most_decode": given.most} if given.most is not None else {}
    limits = gpus(given.budget, *given.each, least_prefill=given.least, **extra)
    before, wanted = dict(zip((P, D), given.current, strict=True)), dict(zip((P, D), given.wanted, strict=True))
    lends = {"lendable": given.lendable, "idle": given.lendable // 2}
    needs = {
        P: make_need(P, before[P], wanted=max(wanted[P], before[P]), **lends),
        D: make_need(D, before[D], wanted=max(wanted[D], before[D]), utilization=1.5),
    }
    plan = growth(needs, before, limits)
    if plan is None or plan.action is Action.HOLD:
        return
    after, growing = plan.desired, {role: need.wanted for role, need in needs.items() if need.grows}

    assert given.budget is None or limits.gpus(after[P], after[D]) <= given.budget
    assert given.most is None or after[D] <= max(given.most, before[D])
    assert after[P] >= min(before[P], given.least)
    assert all(before[role] <= after[role] <= growing[role] for role in growing)
    assert plan.short == {role: more - after[role] for role, more in growing.items() if more > after[role]}


def removed(*needs: Need, limits: ServiceLimits = FREE, before: Action | None = None) -> Plan | None:
    """Return the plan to shrink."""
    return removal({need.load.role: need for need in needs}, current_of(*needs), limits, before)


def test_replicas_that_were_not_needed_for_long_are_given_back(make_need: MakeNeed) -> None:
    """Of the role that has them."""
    assert Plan(Action.SCALE_IN_DECODE, D, {P: 2, D: 2}) == removed(make_need(P), make_need(D, 4, spare=2))
    assert removed(make_need(P), make_need(D)) is None


def test_a_minimum_stays(make_need: MakeNeed) -> None:
    """Three are enough and four may not be fewer than three."""
    need, limits = make_need(D, 4, spare=3), gpus(None, least_decode=3)

    assert Plan(Action.SCALE_IN_DECODE, D, {P: 2, D: 3}) == removed(make_need(P), need, limits=limits)
    assert removed(make_need(D, 3, spare=1), limits=limits) is None


def test_nothing_is_given_back_while_a_role_is_above_its_limit(make_need: MakeNeed) -> None:
    """What is spare here may be lent there in a moment."""
    assert removed(make_need(P, sign=Sign.DEMAND), make_need(D, 4, spare=2)) is None


def test_of_two_roles_with_spare_replicas_one_is_named_until_it_is_done(make_need: MakeNeed) -> None:
    """The emptier one first; once named it stays named."""
    prefill, decode = make_need(P, 4, spare=1, utilization=0.2), make_need(D, 4, spare=1, utilization=0.4)

    first, again = removed(prefill, decode), removed(prefill, decode, before=Action.SCALE_IN_DECODE)
    assert first is not None
    assert again is not None
    assert (Action.SCALE_IN_PREFILL, Action.SCALE_IN_DECODE) == (first.action, again.action)


@pytest.mark.parametrize(("budget", "most", "able"), [(10, 9, 4), (10, 3, 3), (None, 3, 3), (4, 9, 2), (4, 1, 2)])
def test_the_most_replicas_of_a_role(budget: int | None, most: int, able: int) -> None:
    """By its maximum and by the GPUs that are free; what is there already stays allowed."""
    assert able == gpus(budget, 2, 2, most_decode=most).most(D, 1, 2)


def test_without_limits_nothing_is_limited() -> None:
    """No budget and no maximum; a start-up that nobody told is that of a large model."""
    assert FREE.most(D, 1, 2) > 1000
    assert FREE.affordable(1000, 1000)
    assert 60.0 <= FREE.startup(P) <= 600.0
    assert 5.0 == ServiceLimits({P: Limits(startup=5.0)}).startup(P)
