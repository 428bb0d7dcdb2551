"""Snapshots of a while, looked back at."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable
from math import isnan

import pytest

from pdwatch.model.history import JSON, OBJECTS, History, Packing
from pdwatch.model.snapshot import SelfState, Snapshot


@pytest.fixture
def at() -> Callable[[float], Snapshot]:
    """Build an empty snapshot at a time."""
    return lambda t: Snapshot(t, {}, {}, SelfState(workers=0, up=0, stale=0, cycles=0 if isnan(t) else int(t)))


@pytest.mark.parametrize("packing", [JSON, OBJECTS])
def test_what_went_in_comes_out(packing: Packing, at: Callable[[float], Snapshot]) -> None:
    """A snapshot is found by the time at which it was the newest, however it is kept."""
    history = History(packing=packing)
    for t in (100.0, 110.0, 120.0):
        history.append(at(t))

    assert [at(100.0), at(110.0), at(120.0)] == [history[index] for index in range(len(history))]
    assert (0, 0, 1, 2) == tuple(history.index_at(t) for t in (50.0, 109.0, 110.0, 999.0))
    assert [110.0, 120.0] == [history.times[index] for index in history.since(100.0)]


def test_the_old_go_by_age_and_by_size(at: Callable[[float], Snapshot]) -> None:
    """Neither an hour nor the bytes are exceeded, and the newest stays in any case."""
    by_age, by_size = History(seconds=30.0), History(max_bytes=1_000)
    for t in range(0, 1_000, 10):
        by_age.append(at(float(t)))
        by_size.append(at(float(t)))

    assert [960.0, 970.0, 980.0, 990.0] == list(by_age.times)
    assert 500 < by_size.size <= 1_000
    assert 990.0 == by_size.times[-1]
    tiny = History(max_bytes=1)
    tiny.append(at(1.0))
    assert 1 == len(tiny)


def test_a_clock_that_was_set_back_drops_what_it_overtakes(at: Callable[[float], Snapshot]) -> None:
    """Times always rise; the same time again replaces."""
    history = History()
    for t in (100.0, 110.0, 120.0, 105.0, 105.0):
        history.append(at(t))

    assert [100.0, 105.0] == list(history.times)


def test_a_snapshot_without_a_time_is_not_kept(at: Callable[[float], Snapshot]) -> None:
    """It has no place; an empty history has none to find."""
    history = History()
    history.append(at(float("nan")))

    assert 0 == len(history)
    assert None is history.index_at(1.0)


def test_an_older_past_is_put_before_what_is_held(at: Callable[[float], Snapshot]) -> None:
    """What is not older is left out, and the bounds hold for both together."""
    held, past = History(seconds=50.0), History()
    for t in (100.0, 110.0):
        held.append(at(t))
    for t in (40.0, 70.0, 90.0, 100.0, 105.0):
        past.append(at(t))
    held.put_before(past)

    assert [70.0, 90.0, 100.0, 110.0] == list(held.times)
    assert at(70.0) == held[0]
    assert held.size == sum(len(zlib.compress(line[:-1], 1)) for line in held.lines())


def test_what_is_held_is_given_as_lines_while_more_comes(at: Callable[[float], Snapshot]) -> None:
    """A reader sees what was there when it asked, whatever is added or dropped meanwhile."""
    history = History(seconds=15.0)
    for t in (100.0, 110.0):
        history.append(at(t))
    lines = history.lines()
    history.append(at(120.0))

    assert [100.0, 110.0] == [json.loads(line)["t"] for line in lines]
