"""Counters over time: resets, late pages, gaps and the first window."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pdwatch.model.reading import Histogram, Reading
from pdwatch.model.reading import Quantity as Q
from pdwatch.model.window import together
from pdwatch.signals.track import Track

MakeReading = Callable[..., Reading]


def _track(readings: list[Reading], horizon: float = 60.0) -> Track:
    track = Track(horizon)
    for reading in readings:
        track.push(reading)
    return track


def test_the_first_reading_has_no_window(make_reading: MakeReading) -> None:
    """One page tells no rate."""
    assert _track([make_reading(0.0, prompt_tokens=900.0)]).window() is None


def test_a_rate_is_the_increase_over_the_scrapes_own_times(make_reading: MakeReading) -> None:
    """100 tokens in 5 seconds are 20 a second."""
    window = _track([make_reading(0.0, prompt_tokens=900.0), make_reading(5.0, prompt_tokens=1000.0)]).window()

    assert window is not None
    assert 20.0 == window.rate(Q.PROMPT_TOKENS)


def test_a_counter_reset_is_not_a_negative_rate(make_reading: MakeReading) -> None:
    """After a restart the new value is the increase, and the window says that there was a restart."""
    track = _track(
        [
            make_reading(0.0, prompt_tokens=900.0),
            make_reading(5.0, prompt_tokens=950.0),
            make_reading(10.0, prompt_tokens=40.0),
        ]
    )
    window = track.window()

    assert window is not None
    assert (90.0, 1) == (window.delta(Q.PROMPT_TOKENS), window.resets)


def test_one_fallen_counter_resets_them_all(make_reading: MakeReading) -> None:
    """A counter that passed its old value since the restart still counts from zero."""
    track = _track(
        [
            make_reading(0.0, prompt_tokens=900.0, generation_tokens=10.0),
            make_reading(5.0, prompt_tokens=40.0, generation_tokens=15.0),
        ]
    )
    window = track.window()

    assert window is not None
    assert 15.0 == window.delta(Q.GENERATION_TOKENS)


def test_a_new_process_start_resets_though_no_counter_fell(make_reading: MakeReading) -> None:
    """A page that tells of a new process is believed."""
    track = Track(60.0)
    track.push(make_reading(0.0, prompt_tokens=10.0))
    track.push(make_reading(5.0, prompt_tokens=30.0), restarted=True)
    window = track.window()

    assert window is not None
    assert 30.0 == window.delta(Q.PROMPT_TOKENS)


def test_a_late_page_is_dropped(make_reading: MakeReading) -> None:
    """A page older than the last one changes nothing."""
    track = _track([make_reading(10.0, prompt_tokens=50.0), make_reading(5.0, prompt_tokens=20.0)])

    assert track.window() is None
    assert 10.0 == (track.last.at if track.last else None)


def test_a_gauge_that_falls_is_no_reset(make_reading: MakeReading) -> None:
    """Only what can only rise tells of a restart."""
    readings = [
        make_reading(0.0, requests_running=9.0, prompt_tokens=1.0),
        make_reading(5.0, requests_running=0.0, prompt_tokens=2.0),
    ]
    window = _track(readings).window()

    assert window is not None
    assert 0 == window.resets


def test_a_counter_that_appears_within_a_life_counts_from_zero(make_reading: MakeReading) -> None:
    """The Rust front end prints a series once it is first touched."""
    window = _track(
        [make_reading(0.0, prompt_tokens=1.0), make_reading(5.0, prompt_tokens=2.0, preemptions=3.0)]
    ).window()

    assert window is not None
    assert 3.0 == window.delta(Q.PREEMPTIONS)


def test_readings_older_than_the_horizon_are_forgotten(make_reading: MakeReading) -> None:
    """A window spans the horizon and no more."""
    track = _track([make_reading(float(at), prompt_tokens=float(at)) for at in range(0, 200, 5)], horizon=30.0)
    window = track.window()

    assert window is not None
    assert 30.0 == window.seconds


def test_after_a_gap_longer_than_the_horizon_two_readings_remain(make_reading: MakeReading) -> None:
    """A worker that was away for minutes gives a long window, not none."""
    window = _track([make_reading(0.0, prompt_tokens=0.0), make_reading(300.0, prompt_tokens=600.0)], 60.0).window()

    assert window is not None
    assert (300.0, 2.0) == (window.seconds, window.rate(Q.PROMPT_TOKENS))


def test_histograms_subtract_bucket_by_bucket(make_reading: MakeReading) -> None:
    """Only what was observed within the window is in its buckets."""
    before = Histogram((0.1, float("inf")), (4.0, 5.0), 2.0, 5.0)
    after = Histogram((0.1, float("inf")), (4.0, 8.0), 9.0, 8.0)
    window = _track([make_reading(0.0, ttft=before), make_reading(5.0, ttft=after)]).window()
    observed = window.histogram(Q.TTFT) if window else None

    assert observed is not None
    assert ((0.0, 3.0), 7.0, 3.0) == (observed.buckets, observed.sum, observed.count)


def test_totals_since_the_first_page_survive_a_restart(make_reading: MakeReading) -> None:
    """The exporter's counters never fall: 5 before the restart and 2 after it are 7."""
    track = _track(
        [
            make_reading(0.0, transfer_failures=100.0),
            make_reading(5.0, transfer_failures=105.0),
            make_reading(10.0, transfer_failures=2.0),
        ]
    )

    assert 7.0 == track.ledger().delta(Q.TRANSFER_FAILURES)


