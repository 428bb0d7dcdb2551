"""The advice of one service from tick to tick, and what of it outlasts pdwatch itself."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from pdwatch.catalog.thresholds import Thresholds
from pdwatch.judge.advice import Advisor, Limits, ServiceLimits
from pdwatch.judge.judge import Judge
from pdwatch.model.judgement import Action, Advice, Bound
from pdwatch.model.snapshot import ServiceSignals, WorkerState
from pdwatch.model.target import Role

MakeWorker = Callable[..., WorkerState]
MakeService = Callable[..., ServiceSignals]
Signals = Callable[..., ServiceSignals]

EVERY = 5.0
LIMITS = ServiceLimits({Role.PREFILL: Limits(startup=60.0), Role.DECODE: Limits(minimum=2, startup=60.0)})
CALM: Mapping[str, Any] = {"demand": 8_000.0, "arrivals": 400.0, "backlog": 0.0}
SHORT: Mapping[str, Any] = {"demand": 32_000.0, "arrivals": 1600.0, "backlog": 0.0}
"""Of two engines of 10,000 tokens a second each; so many requests that nothing is chance."""


def advised(
    advisor: Advisor, signals: ServiceSignals, begin: float, seconds: float, changes: list[Advice] | None = None
) -> Advice:
    """Return the advice after so many seconds of the same."""
    for tick in range(1, int(seconds / EVERY) + 1):
        now = begin + EVERY * tick
        given = advisor.advise(advisor.measure(signals, now), (), now)
        if changes is not None:
            changes.append(given)
    return given


def test_a_role_that_is_short_for_long_is_scaled(signals: Signals) -> None:
    """Held while it may be a burst, then advised; the pressure of the pool is what the advice rests on."""
    advisor, given = Advisor(Thresholds(), 60.0, LIMITS), []
    advised(advisor, signals(prefill=CALM), 0.0, 300.0)
    last = advised(advisor, signals(prefill=SHORT), 300.0, 240.0, given)

    assert Action.HOLD is given[0].action
    assert Action.SCALE_PREFILL is last.action
    assert (last.prefill.desired or 0) > 2
    assert (Bound.PREFILL_COMPUTE, Role.PREFILL) == (last.bounds[0].bound, last.bounds[0].role)
    assert last.bounds[0].utilization_ratio > 1.5
    assert 540.0 - EVERY * len([one for one in given if one.action is last.action]) < last.since < 540.0


def test_a_pool_shows_the_pressure_that_was_learned(signals: Signals) -> None:
    """Mean demand of a minute over capacity, with its bound; what gauges say gives way."""
    advisor = Advisor(Thresholds(), 60.0, LIMITS)
    measured = advisor.measure(signals(prefill=SHORT, decode=None), EVERY)

    assert (measured.pools[Role.PREFILL].pressure_ratio or 0.0) > 1.6
    assert "prefill compute" == measured.pools[Role.PREFILL].pressure_bound
    assert signals().pools[Role.DECODE].pressure_ratio == measured.pools[Role.DECODE].pressure_ratio


def test_where_nothing_was_learned_gauges_are_left_as_they_are(signals: Signals) -> None:
    """An engine that lacks the metrics is judged all the same."""
    bare = signals(prefill=None, decode=None)

    assert bare is Advisor(Thresholds(), 60.0, LIMITS).measure(bare, EVERY)


def test_a_change_of_configuration_counts_from_the_next_tick(signals: Signals) -> None:
    """A maximum that was lowered, without forgetting what was seen."""
    advisor = Advisor(Thresholds(), 60.0, LIMITS)
    advised(advisor, signals(prefill=CALM), 0.0, 300.0)
    assert Action.SCALE_PREFILL is advised(advisor, signals(prefill=SHORT), 300.0, 240.0).action

    advisor.configure(
        Thresholds(), 60.0, ServiceLimits({Role.PREFILL: Limits(maximum=2), Role.DECODE: Limits(minimum=2)})
    )
    held = advised(advisor, signals(prefill=SHORT), 540.0, 30.0)
    assert Action.HOLD is held.action
    assert "the pool is at its maximum of 2" in held.reason


@pytest.fixture
def kept(signals: Signals) -> dict[str, Any]:
    """What an advisor that scales prefill keeps, as a file has it."""
    advisor = Advisor(Thresholds(), 60.0, LIMITS)
    advised(advisor, signals(prefill=CALM), 0.0, 300.0)
    advised(advisor, signals(prefill=SHORT), 300.0, 240.0)
    data: dict[str, Any] = json.loads(json.dumps(advisor.memory()))
    return data


def test_advice_stands_over_a_restart(signals: Signals, kept: dict[str, Any]) -> None:
    """The first tick knows no rates: the action stays, and how many replicas is not said until it is known again."""
    advisor, given = Advisor(Thresholds(), 60.0, LIMITS), []
    advisor.recall(kept)
    before = advisor.decisions.kept
    advised(advisor, signals(prefill=None, decode=None), 545.0, EVERY, given)
    advised(advisor, signals(prefill=SHORT), 550.0, 30.0, given)

    assert {Action.SCALE_PREFILL} == {advice.action for advice in given}
    assert (None, None) == (given[0].prefill.desired, given[0].decode.desired)
    assert (given[1].prefill.desired or 0) > 2
    assert before == advisor.decisions.kept
    assert {before[-1].at} == {advice.since for advice in given}


def test_advice_of_long_ago_does_not_stand(signals: Signals, kept: dict[str, Any]) -> None:
    """Where demand was too old to be kept, decisions are history and nothing more."""
    advisor = Advisor(Thresholds(), 60.0, LIMITS)
    advisor.recall(kept | {"demand": {}})
    given = advised(advisor, signals(prefill=None, decode=None), 90_000.0, EVERY)

    assert Action.HOLD is given.action
    assert kept["decisions"][0]["at"] == advisor.decisions.kept[0].at
    assert Action.HOLD is advisor.decisions.kept[-1].action


def test_what_is_kept_is_bounded(signals: Signals) -> None:
    """After three hours of ticks as little as after one: half an hour of demand and twenty decisions."""
    advisor = Advisor(Thresholds(), 60.0, LIMITS)
    sizes = []
    for hour in range(3):
        advised(advisor, signals(prefill=CALM), 3600.0 * hour, 3600.0)
        sizes.append(len(json.dumps(advisor.memory())))

    assert sizes[2] < 1.2 * sizes[0]
    assert sizes[2] < 100_000


@pytest.mark.parametrize(
    "changed",
    [
        {"decisions": {}},
        {"demand": []},
        {"demand": {"prefill": 1}},
        {"demand": {"decode": [["x"]]}},
        {"decisions": [1]},
    ],
)
def test_a_memory_of_something_else_is_refused(kept: dict[str, Any], changed: dict[str, Any]) -> None:
    """In a way that the reader of the file expects."""
    with pytest.raises((TypeError, ValueError)):
        Advisor(Thresholds(), 60.0, LIMITS).recall(kept | changed)


def test_gauges_do_not_ask_again_for_replicas_that_start(worker: MakeWorker, service: MakeService) -> None:
    """Decode is full and its capacity not known; two of its four replicas have never answered."""
    full = {"kv_cache_usage_ratio": 0.98, "requests_waiting": 4.0, "requests_running": 4.0}
    serving = [worker(Role.DECODE, f"d{n}", engine=full) for n in range(2)]
    silent = {"up": False, "age_seconds": None, "health": None, "engines": ()}
    starting = [worker(Role.DECODE, f"d{n}", **silent) for n in (2, 3)]
    before, after = (
        Judge(Thresholds(), 60.0, ServiceLimits()).judge(service([worker(Role.PREFILL), *serving, *more]), 100.0).advice
        for more in ([], starting)
    )

    assert (Action.SCALE_DECODE, 4) == (before.action, before.decode.desired)
    assert (Action.HOLD, 4) == (after.action, after.decode.desired)
    assert after.reason.endswith("2 more decode replicas are starting.")
