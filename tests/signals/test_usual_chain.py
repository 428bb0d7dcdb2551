"""What the hops to the first token usually take."""

from __future__ import annotations

import pytest

from pdwatch.model.latency import Attainment, LatencyState, Quantiles, TtftChain
from pdwatch.signals.usual_chain import UsualChain

MET, MISSED = Attainment(2.0, 0.99, 2.5, 0.95), Attainment(2.0, 0.6, 2.5, 0.95)


def _latency(queue: float, count: float = 100.0) -> LatencyState:
    return LatencyState(ttft_seconds=Quantiles(mean=1.0, count=count), chain=TtftChain(prefill_queue=queue))


@pytest.fixture
def usual() -> UsualChain:
    """A minute and a bit of a queue of 50 ms has been seen."""
    usual = UsualChain()
    for at in range(0, 70, 5):
        usual.observe(float(at), _latency(0.05), MET)
    return usual


def _now(usual: UsualChain, at: float, latency: LatencyState, objective: Attainment | None = MET) -> float | None:
    return usual.observe(at, latency, objective).chain_usual.prefill_queue


def test_nothing_is_usual_within_the_first_minute() -> None:
    """One slow start is not how it is."""
    usual = UsualChain()
    seen = [_now(usual, at, _latency(0.05)) for at in (0.0, 30.0, 59.0, 60.0)]

    assert [None, None, None, 0.05] == seen


def test_a_hop_that_nobody_measures_has_no_usual(usual: UsualChain) -> None:
    """Absent is not zero."""
    assert usual.observe(70.0, _latency(0.05), MET).chain_usual.transfer is None


def test_what_is_missed_does_not_become_usual(usual: UsualChain) -> None:
    """An hour of trouble leaves it as it was."""
    seen = [_now(usual, 70.0 + 5 * n, _latency(3.0), MISSED) for n in range(720)]

    assert 0.05 == seen[-1]


def test_without_an_objective_growth_becomes_usual_slowly(usual: UsualChain) -> None:
    """After ten minutes less than a tenth of the way, after a day all of it."""
    seen = [_now(usual, 70.0 + 30 * n, _latency(1.05), None) for n in range(2880)]

    assert 0.05 < (seen[20] or 0.0) < 0.15
    assert 1.05 == pytest.approx(seen[-1], rel=0.01)


def test_what_gets_better_is_usual_soon(usual: UsualChain) -> None:
    """Within half an hour."""
    seen = [_now(usual, 70.0 + 30 * n, _latency(0.01)) for n in range(60)]

    assert 0.01 == pytest.approx(seen[-1], rel=0.3)


def test_a_handful_of_requests_teaches_nothing(usual: UsualChain) -> None:
    """19 are chance."""
    assert 0.05 == _now(usual, 3600.0, _latency(0.001, count=19.0))


def test_a_night_without_watching_is_not_a_night_of_learning(usual: UsualChain) -> None:
    """One value after it weighs as one."""
    assert 0.05 == pytest.approx(_now(usual, 40_000.0, _latency(0.01)), rel=0.1)
