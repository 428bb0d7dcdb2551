"""What replicas bear: closed forms that never promise more than the engines can do."""

from __future__ import annotations

from dataclasses import replace
from math import sqrt

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pdwatch.model.capacity import DecodeLoad, PrefillLoad, StepTime
from pdwatch.model.judgement import Bound
from pdwatch.signals.capacity.sizing import Goals, decode_capacity, prefill_capacity, prefill_share

SAME_EACH_RUN = settings(deadline=None, derandomize=True)

PREFILL = PrefillLoad(
    demand=5_000.0,
    arrivals=2.5,
    tokens=2_000.0,
    scv=0.3,
    speed=10_000.0,
    engines=2,
    backlog=0.0,
    longest=0.0,
)
DECODE = DecodeLoad(
    demand=2_000.0,
    arrivals=8.0,
    tokens=250.0,
    scv=0.4,
    generated=10_000.0,
    ended=40.0,
    context=2_000.0,
    step=StepTime(0.014, 0.00016, 3e-8),
    kv_tokens=288_000.0,
    usage=0.4,
    itl=0.02,
    waiting=0.0,
    longest=0.0,
    engines=2,
)
GOALS = Goals(ttft=2.0, itl=0.05)

prefills = st.builds(
    lambda tokens, scv, speed: replace(PREFILL, tokens=tokens, scv=scv, speed=speed),
    st.floats(1.0, 20_000.0),
    st.floats(0.0, 8.0),
    st.floats(100.0, 200_000.0),
)
decodes = st.builds(
    lambda context, base, each, token, kv: replace(
        DECODE, context=context, step=StepTime(base, each, token), kv_tokens=kv
    ),
    st.floats(10.0, 50_000.0),
    st.floats(0.001, 0.1),
    st.floats(0.0, 0.001),
    st.floats(1e-9, 1e-6),
    st.one_of(st.none(), st.floats(10_000.0, 1e7)),
)
goals = st.builds(
    Goals,
    st.one_of(st.none(), st.floats(0.05, 20.0)),
    st.one_of(st.none(), st.floats(0.005, 1.0)),
    st.floats(0.001, 0.2),
)
engine_counts = st.integers(1, 40)


def bears(load: DecodeLoad, engines: int, goals: Goals) -> float:
    """Return what the bound that binds allows, without end where none is known."""
    return min(decode_capacity(load, engines, goals).values(), default=float("inf"))


@SAME_EACH_RUN
@given(prefills, engine_counts, goals, st.floats(0.0, 5.0))
def test_prefill_is_never_asked_for_more_than_its_speed(
    load: PrefillLoad, engines: int, goals: Goals, spent: float
) -> None:
    """A share of its speed, never all of it and never nothing."""
    assert 0.0 < prefill_share(load, engines, goals, spent) < 1.0
    assert 0.0 < prefill_capacity(load, engines, goals, spent) < load.speed * engines


@SAME_EACH_RUN
@given(prefills, engine_counts, goals)
def test_one_more_prefill_engine_never_bears_less(load: PrefillLoad, engines: int, goals: Goals) -> None:
    """Not even for each engine: more of them share what varies."""
    fewer, more = prefill_capacity(load, engines, goals), prefill_capacity(load, engines + 1, goals)

    assert fewer < more
    assert fewer / engines <= more / (engines + 1) * (1 + 1e-9)


@SAME_EACH_RUN
@given(prefills, engine_counts, st.floats(0.05, 20.0), st.floats(1.0, 10.0))
def test_a_longer_ttft_objective_never_bears_less(load: PrefillLoad, engines: int, ttft: float, times: float) -> None:
    """Patience is capacity."""
    short, long = Goals(ttft), Goals(ttft * times)

    assert prefill_capacity(load, engines, short) <= prefill_capacity(load, engines, long)


@SAME_EACH_RUN
@given(prefills, engine_counts, st.floats(0.05, 20.0), st.floats(0.0, 8.0))
def test_lengths_that_vary_more_never_bear_more(load: PrefillLoad, engines: int, ttft: float, more: float) -> None:
    """One long prompt holds up those behind it."""
    varied = replace(load, scv=load.scv + more)

    assert prefill_capacity(varied, engines, Goals(ttft)) <= prefill_capacity(load, engines, Goals(ttft))


def test_time_that_other_hops_take_is_not_prefills() -> None:
    """A second for the transfer leaves one of two."""
    whole = prefill_capacity(PREFILL, 2, GOALS)

    assert prefill_capacity(PREFILL, 2, GOALS, spent=1.0) < whole
    assert prefill_capacity(PREFILL, 2, replace(GOALS, ttft=1.0)) == prefill_capacity(PREFILL, 2, GOALS, spent=1.0)


def test_an_objective_that_cannot_be_met_still_has_a_capacity() -> None:
    """Prompts that take longer than the objective allows miss it on any number of replicas; a queue helps nobody."""
    slow = replace(PREFILL, tokens=40_000.0)

    assert 0.0 < prefill_capacity(slow, 2, GOALS) < 0.5 * slow.speed * 2


