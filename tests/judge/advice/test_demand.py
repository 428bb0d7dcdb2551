"""Demand over time: how much, how sure, where it is going."""

from __future__ import annotations

import json
from math import sqrt
from random import Random

import pytest

from pdwatch.judge.advice.demand import KEPT_SECONDS, Demand, Tick

EVERY = 5.0
SCV = 0.3


def steady(seconds: float, tokens: float = 1000.0, arrivals: float = 2.0, demand: Demand | None = None) -> Demand:
    """Return a demand that is the same at each tick of so many more seconds."""
    demand = demand or Demand()
    begin = demand.memory()[-1][0] if demand.memory() else 0.0
    for tick in range(1, int(seconds / EVERY) + 1):
        demand.add(Tick(begin + EVERY * tick, tokens, arrivals), SCV)
    return demand


def random(seconds: float, mean: float = 1000.0, growth: float = 0.0, noise: float = 0.3, seed: int = 1) -> Demand:
    """Return a demand that scatters around a line."""
    draw, demand = Random(seed), Demand()
    for tick in range(int(seconds / EVERY)):
        at = EVERY * tick
        demand.add(Tick(at, (mean + growth * at) * draw.uniform(1 - noise, 1 + noise), 2.0), SCV)
    return demand


def test_a_level_is_the_mean_of_its_past() -> None:
    """A minute at 1,000 and then a minute at 3,000."""
    demand = steady(60.0, 3000.0, demand=steady(60.0))

    levels = {past: level.mean for past in (60.0, 120.0) if (level := demand.level(past))}
    assert {60.0: 3000.0, 120.0: 2000.0} == levels


def test_nothing_is_told_without_a_tick() -> None:
    """No level, no slope, no leap, no peak and no error."""
    demand = Demand()

    assert demand.level(60.0) is None
    assert (0.0, 0.0, False, 0.0) == (demand.slope(), demand.seconds, demand.leapt(), demand.peak(300.0, 60.0, 1.0))


def test_a_level_is_surer_the_more_requests_it_rests_on() -> None:
    """A hundred times as many requests, a tenth of the error; four times the past, half of it."""
    few, many = steady(240.0, arrivals=0.5), steady(240.0, arrivals=50.0)
    errors = {
        name: level.error
        for name, demand, past in (("few", few, 60.0), ("many", many, 60.0), ("longer", few, 240.0))
        if (level := demand.level(past))
    }

    assert errors["few"] == pytest.approx(10 * errors["many"])
    assert errors["few"] == pytest.approx(2 * errors["longer"])
    assert 1000.0 * sqrt((1.0 + SCV) / 30.0) == pytest.approx(errors["few"])


def test_lengths_that_vary_make_a_level_less_sure() -> None:
    """One long prompt is as much demand as ten short ones."""
    even, varied = Demand(), Demand()
    for tick in range(12):
        even.add(Tick(EVERY * tick, 1000.0, 2.0), 0.0)
        varied.add(Tick(EVERY * tick, 1000.0, 2.0), 3.0)
    levels = even.level(60.0), varied.level(60.0)

    assert levels[0] is not None
    assert levels[1] is not None
    assert 2 * levels[0].error == pytest.approx(levels[1].error)
    assert levels[1].at_least(1.0) < levels[0].at_least(1.0) < 1000.0 < levels[0].at_most(1.0) < levels[1].at_most(1.0)


def answering(demand: Demand, begin: float, seconds: float, generated: float, ended: float) -> Demand:
    """Let two requests a second arrive while so much is generated and ends at each tick."""
    for tick in range(int(seconds / EVERY)):
        demand.add(Tick(begin + EVERY * tick, 0.0, 2.0, generated, ended), SCV)
    return demand


def test_demand_of_decode_is_arrivals_times_what_answers_take() -> None:
    """Two requests a second; 3,000 tokens for every ten answers that end."""
    demand = answering(Demand(by_length=True), 5.0, 60.0, 3000.0, 10.0)
    level = demand.level(60.0)

    assert level is not None
    assert 600.0 == pytest.approx(level.mean)


def test_answers_that_grow_longer_are_demand_before_they_end() -> None:
    """Arrivals are as before and fewer answers end, since those that run take longer."""
    demand = answering(Demand(by_length=True), 5.0, 120.0, 3000.0, 10.0)
    answering(demand, 125.0, 40.0, 4500.0, 6.0)
    level = demand.level(40.0)

    assert level is not None
    assert level.mean > 1.5 * 600.0


