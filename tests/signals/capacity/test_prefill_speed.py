"""How fast an engine prefills, from what it does."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pdwatch.catalog.thresholds import Thresholds
from pdwatch.model.reading import EngineFacts, Histogram, Reading
from pdwatch.signals.capacity.prefill_speed import PrefillSpeed
from pdwatch.signals.capacity.step import Step
from pdwatch.signals.engine import WARM_UP_SECONDS, EngineWatch

SAME_EACH_RUN = settings(deadline=None, derandomize=True)

MakeStep = Callable[..., Step]
MakeReading = Callable[..., Reading]

ALONE = {"computed": 6000.0, "prefilled": 3.0, "prefill_seconds": 0.6, "passes": 3.0}
"""Three prompts of 2,000 tokens, one after the other, 0.2 s each: 10,000 tokens a second."""
BUSY = {"computed": 98_000.0, "prefilled": 49.0, "prefill_seconds": 40.0, "passes": 12.0, "waited": True}
"""Ten seconds without a pause, about four prompts in each pass, others waiting: 9,800 tokens a second."""


def learned(steps: Sequence[Step]) -> float | None:
    """Return the speed after so many steps."""
    speed = PrefillSpeed()
    for step in steps:
        speed.learn(step)
    return speed.tokens_per_second


def test_an_engine_that_never_idles_tells_its_speed_exactly(make_step: MakeStep) -> None:
    """Tokens over time, whatever the prompts of a pass counted."""
    assert 9800.0 == pytest.approx(learned([make_step(**BUSY)] * 5))


def test_what_was_seen_at_light_load_gives_way_to_what_was_reached(make_step: MakeStep) -> None:
    """A light estimate of 10,000 stands until the engine has been seen busy often enough."""
    assert 9800.0 == pytest.approx(learned([*[make_step(**ALONE)] * 10, *[make_step(**BUSY)] * 10]))


def test_one_busy_look_is_a_lower_bound(make_step: MakeStep) -> None:
    """It does not lower what was learned at light load."""
    speed = learned([*[make_step(**ALONE)] * 5, make_step(**BUSY)])

    assert 10_000.0 == pytest.approx(speed)


def test_prompts_that_come_alone_tell_it_by_their_time(make_step: MakeStep) -> None:
    """Idle time between them does not count."""
    assert 10_000.0 == pytest.approx(learned([make_step(**ALONE)]))


def test_prompts_that_share_a_pass_are_not_counted_twice(make_step: MakeStep) -> None:
    """Two prompts in each pass of 0.2 s count 0.2 s each: the sum of their times is twice the engine's."""
    shared = make_step(computed=10_000.0, prefilled=10.0, prefill_seconds=2.0, passes=5.0)

    assert 10_000.0 == pytest.approx(learned([shared]), rel=0.1)


def test_a_queue_that_waits_for_blocks_does_not_look_like_a_slow_engine(make_step: MakeStep) -> None:
    """Requests wait at both ends and the engine works a tenth of the time: 1,000 tokens a second are not its speed."""
    starved = make_step(computed=10_000.0, prefilled=5.0, prefill_seconds=1.0, passes=5.0, waited=True)

    assert 10_000.0 == pytest.approx(learned([starved] * 10), rel=0.1)


def test_half_a_load_with_a_queue_at_neither_end_tells_nothing(make_step: MakeStep) -> None:
    """Three prompts in prefill at a time are no light load, and nobody knows whether the engine paused."""
    assert learned([make_step(**BUSY | {"waited": False})] * 10) is None


@pytest.mark.parametrize("lacks", ["computed", "prefill_seconds"])
def test_an_idle_engine_tells_nothing(make_step: MakeStep, lacks: str) -> None:
    """No prompts, or a page without their times: no speed, and none is forgotten."""
    assert learned([make_step()] * 5) is None
    assert learned([make_step(**ALONE | {lacks: 0.0})] * 5) is None
    assert 10_000.0 == pytest.approx(learned([make_step(**ALONE), *[make_step()] * 50]))


def test_an_engine_that_became_slow_is_believed_in_time(make_step: MakeStep) -> None:
    """Old looks fade: after a hundred at half the speed it is within 2 %."""
    halved = make_step(**BUSY | {"computed": 49_000.0})
    speed = learned([*[make_step(**BUSY)] * 50, *[halved] * 100])

    assert 4900.0 == pytest.approx(speed, rel=0.02)


