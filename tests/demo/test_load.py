"""Arrivals: rates, lengths, shapes and ends."""

from __future__ import annotations

import pytest

from pdwatch.demo.model import Load, Phase
from pdwatch.demo.model.load import Arrivals


def drawn(load, until, seed=1):
    arrivals, found = Arrivals(load, seed), []
    while (arrival := arrivals.next()) and arrival.at < until:
        found.append(arrival)
    return found


def test_steady_load_has_its_rate_and_means():
    """Over an hour rate and mean lengths come out as asked for."""
    found = drawn(Load.steady(10.0, 1000, 200), 3600.0)

    assert len(found) == pytest.approx(36_000, rel=0.03)
    assert sum(a.input_tokens for a in found) / len(found) == pytest.approx(1000, rel=0.03)
    assert sum(a.output_tokens for a in found) / len(found) == pytest.approx(200, rel=0.03)


def test_phases_step_and_smooth_loads_slope():
    """At half the way a stepped load has not moved and a smooth one is half there."""
    phases = (Phase(0.0, 2.0, 100, 10), Phase(100.0, 10.0, 300, 30))

    assert 2.0 == Load(phases).at(50.0).rate
    assert Phase(50.0, 6.0, 200, 20) == Load(phases, smooth=True).at(50.0)
    assert 10.0 == Load(phases, smooth=True).at(500.0).rate


def test_period_repeats():
    """A load with a period is the same one period later."""
    load = Load((Phase(0.0, 1.0, 100, 10), Phase(50.0, 9.0, 100, 10)), period=100.0)

    assert 9.0 == load.at(75.0).rate == load.at(1075.0).rate


def test_load_that_drops_to_nothing_ends():
    """After the last phase of rate 0 there is no further arrival to wait for."""
    found = drawn(Load((Phase(0.0, 5.0, 100, 10), Phase(20.0, 0.0, 100, 10))), 1e9)

    assert found
    assert found[-1].at < 20.0


def test_trace_is_played_as_given():
    """Times and lengths of a trace are kept, then it ends."""
    trace = ((0.5, 10, 3), (1.5, 20, 4))
    found = drawn(Load(trace=trace), 100.0)

    assert list(trace) == [(a.at, a.input_tokens, a.output_tokens) for a in found]


def test_no_load_has_no_arrivals():
    """An empty load is an idle fleet, not an error."""
    assert [] == drawn(Load(), 1e9)
