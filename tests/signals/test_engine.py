"""One engine over time: rates, stuck, leaking."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from pdwatch.catalog.thresholds import Thresholds
from pdwatch.model.reading import EngineFacts, Histogram, Reading
from pdwatch.signals.engine import EngineWatch

MakeReading = Callable[..., Reading]
Counted = Callable[[float, float], Histogram]
FACTS = EngineFacts(kv_cache_tokens=100_000)


def _watch(readings: list[Reading]) -> EngineWatch:
    watch = EngineWatch("0", horizon=60.0)
    for reading in readings:
        watch.push(reading, FACTS, Thresholds())
    return watch


def test_an_engine_with_work_and_frozen_counters_is_stuck(make_reading: MakeReading) -> None:
    """Three requests run and nothing was counted for 20 seconds."""
    readings = [make_reading(float(at), requests_running=3.0, generation_tokens=50.0) for at in (0, 5, 10, 20)]

    assert 20.0 == _watch(readings).state().stuck_seconds


def test_an_idle_engine_is_not_stuck(make_reading: MakeReading) -> None:
    """Without work, counters may rest."""
    readings = [make_reading(float(at), requests_running=0.0, generation_tokens=50.0) for at in (0, 5, 10, 20)]

    assert 0.0 == _watch(readings).state().stuck_seconds


def test_an_engine_that_moves_again_is_not_stuck(make_reading: MakeReading) -> None:
    """One counter that moved is enough."""
    frozen = [make_reading(float(at), requests_running=3.0, generation_tokens=50.0) for at in (0, 5, 10)]
    moved = make_reading(15.0, requests_running=3.0, generation_tokens=51.0)

    assert 0.0 == _watch([*frozen, moved]).state().stuck_seconds


def test_blocks_held_without_any_traffic_are_counted(make_reading: MakeReading) -> None:
    """30 % of the cache is in use, nothing runs, nothing arrives."""
    readings = [
        make_reading(float(at), requests_running=0.0, requests_waiting=0.0, kv_cache_usage=0.3, prompt_tokens=9.0)
        for at in range(0, 45, 5)
    ]

    assert 35.0 == _watch(readings).state().held_seconds


def test_short_prefills_that_hide_between_scrapes_are_no_leak(make_reading: MakeReading) -> None:
    """A busy prefill worker shows nothing running and some blocks held for decode: the flow explains them."""
    readings = [
        make_reading(
            float(at), requests_running=0.0, requests_waiting=0.0, kv_cache_usage=0.3, prompt_tokens=at * 20_000.0
        )
        for at in range(0, 45, 5)
    ]

    assert 0.0 == _watch(readings).state().held_seconds


def test_prefill_load_shows_in_summed_times_where_the_gauge_is_zero(
    make_reading: MakeReading, counted: Counted
) -> None:
    """8 seconds of prefill within 10 seconds are 0.8 requests in prefill on average."""
    readings = [
        make_reading(0.0, requests_running=0.0, requests_waiting=0.0, prefill_time=counted(0.0, 0.0)),
        make_reading(10.0, requests_running=0.0, requests_waiting=0.0, prefill_time=counted(8.0, 16.0)),
    ]
    state = _watch(readings).state()

    assert (0.8, 0.8) == (state.prefill_concurrency, state.load)


def test_the_prefill_speed_of_a_saturated_engine_is_its_throughput(make_reading: MakeReading, counted: Counted) -> None:
    """Requests waited all the time, so 50,000 tokens in 5 seconds are all it can do."""
    readings = [
        make_reading(
            at * 5.0,
            requests_waiting=4.0,
            prompt_tokens_computed=at * 50_000.0,
            prefill_time=counted(at * 30.0, at * 25.0),
        )
        for at in range(5)
    ]

    assert pytest.approx(10_000.0) == _watch(readings).state().prefill_tokens_per_second


def test_the_prefill_speed_of_a_light_engine_is_tokens_over_summed_times(
    make_reading: MakeReading, counted: Counted
) -> None:
    """1,000 tokens that took 0.1 s of a 5 s interval are 10,000 tokens a second."""
    readings = [
        make_reading(
            at * 5.0, requests_waiting=0.0, prompt_tokens_computed=at * 1000.0, prefill_time=counted(at * 0.1, at * 1.0)
        )
        for at in range(3)
    ]

    assert pytest.approx(10_000.0) == _watch(readings).state().prefill_tokens_per_second


def test_a_first_page_has_gauges_and_no_rates(make_reading: MakeReading) -> None:
    """Unknown is None, not 0."""
    state = _watch([make_reading(0.0, requests_running=2.0, prompt_tokens=5.0)]).state()

    assert (2.0, None) == (state.requests_running, state.prompt_tokens_per_second)
