"""Roles with the means to size them, from what was measured of a service."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from pdwatch.judge.advice.role import role_loads
from pdwatch.model.judgement import Bound
from pdwatch.model.latency import Attainment, LatencyState, TtftChain
from pdwatch.model.snapshot import ServiceSignals
from pdwatch.model.target import Role

Signals = Callable[..., ServiceSignals]


def objective(seconds: float, target: float = 0.95) -> Attainment:
    """Return an objective of which nothing was measured."""
    return Attainment(seconds, None, None, target)


def test_both_roles_are_sized_where_both_are_known(signals: Signals) -> None:
    """Each by the bounds that its load gives."""
    found = role_loads(signals(slo={"itl": objective(0.05)}))

    assert {Role.PREFILL, Role.DECODE} == found.keys()
    assert {Bound.PREFILL_COMPUTE} == found[Role.PREFILL].capacities(2).keys()
    assert {Bound.DECODE_ITL, Bound.DECODE_KV} == found[Role.DECODE].capacities(2).keys()
    assert (2, 9_000.0) == (found[Role.PREFILL].replicas, found[Role.PREFILL].demand)


def test_what_was_not_learned_is_not_sized(signals: Signals) -> None:
    """No speed of prefill; no model of a decode step."""
    assert {Role.DECODE} == role_loads(signals(prefill=None)).keys()
    assert {Role.PREFILL} == role_loads(signals(decode={"step": None})).keys()
    assert {} == role_loads(signals(prefill=None, decode=None))


def test_an_objective_lowers_what_prefill_is_asked_for(signals: Signals) -> None:
    """The tighter it is, and the more of it other hops take."""
    chain = LatencyState(chain=TtftChain(transfer=0.4, decode_admission=0.2))
    loose, tight, shared = (
        role_loads(signals(slo={"ttft": objective(ttft)}, latency=latency))[Role.PREFILL].capacity(2) or 0.0
        for ttft, latency in ((10.0, LatencyState()), (1.5, LatencyState()), (1.5, chain))
    )

    assert loose > tight > shared > 0.0


def test_hops_that_take_all_of_an_objective_leave_prefill_a_part(signals: Signals) -> None:
    """A transfer of ten seconds is no reason for more prefill without end."""
    slow = LatencyState(chain=TtftChain(transfer=10.0))
    able = role_loads(signals(slo={"ttft": objective(2.0)}, latency=slow))[Role.PREFILL].capacity(2)

    assert able is not None
    assert able > 0.2 * 20_000.0


def test_a_stricter_target_leaves_less_to_queueing(signals: Signals) -> None:
    """One in a thousand may miss instead of one in twenty."""
    usual, strict = (
        role_loads(signals(slo={"ttft": objective(1.5, target)}))[Role.PREFILL].capacity(2) or 0.0
        for target in (0.95, 0.999)
    )

    assert usual > strict


def test_a_replica_that_starts_bears_nothing_yet(signals: Signals) -> None:
    """Four are named of each role and two have answered: what two bear is what there is, and a third adds its own."""
    whole, starting = (role_loads(signals(starting=count)) for count in (0, 2))

    for role in (Role.PREFILL, Role.DECODE):
        assert 2 == starting[role].replicas
        assert [whole[role].capacity(n) for n in (1, 2, 3, 4)] == [starting[role].capacity(n) for n in (1, 2, 3, 4)]
        assert whole[role].demand == starting[role].demand


def test_an_engine_that_does_not_answer_just_now_is_taken_to_get_as_much(signals: Signals) -> None:
    """One of two is stale: what the other gets is half of the demand, and both bear it."""
    one = role_loads(signals(prefill={"demand": 4_500.0, "arrivals": 2.25, "engines": 1}))[Role.PREFILL]
    both = role_loads(signals())[Role.PREFILL]

    assert (both.demand, both.arrivals, both.replicas) == (one.demand, one.arrivals, one.replicas)
    assert both.capacity(2) == one.capacity(2)


def test_replicas_of_several_engines_bear_as_many_times_as_much(signals: Signals) -> None:
    """Two replicas of two ranks each."""
    ranks = signals(prefill={"engines": 4})
    engines = tuple(e for w in ranks.workers if w.role is Role.PREFILL for e in w.engines)
    wide = tuple(replace(w, engines=engines) if w.role is Role.PREFILL else w for w in ranks.workers)
    pools = {**ranks.pools, Role.PREFILL: replace(ranks.pools[Role.PREFILL], engines=4)}
    load = role_loads(replace(ranks, workers=wide, pools=pools))[Role.PREFILL]

    assert load.capacity(2) == role_loads(signals())[Role.PREFILL].capacity(4)


def test_what_waits_is_told_in_seconds_of_work(signals: Signals) -> None:
    """40,000 tokens on two engines of 10,000 a second."""
    assert 2.0 == role_loads(signals())[Role.PREFILL].waiting_seconds
    assert 0.0 == role_loads(signals())[Role.DECODE].waiting_seconds


@pytest.mark.parametrize(
    ("longest", "engines", "even"),
    [(0.5, 2, True), (0.95, 2, False), (0.4, 3, True), (0.9, 3, False), (1.0, 1, True)],
)
def test_a_queue_on_one_engine_is_not_even(signals: Signals, longest: float, engines: int, even: bool) -> None:
    """Where there is only one engine, its queue is the pool's."""
    load = {"longest": longest, "engines": engines}

    assert even is role_loads(signals(prefill=load))[Role.PREFILL].even


@pytest.mark.parametrize(("waiting", "usage", "crowded"), [(5.0, 0.97, 0.97), (0.0, 0.97, 0.0), (5.0, 0.5, 0.5)])
def test_decode_is_crowded_by_what_is_in_its_caches_while_requests_wait(
    signals: Signals, waiting: float, usage: float, crowded: float
) -> None:
    """A full cache without a queue is well used; a queue before an empty cache waits for KV on its way."""
    load = {"waiting": waiting, "usage": usage}

    assert crowded == role_loads(signals(decode=load))[Role.DECODE].crowded


def names(found: Sequence[Bound]) -> set[str]:
    """Return the words of bounds."""
    return {bound.value for bound in found}


def test_without_an_objective_only_the_cache_bounds_decode(signals: Signals) -> None:
    """And prefill keeps a usual share of its speed."""
    found = role_loads(signals())

    assert {"decode KV"} == names(list(found[Role.DECODE].capacities(2)))
    assert (found[Role.PREFILL].capacity(2) or 0.0) < 20_000.0
