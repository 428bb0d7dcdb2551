"""How long a token takes, told from what an engine counted."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from pdwatch.catalog.thresholds import Thresholds
from pdwatch.model.reading import EngineFacts, Histogram, Reading
from pdwatch.model.snapshot import EngineState
from pdwatch.signals.engine import EngineWatch

MakeReading = Callable[..., Reading]
Run = Callable[[Sequence[dict[str, tuple[float, float]]]], EngineState]
"""Of steps of five seconds, by quantity: how much its sum and its count rose, or a counter's rise and 0."""
COUNTERS = frozenset({"prompt_tokens_computed", "generation_tokens"})


@pytest.fixture
def run(make_reading: MakeReading) -> Run:
    """Let an engine live through steps and return its state after the last."""

    def run(steps: Sequence[dict[str, tuple[float, float]]]) -> EngineState:
        watch, totals = EngineWatch("0", horizon=60.0), dict.fromkeys(steps[0], (0.0, 0.0))
        for index, step in enumerate([dict.fromkeys(totals, (0.0, 0.0)), *steps]):
            totals = {name: (totals[name][0] + more, totals[name][1] + n) for name, (more, n) in step.items()}
            named = {
                name: total if name in COUNTERS else Histogram((1.0, float("inf")), (0.0, count), total, count)
                for name, (total, count) in totals.items()
            }
            watch.push(make_reading(5.0 * index, **named), EngineFacts(), Thresholds())
        return watch.state()

    return run


def _decode(itl: float, gaps: float = 1000.0) -> dict[str, tuple[float, float]]:
    return {"itl": (itl * gaps, gaps), "generation_tokens": (gaps, 0.0)}


def _prefill(prompts: float, seconds: float, passes: float, tokens: float = 2000.0) -> dict[str, tuple[float, float]]:
    """*prompts* of *tokens* in so many *passes*, of which each counts the *seconds* it was in prefill."""
    return {
        "prefill_time": (prompts * seconds, prompts),
        "iteration_tokens": (prompts * tokens, passes),
        "prompt_tokens_computed": (prompts * tokens, 0.0),
        "request_prompt_tokens": (prompts * tokens, prompts),
    }


def test_where_answers_are_made_it_is_the_time_between_tokens(run: Run) -> None:
    """A thousand gaps of 30 ms in five seconds: six requests at a time."""
    state = run([_decode(0.03), _decode(0.03)])

    assert 0.03 == pytest.approx(state.pace_seconds)
    assert 6.0 == pytest.approx(state.pace_load)
    assert 200.0 == pytest.approx(state.pace_tokens_per_second)


def test_one_odd_look_is_not_the_pace(run: Run) -> None:
    """Two in a row are."""
    assert 0.03 == pytest.approx(run([_decode(0.03), _decode(0.09)]).pace_seconds)
    assert 0.09 == pytest.approx(run([_decode(0.03), _decode(0.09), _decode(0.09)]).pace_seconds)


def test_a_handful_of_tokens_tells_nothing(run: Run) -> None:
    """19 gaps are chance."""
    assert run([_decode(0.03, gaps=19.0)] * 2).pace_seconds is None


def test_prompts_one_by_one_take_their_own_time(run: Run) -> None:
    """Ten prompts of 2,000 tokens, 100 ms each: 50 µs a token."""
    assert 50e-6 == pytest.approx(run([_prefill(10, 0.1, passes=10)]).pace_seconds)


def test_prompts_that_share_a_pass_are_not_counted_twice(run: Run) -> None:
    """Four prompts a pass of 400 ms: each waits for all four, and a token still takes 50 µs."""
    assert 50e-6 == pytest.approx(run([_prefill(12, 0.4, passes=3), _prefill(12, 0.4, passes=3)]).pace_seconds)


def test_an_engine_that_is_never_idle_takes_the_time_that_went_by(run: Run) -> None:
    """Chunked prompts overlap: their summed times are four times the clock, which is what 50,000 tokens took."""
    assert 100e-6 == pytest.approx(run([_prefill(25, 0.8, passes=40)]).pace_seconds)


def test_prefill_is_judged_on_ten_prompts_or_more(run: Run) -> None:
    """Nine are chance."""
    assert run([_prefill(9, 0.1, passes=9)]).pace_seconds is None


def test_an_engine_that_hung_for_a_moment_is_not_slow_for_half_a_minute(run: Run) -> None:
    """In one look of six prompts took twenty times as long; two such looks are no moment."""
    usual, hung = _prefill(10, 0.1, passes=10), _prefill(10, 2.0, passes=10)

    assert 50e-6 == pytest.approx(run([*[usual] * 3, hung, *[usual] * 2]).pace_seconds)
    assert 100e-6 < (run([*[usual] * 2, hung, hung, *[usual] * 2]).pace_seconds or 0.0)


def test_half_a_minute_later_the_pace_is_the_new_one(run: Run) -> None:
    """What was before it is forgotten."""
    usual, slow = _prefill(10, 0.1, passes=10), _prefill(10, 0.3, passes=10)

    assert 150e-6 == pytest.approx(run([*[usual] * 6, *[slow] * 7]).pace_seconds)


def test_a_restart_begins_a_new_pace(run: Run) -> None:
    """What the process before it did says nothing of this one."""
    assert run([_decode(0.03), _decode(0.03), dict.fromkeys(_decode(0.03), (-1e9, -1e9))]).pace_seconds is None