def test_the_length_of_answers_comes_from_a_longer_past_where_too_few_ended() -> None:
    """None ended in the last twenty seconds, one in five seconds before: that is chance and no answer without end."""
    demand = answering(Demand(by_length=True), 5.0, 300.0, 300.0, 1.0)
    answering(demand, 305.0, 20.0, 300.0, 0.0)
    level = demand.level(20.0)

    assert level is not None
    assert 300.0 < level.mean < 1500.0


def test_no_answer_is_no_demand_yet() -> None:
    """Nobody knows how long they will be; nothing is divided by nothing."""
    level = answering(Demand(by_length=True), 5.0, 30.0, 500.0, 0.0).level(60.0)

    assert level is not None
    assert (0.0, 0.0) == (level.mean, level.error)


def test_a_peak_is_the_highest_mean_of_the_past() -> None:
    """A minute at 3,000 four minutes ago is the peak of five minutes and not of three."""
    demand = steady(240.0, demand=steady(60.0, 3000.0, demand=steady(60.0)))

    assert 3000.0 == pytest.approx(demand.peak(300.0, 60.0, 0.0))
    assert 1000.0 == pytest.approx(demand.peak(180.0, 60.0, 0.0))


def test_a_peak_of_a_moment_is_not_one_of_a_minute() -> None:
    """One tick at twelve times the demand less than doubles the mean of a minute."""
    demand = steady(120.0, demand=steady(EVERY, 12_000.0, demand=steady(120.0)))

    assert 1000.0 < demand.peak(240.0, 60.0, 0.0) <= 2000.0
    assert demand.peak(240.0, 60.0, 1.0) > demand.peak(240.0, 60.0, 0.0)


def test_a_past_that_is_too_short_has_no_peak() -> None:
    """Twenty seconds are no minute."""
    assert 0.0 == steady(20.0).peak(300.0, 60.0, 1.0)


def test_a_slope_is_told_where_it_is_none_by_chance() -> None:
    """Demand doubles in four minutes, scattered by 10 %."""
    assert 1000.0 / 240.0 == pytest.approx(random(240.0, growth=1000.0 / 240.0, noise=0.1).slope(), rel=0.3)
    assert -2.0 == pytest.approx(random(240.0, growth=-2.0, noise=0.1).slope(), rel=0.3)


def test_noise_has_no_slope() -> None:
    """Of forty demands that scatter by half around the same mean hardly one seems to go anywhere."""
    slopes = [random(240.0, noise=0.5, seed=seed).slope() for seed in range(40)]

    assert sum(slope != 0.0 for slope in slopes) <= 1


def test_a_minute_has_no_slope() -> None:
    """However steep: a burst is no trend."""
    assert 0.0 == random(90.0, growth=50.0, noise=0.0).slope()


def test_more_requests_are_a_leap_and_longer_ones_are_not() -> None:
    """Twice as many a second, against twice the tokens of as many."""
    assert steady(40.0, 2000.0, 4.0, steady(600.0)).leapt()
    assert not steady(40.0, 2000.0, 2.0, steady(600.0)).leapt()
    assert not steady(600.0, 2000.0, 4.0, steady(600.0)).leapt()


def test_what_is_kept_is_bounded() -> None:
    """Of hours, half of one: with a tick a second that is less than 200 kB of a file."""
    demand = Demand()
    for second in range(20_000):
        demand.add(Tick(float(second), 1000.0, 2.0), SCV)

    assert KEPT_SECONDS == demand.seconds
    assert KEPT_SECONDS + 1 == len(demand.memory())
    assert len(json.dumps(demand.memory())) < 200_000


@pytest.mark.parametrize("by_length", [False, True])
def test_demand_goes_through_a_file(by_length: bool) -> None:
    """As JSON; all that is told afterwards is as before."""
    before, after = answering(Demand(by_length), 5.0, 300.0, 3000.0, 10.0), Demand(by_length)
    after.recall(json.loads(json.dumps(before.memory())))
    for demand in (before, after):
        answering(demand, 305.0, 30.0, 6000.0, 10.0)

    assert before.level(60.0) == after.level(60.0)
    assert (before.peak(300.0, 60.0, 1.0), before.slope()) == (after.peak(300.0, 60.0, 1.0), after.slope())


@pytest.mark.parametrize("kept", [[1.0], [["a", 1.0, 1.0]], [[1.0]], [[1.0] * 9], [None], [[1.0, None, 2.0]]])
def test_a_memory_of_something_else_is_refused(kept: list[list[float]]) -> None:
    """And nothing of it is believed."""
    demand = steady(60.0)
    with pytest.raises((TypeError, ValueError)):
        demand.recall(kept)

    assert 55.0 == demand.seconds
