"""What an engine did between two pages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from pdwatch.model.reading import Histogram, Reading
from pdwatch.signals.capacity.computed import computed_tokens
from pdwatch.signals.capacity.step import Step, step_of

MakeReading = Callable[..., Reading]
Counted = Callable[[float, float], Histogram]
Between = Callable[..., Step]


@pytest.fixture
def between(make_reading: MakeReading) -> Between:
    """Return the step of ten seconds between two pages, each given as numbers by quantity."""

    def between(before: dict[str, Any], after: dict[str, Any]) -> Step:
        first, last = make_reading(100.0, **before), make_reading(110.0, **after)
        return step_of(first, last)

    return between


def test_counters_are_told_by_their_increase(between: Between, counted: Counted) -> None:
    """Never by what they were when the watching began."""
    step = between(
        {"prompt_tokens_computed": 5000.0, "generation_tokens": 70.0, "prefill_time": counted(9.0, 30.0)},
        {"prompt_tokens_computed": 7000.0, "generation_tokens": 90.0, "prefill_time": counted(9.5, 32.0)},
    )

    assert (110.0, 10.0) == (step.at, step.seconds)
    assert (2000.0, 20.0, 2.0) == (step.computed, step.generated, step.prefilled)
    assert 0.5 == pytest.approx(step.prefill_seconds)


def test_a_batch_is_told_by_littles_law(between: Between, counted: Counted) -> None:
    """A thousand tokens in ten seconds, 20 ms after each other: two requests at a time, whatever the gauge saw."""
    step = between(
        {"generation_tokens": 0.0, "itl": counted(0.0, 0.0), "requests_running": 0.0},
        {"generation_tokens": 1000.0, "itl": counted(20.0, 1000.0), "requests_running": 0.0},
    )

    assert 0.02 == pytest.approx(step.itl)
    assert 2.0 == pytest.approx(step.batch)


def test_prompts_of_one_pass_keep_the_engine_busy_once(between: Between, counted: Counted) -> None:
    """Four prompts in each of ten passes of half a second count 20 seconds together; the engine worked five of ten."""
    step = between(
        {"prefill_time": counted(0.0, 0.0), "iteration_tokens": counted(0.0, 0.0)},
        {"prefill_time": counted(20.0, 40.0), "iteration_tokens": counted(80_000.0, 10.0)},
    )

    assert 0.5 == pytest.approx(step.busy)


@pytest.mark.parametrize(
    ("before", "after", "waited"),
    [(5.0, 7.0, True), (5.0, 0.0, False), (0.0, 5.0, False), (1.0, 1.0, False)],
)
def test_an_engine_had_work_all_the_while_where_several_waited_at_both_ends(
    between: Between, before: float, after: float, waited: bool
) -> None:
    """A queue at one end may have come or gone at any time."""
    step = between({"requests_waiting": before}, {"requests_waiting": after})

    assert waited is step.waited
    assert after - before == step.grew_waiting


def test_what_a_page_does_not_tell_is_nothing(between: Between) -> None:
    """An engine without histograms or a cache: no gap, no batch, no usage, and no error."""
    step = between({"generation_tokens": 0.0}, {"generation_tokens": 500.0})

    assert (None, 0.0, None) == (step.itl, step.batch, step.usage)
    assert (0.0, 0.0, 0.0) == (step.computed, step.prefilled, step.busy)


def test_cache_usage_is_the_mean_of_both_ends(between: Between) -> None:
    """It belongs to the time between, as the batch does."""
    assert 0.4 == pytest.approx(between({"kv_cache_usage": 0.2}, {"kv_cache_usage": 0.6}).usage)


def test_tokens_computed_come_from_the_best_source(make_window: Callable[..., Any], counted: Counted) -> None:
    """By source, else by finished requests, else prompts less what caches gave; never below nothing."""
    prompts = {"prompt_tokens": 900.0, "prefix_cache_hits": 250.0, "external_cache_hits": 50.0}
    finished = {"request_computed_tokens": counted(500.0, 3.0)}

    assert 400.0 == computed_tokens(make_window(prompt_tokens_computed=400.0, **finished, **prompts))
    assert 500.0 == computed_tokens(make_window(**finished, **prompts))
    assert 600.0 == computed_tokens(make_window(**prompts))
    assert 0.0 == computed_tokens(make_window(prompt_tokens=100.0, prefix_cache_hits=250.0))
    assert computed_tokens(make_window(generation_tokens=1.0)) is None