def test_buckets_that_changed_within_a_life_tell_nothing(make_reading: MakeReading) -> None:
    """Increases of other buckets cannot be told; they are no observations, not a lifetime of them."""
    before = Histogram((0.1, float("inf")), (4.0, 5.0), 2.0, 5.0)
    after = Histogram((0.2, float("inf")), (6.0, 8.0), 9.0, 8.0)
    window = _track([make_reading(0.0, ttft=before), make_reading(5.0, ttft=after)]).window()
    observed = window.histogram(Q.TTFT) if window else None

    assert observed is not None
    assert 0.0 == observed.count


def test_the_sum_of_engines_with_other_shapes_keeps_both(make_reading: MakeReading) -> None:
    """A pool may run two versions: what both export is summed, what one exports is kept."""
    old = _track([make_reading(0.0, prompt_tokens=0.0), make_reading(5.0, prompt_tokens=10.0)]).window()
    new = _track(
        [make_reading(0.0, prompt_tokens=0.0, kv_expired=0.0), make_reading(5.0, prompt_tokens=20.0, kv_expired=1.0)]
    ).window()
    assert old is not None
    assert new is not None
    flow = together((old.flow, new.flow, new.flow))

    assert (50.0, 2.0) == (flow.delta(Q.PROMPT_TOKENS), flow.delta(Q.KV_EXPIRED))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(
    lives=st.lists(st.lists(st.integers(min_value=1, max_value=50), min_size=1, max_size=6), min_size=1, max_size=5),
    horizon=st.integers(min_value=1, max_value=200),
)
def test_increases_add_up_over_any_restarts(make_reading: MakeReading, lives: list[list[int]], horizon: int) -> None:
    """Whatever restarts in between, the ledger holds exactly what was counted, and no window is negative."""
    track, at, expected, first = Track(float(horizon)), 0.0, 0.0, True
    for number, steps in enumerate(lives):
        value = 0.0
        for index, step in enumerate(steps):
            value += step
            expected += 0.0 if first else step
            track.push(make_reading(at, transfer_failures=value), restarted=number > 0 and index == 0)
            first = False
            at += 5.0
            window = track.window()

            assert window is None or (window.delta(Q.TRANSFER_FAILURES) or 0.0) >= 0.0

    assert expected == (track.ledger().delta(Q.TRANSFER_FAILURES) or 0.0)