amounts = st.one_of(st.just(0.0), st.floats(1e-6, 1e7))


@SAME_EACH_RUN
@given(st.lists(st.tuples(amounts, amounts, amounts, amounts, st.booleans()), max_size=30))
def test_a_speed_is_positive_or_unknown(looks: list[tuple[float, float, float, float, bool]]) -> None:
    """Whatever a page claims."""
    speed = PrefillSpeed()
    zeros: dict[str, Any] = dict.fromkeys(Step.__dataclass_fields__, 0.0) | {"seconds": 5.0}
    for computed, prefilled, seconds, passes, waited in looks:
        known = {"computed": computed, "prefilled": prefilled, "prefill_seconds": seconds, "passes": passes}
        speed.learn(Step(**zeros | known | {"waited": waited}))
    told = speed.tokens_per_second

    assert told is None or 0.0 <= told < float("inf")


def test_what_was_learned_goes_through_a_file(make_step: MakeStep) -> None:
    """Both kinds of looks with their counts, as JSON."""
    before, after = PrefillSpeed(), PrefillSpeed()
    for step in [make_step(**ALONE)] * 3 + [make_step(**BUSY)] * 2:
        before.learn(step)
    after.recall(json.loads(json.dumps(before.memory())))
    for speed in (before, after):
        speed.learn(make_step(**BUSY))

    assert before.tokens_per_second == after.tokens_per_second
    assert 9800.0 == pytest.approx(after.tokens_per_second)


Live = Callable[..., EngineWatch]


@pytest.fixture
def live(make_reading: MakeReading) -> Live:
    """Let an engine prefill a prompt of 2,000 tokens in 0.2 s each second, read every five; cold it takes 0.8 s."""

    def live(until: float, started: float | None = None, restarts: float | None = None) -> EngineWatch:
        watch = EngineWatch("0", horizon=60.0)
        for at in range(0, int(until) + 1, 5):
            cold = restarts is not None and at >= restarts
            prompts = at - (restarts or 0.0) if cold else 1000.0 + at
            prefilled = Histogram((), (), (0.8 if cold else 0.2) * prompts, float(prompts))
            passes = Histogram((), (), 2000.0 * prompts, float(prompts))
            reading = make_reading(
                float(at), prefill_time=prefilled, iteration_tokens=passes, prompt_tokens_computed=2000.0 * prompts
            )
            born = restarts if cold and started is not None else started
            watch.push(reading, EngineFacts(), Thresholds(), started=born)
        return watch

    return live


def test_a_process_that_just_started_counts_only_while_nothing_else_is_known(make_step: MakeStep) -> None:
    """Its first passes compile and warm up: four times slower is better than nothing, and forgotten at once."""
    speed = PrefillSpeed()
    speed.learn(make_step(computed=2000.0, prefilled=1.0, prefill_seconds=0.8), young=True)
    assert 2500.0 == pytest.approx(speed.tokens_per_second)

    speed.learn(make_step(computed=2000.0, prefilled=1.0, prefill_seconds=0.2))
    assert 10_000.0 == pytest.approx(speed.tokens_per_second)


def test_a_process_is_believed_once_it_is_warm(live: Live) -> None:
    """Half a minute after it began."""
    assert 10_000.0 == pytest.approx(live(WARM_UP_SECONDS + 10.0, started=0.0).speed.tokens_per_second, rel=0.1)


def test_a_process_that_does_not_tell_its_start_is_not_taken_for_young(live: Live) -> None:
    """Two pages are enough."""
    assert 10_000.0 == pytest.approx(live(5.0).speed.tokens_per_second, rel=0.1)


@pytest.mark.parametrize("told", [True, False])
def test_a_restart_does_not_touch_what_was_learned(live: Live, told: bool) -> None:
    """Counters that fall give no step, and slow passes after them teach nothing, whether the start is told or not."""
    watch = live(120.0, started=-1000.0 if told else None, restarts=100.0)

    assert 20.0 == watch.age
    assert 10_000.0 == pytest.approx(watch.speed.tokens_per_second, rel=0.1)
    assert live(100.0, restarts=100.0).step is None