def test_without_an_objective_a_part_of_the_speed_is_used() -> None:
    """Neither all of it, where a queue only grows, nor as little as a tight objective asks for."""
    unbound, tight = prefill_share(PREFILL, 2, Goals()), prefill_share(PREFILL, 2, Goals(ttft=0.5))

    assert 0.7 <= unbound < 1.0
    assert tight < unbound


def test_no_engine_bears_nothing() -> None:
    """And has no bound to tell of on decode."""
    assert 0.0 == prefill_capacity(PREFILL, 0, GOALS)
    assert {} == decode_capacity(DECODE, 0, GOALS)


@SAME_EACH_RUN
@given(decodes, engine_counts, goals)
def test_one_more_decode_engine_never_bears_less(load: DecodeLoad, engines: int, goals: Goals) -> None:
    """By any bound."""
    fewer, more = decode_capacity(load, engines, goals), decode_capacity(load, engines + 1, goals)

    assert fewer.keys() == more.keys()
    assert all(fewer[bound] <= more[bound] * (1 + 1e-9) for bound in fewer)


@SAME_EACH_RUN
@given(decodes, engine_counts, st.floats(0.005, 1.0), st.floats(1.0, 10.0))
def test_a_longer_itl_objective_never_bears_less(load: DecodeLoad, engines: int, itl: float, times: float) -> None:
    """Larger batches are allowed; the cache stays as it is."""
    short, long = (decode_capacity(load, engines, Goals(itl=each)) for each in (itl, itl * times))

    assert short[Bound.DECODE_ITL] <= long[Bound.DECODE_ITL] * (1 + 1e-9)
    assert short.get(Bound.DECODE_KV) == long.get(Bound.DECODE_KV)


@SAME_EACH_RUN
@given(decodes, engine_counts, goals)
def test_decode_is_never_asked_for_more_than_its_steps_give(load: DecodeLoad, engines: int, goals: Goals) -> None:
    """However large the batch, its tokens a second stay below one for each time that one more request adds."""
    assert load.step is not None
    for able in decode_capacity(load, engines, goals).values():
        assert 0.0 < able <= engines / load.step.slope(load.context) * (1 + 1e-9)


def test_a_small_cache_binds_before_the_steps_are_slow() -> None:
    """28,800 tokens of KV hold 14 requests of 2,000; the steps would allow 160."""
    small = replace(DECODE, kv_tokens=28_800.0)
    found = decode_capacity(small, 2, GOALS)

    assert Bound.DECODE_KV is min(found, key=lambda bound: found[bound])
    assert found[Bound.DECODE_KV] < 0.5 * found[Bound.DECODE_ITL]


def test_a_tight_objective_binds_before_the_cache_is_full() -> None:
    """Steps of 20 ms allow 27 requests; the cache holds 140."""
    found = decode_capacity(DECODE, 2, Goals(itl=0.02))

    assert Bound.DECODE_ITL is min(found, key=lambda bound: found[bound])
    assert found[Bound.DECODE_ITL] < 0.5 * found[Bound.DECODE_KV]


def test_a_limit_of_sequences_binds_where_it_is_known() -> None:
    """Eight requests at a time, whatever cache and objective would allow; unknown, it is no bound."""
    found = decode_capacity(DECODE, 2, replace(GOALS, sequences=8.0))

    assert Bound.DECODE_SEQUENCES is min(found, key=lambda bound: found[bound])
    assert Bound.DECODE_SEQUENCES not in decode_capacity(DECODE, 2, GOALS)


def test_a_batch_may_fill_its_step_but_for_what_varies() -> None:
    """At an objective of 50 ms 164 requests take a step: 328 on two engines, less at most two of its deviations."""
    load = replace(DECODE, kv_tokens=None)
    most = 2 * (0.05 - 0.014) / (0.00016 + 3e-8 * 2000)

    able = bears(load, 2, Goals(itl=0.05))
    assert (most - 2 * sqrt(most)) / 0.05 < able <= most / 0.05


def test_what_is_not_known_is_not_made_up() -> None:
    """No model of a step: nothing. No objective, or no size of the cache: the other bound alone."""
    assert {} == decode_capacity(replace(DECODE, step=None), 2, GOALS)
    assert {} == decode_capacity(replace(DECODE, context=0.0), 2, GOALS)
    assert {} == decode_capacity(replace(DECODE, kv_tokens=None), 2, Goals())
    assert {Bound.DECODE_KV} == decode_capacity(DECODE, 2, Goals()).keys()
    assert {Bound.DECODE_ITL} == decode_capacity(replace(DECODE, kv_tokens=None), 2, GOALS).keys()


def test_an_objective_that_no_step_meets_has_a_capacity_that_is_small() -> None:
    """An empty batch takes 14 ms already, 5 ms are asked for."""
    found = decode_capacity(DECODE, 2, Goals(itl=0.005))

    assert 0.0 < found[Bound.DECODE_ITL] < 0.1 * found[Bound.DECODE_KV]


@pytest.mark.parametrize("tokens", [0.0, 1.0])
def test_prompts_that_are_all_cached_leave_prefill_its_usual_share(tokens: float) -> None:
    """Nothing to compute is no objective missed and no division by nothing."""
    assert 0.7 <= prefill_share(replace(PREFILL, tokens=tokens), 2, GOALS) < 1.0
