"""The model of a decode step, learned across the engines of a pool."""

from __future__ import annotations

import json
from collections.abc import Iterable
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pdwatch.model.capacity import StepTime
from pdwatch.signals.capacity.step_time import StepTimeModel

SAME_EACH_RUN = settings(deadline=None, derandomize=True)

TRUTH = StepTime(base=0.014, per_request=0.00016, per_token=3e-8)


def seconds_of(model: StepTime, batch: float, tokens: float) -> float:
    """Return the time of a step by a model."""
    return model.base + model.per_request * batch + model.per_token * tokens


def looks(count: int, truth: StepTime = TRUTH, noise: float = 0.0) -> Iterable[tuple[float, float, float]]:
    """Yield steps of batches and contexts that vary."""
    draw = Random(1)
    for _ in range(count):
        batch = draw.uniform(2.0, 200.0)
        tokens = batch * draw.uniform(300.0, 4000.0)
        yield batch, tokens, seconds_of(truth, batch, tokens) * draw.uniform(1.0 - noise, 1.0 + noise)


def learned(steps: Iterable[tuple[float, float, float]], model: StepTimeModel | None = None) -> StepTimeModel:
    """Return a model that has seen *steps*."""
    model = model or StepTimeModel()
    for step in steps:
        model.learn(*step)
    return model


def test_each_part_of_a_step_is_found_where_load_varies() -> None:
    """Batches and contexts that vary by themselves, with 5 % of noise."""
    found = learned(looks(300, noise=0.05)).fit()

    assert found is not None
    assert TRUTH.base == pytest.approx(found.base, rel=0.1)
    assert TRUTH.per_request == pytest.approx(found.per_request, rel=0.1)
    assert TRUTH.per_token == pytest.approx(found.per_token, rel=0.1)


def test_a_load_that_hardly_varies_is_told_as_it_was_seen() -> None:
    """At the one load that was seen the model is right; it grows with load all the same."""
    found = learned([(50.0, 100_000.0, 0.025)] * 50).fit()

    assert found is not None
    assert 0.025 == pytest.approx(seconds_of(found, 50.0, 100_000.0), rel=0.05)
    assert found.base < 0.025 < seconds_of(found, 100.0, 200_000.0)


def test_a_guess_gives_way_once_load_moves() -> None:
    """Fifty looks at one load, then twenty at three times of it: the guess is forgotten."""
    model = learned([(50.0, 100_000.0, seconds_of(TRUTH, 50.0, 100_000.0))] * 50)
    found = learned([(150.0, 300_000.0, seconds_of(TRUTH, 150.0, 300_000.0))] * 20, model).fit()

    assert found is not None
    assert seconds_of(TRUTH, 100.0, 200_000.0) == pytest.approx(seconds_of(found, 100.0, 200_000.0), rel=0.05)


def test_nothing_is_told_before_enough_was_seen() -> None:
    """Not by one step, let alone by none."""
    assert StepTimeModel().fit() is None
    assert learned(looks(1)).fit() is None


@SAME_EACH_RUN
@given(st.lists(st.tuples(st.floats(0.0, 1e4), st.floats(0.0, 1e8), st.floats(1e-5, 10.0)), max_size=60))
def test_no_part_of_a_step_is_ever_negative(steps: list[tuple[float, float, float]]) -> None:
    """Whatever was seen: a step that became shorter with load would make capacity endless."""
    found = learned(steps).fit()

    assert found is None or min(found.base, found.per_request, found.per_token) >= 0.0


def test_one_slow_step_is_not_believed() -> None:
    """A worker in trouble is not the pool's model."""
    before = learned(looks(200))
    told = before.fit()

    assert told is not None
    assert told == learned([(batch, tokens, 5 * itl) for batch, tokens, itl in looks(5)], before).fit()


def test_a_pool_that_changed_is_learned_anew() -> None:
    """Other hardware, three times as slow, for good: soon the model is the new one and nothing is left of the old."""
    slower = StepTime(3 * TRUTH.base, 3 * TRUTH.per_request, 3 * TRUTH.per_token)
    found = learned(looks(200, slower), learned(looks(500))).fit()

    assert found is not None
    for batch, tokens in ((10.0, 20_000.0), (100.0, 100_000.0), (200.0, 600_000.0)):
        assert seconds_of(slower, batch, tokens) == pytest.approx(seconds_of(found, batch, tokens), rel=0.05)


def test_what_was_learned_goes_through_a_file() -> None:
    """As JSON, and learning goes on from there."""
    before, after = learned(looks(100, noise=0.05)), StepTimeModel()
    after.recall(json.loads(json.dumps(before.memory())))

    assert before.fit() == after.fit()
    assert learned(looks(30), before).fit() == learned(looks(30), after).fit()


def test_an_empty_memory_is_one() -> None:
    """What was kept before anything was seen is nothing."""
    model = StepTimeModel()
    model.recall(json.loads(json.dumps(StepTimeModel().memory())))

    assert model.fit() is None


@pytest.mark.parametrize(
    "kept",
    [
        {},
        {"xx": [[1.0] * 3] * 2, "xy": [1.0] * 3, "weight": 1.0},
        {"xx": [[1.0] * 2] * 3, "xy": [1.0] * 3, "weight": 1.0},
        {"xx": [[1.0] * 3] * 3, "xy": 1.0, "weight": 1.0},
        {"xx": [[1.0] * 3] * 3, "xy": [1.0, 2.0, "many"], "weight": 1.0},
        {"xx": [[1.0] * 3] * 3, "xy": [1.0] * 3, "weight": None},
    ],
)
def test_a_memory_of_something_else_is_refused(kept: dict[str, Any]) -> None:
    """Nothing is learned from it."""
    model = StepTimeModel()
    with pytest.raises((KeyError, TypeError, ValueError)):
        model.recall(kept)

    assert model.fit() is None
