"""Waiting for remote KV that does not come."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from pdwatch.model.reading import Histogram, Reading
from pdwatch.signals.fetch_stall import FetchStall

MakeReading = Callable[..., Reading]


def _after(readings: Sequence[Reading]) -> float | None:
    stall = FetchStall()
    for reading in readings:
        stall.push(reading)
    return stall.seconds if stall.known else None


def _transfers(count: float) -> Histogram:
    return Histogram((1.0, float("inf")), (count, count), 0.01 * count, count)


def test_waiting_while_nothing_arrives_is_counted(make_reading: MakeReading) -> None:
    """From the first page that shows it."""
    readings = [
        make_reading(at, kv_fetch_waiting=0.0, kv_fetch_in_progress=3.0, transfer_time=_transfers(7))
        for at in (0.0, 5.0, 10.0, 15.0)
    ]

    assert 15.0 == _after(readings)


@pytest.mark.parametrize("moving", ["transfer_failures", "prompt_tokens_transferred", "prompt_tokens"])
def test_one_that_arrives_or_fails_ends_it(moving: str, make_reading: MakeReading) -> None:
    """Failing is another finding; where the other side counts transfers, first tokens tell that KV came."""
    readings = [
        make_reading(at, kv_fetch_in_progress=3.0, **{moving: 1.0 if at < 10 else 2.0}) for at in (0.0, 5.0, 10.0, 15.0)
    ]

    assert 5.0 == _after(readings)


def test_a_page_without_waiters_ends_it(make_reading: MakeReading) -> None:
    """They got their KV or went away."""
    waiting = [make_reading(at, kv_fetch_in_progress=3.0, prompt_tokens=9.0) for at in (0.0, 5.0)]

    assert 0.0 == _after([*waiting, make_reading(10.0, kv_fetch_in_progress=0.0, prompt_tokens=9.0)])


def test_a_page_that_counts_no_arrivals_tells_nothing(make_reading: MakeReading) -> None:
    """What stands still may not be counted there at all."""
    assert _after([make_reading(at, kv_fetch_in_progress=3.0) for at in (0.0, 30.0)]) is None


def test_versions_without_stages_tell_by_requests_put_off(make_reading: MakeReading) -> None:
    """vLLM 0.20 to 0.31."""
    readings = [make_reading(at, requests_waiting_deferred=2.0, transfer_time=_transfers(7)) for at in (0.0, 5.0)]

    assert 5.0 == _after(readings)


def test_versions_before_that_do_not_tell(make_reading: MakeReading) -> None:
    """All that wait are one number, for blocks or for KV."""
    assert _after([make_reading(at, requests_waiting=9.0) for at in (0.0, 30.0)]) is None
