"""The time of a daemon does not jump with the wall clock; that it was set is told once."""

from __future__ import annotations

import time

import pytest

from pdwatch.cli.clock import ClockWatch, unix_time


def test_the_time_begins_with_the_wall_clock() -> None:
    """It is Unix time."""
    assert time.time() == pytest.approx(unix_time(), abs=60)


def test_a_clock_that_is_set_is_told_once() -> None:
    """Ahead, behind, and that it agrees again; a small step is no news."""
    told: list[str] = []
    ahead = [0.0]
    watch = ClockWatch(told.append, wall=lambda: unix_time() + ahead[0])
    for seconds in (0.0, 0.5, 3600.0, 3600.2, -60.0, 0.1, 0.0):
        ahead[0] = seconds
        watch.look()

    assert [
        "the wall clock was set; it is 3,600 s ahead of the times told here until a restart",
        "the wall clock was set; it is 60 s behind the times told here until a restart",
        "the wall clock was set; it agrees again",
    ] == told
