"""Counters of hardware: windows, resets, wraps that a collector forgot, saturation."""

from __future__ import annotations

import pytest

from pdwatch.signals.baseline import Baseline
from pdwatch.signals.ledger import CounterLedger, growth


def _ledger(*rows: tuple[float, dict[str, float]], horizon: float = 60.0) -> CounterLedger[str]:
    ledger: CounterLedger[str] = CounterLedger(horizon)
    for at, counters in rows:
        ledger.push(at, counters)
    return ledger


def test_the_first_reading_has_no_rate() -> None:
    """A counter's life before tells nothing of the present."""
    ledger = _ledger((0.0, {"errors": 900.0}))

    assert ({}, 0.0) == (ledger.rates(), ledger.seconds)


def test_a_rate_is_the_increase_over_the_window() -> None:
    """Readings older than the horizon are forgotten, but for the one that the window begins with."""
    ledger = _ledger(*((n * 10.0, {"errors": 900.0 + max(0.0, n - 4.0) * 30.0}) for n in range(11)))

    assert (60.0, {"errors": 3.0}) == (ledger.seconds, ledger.rates())


def test_a_reset_is_never_a_negative_rate() -> None:
    """The counter was cleared and grew by what it shows."""
    assert {"errors": 7.0} == _ledger((0.0, {"errors": 255.0}), (1.0, {"errors": 7.0})).rates()


@pytest.mark.parametrize(
    ("before", "after", "grown"),
    [
        (10.0, 10.0, 0.0),
        (10.0, 25.0, 15.0),
        (10.0, 4.0, 4.0),
        (2.0**32 + 1000.0, 1500.0, 500.0),
        (3 * 2.0**32 - 10.0, 5.0, 15.0),
        (2.0**40, 10.0, 10.0),
    ],
    ids=["still", "grew", "cleared", "extension lost", "wrapped and extension lost", "driver reloaded"],
)
def test_growth(before: float, after: float, grown: float) -> None:
    """What a collector extended over wraps falls back to 32 bits when it begins anew."""
    assert grown == growth(before, after)


def test_a_counter_that_appears_begins_at_zero_growth() -> None:
    """Optional counters keep their history when they are switched on."""
    ledger = _ledger((0.0, {}), (10.0, {"late": 5000.0}), (20.0, {"late": 5010.0}))

    assert {} == ledger.rates()


def test_a_counter_that_vanishes_has_no_rate() -> None:
    """It is not given any more, which is not standing still."""
    assert {} == _ledger((0.0, {"gone": 1.0}), (10.0, {})).rates()


def test_a_saturated_counter_has_no_rate() -> None:
    """Stuck at both ends; stuck only since tells the least that it grew."""
    blind: CounterLedger[str] = CounterLedger(60.0)
    blind.push(0.0, {"downed": 255.0, "symbols": 65000.0}, blind={"downed"})
    blind.push(10.0, {"downed": 255.0, "symbols": 65535.0}, blind={"downed", "symbols"})

    assert {"symbols": 53.5} == blind.rates()


def test_a_repeated_reading_is_dropped() -> None:
    """An exporter's page may be older than the scrape."""
    ledger = _ledger((0.0, {"errors": 0.0}), (10.0, {"errors": 10.0}))

    assert not ledger.push(10.0, {"errors": 10.0})
    assert 10.0 == ledger.seconds


def test_a_baseline_is_the_median_of_the_beginning_and_stays() -> None:
    """Neither the best nor the newest value moves it."""
    baseline = Baseline(30.0)
    for at, value in ((0.0, 8.0), (15.0, 10.0), (29.0, 50.0)):
        baseline.learn(at, value)
    learning = baseline.value
    baseline.learn(30.0, 9.0)
    baseline.learn(40.0, 1000.0)

    assert (None, 9.5) == (learning, baseline.value)


def test_two_values_make_no_baseline() -> None:
    """However far apart they are."""
    baseline = Baseline(30.0)
    baseline.learn(0.0, 8.0)
    baseline.learn(100.0, 8.0)

    assert None is baseline.value
