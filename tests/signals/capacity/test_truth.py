"""What is learned from the pages of the simulated fleet, against what its engines can do in truth."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import pytest

from benchmarks.judging.score import Objective
from benchmarks.judging.watch import SERVICE, TICK_SECONDS, Watcher
from pdwatch.demo.model import Fleet, FleetSpec, Load, Performance, Phase, PoolSpec
from pdwatch.model.capacity import StepTime
from pdwatch.model.snapshot import ServiceState
from pdwatch.model.target import Role
from pdwatch.signals.capacity.step_time import StepTimeModel

FAST = Performance()
SLOW = Performance(per_token=120e-6, attention=5e-9, alpha=0.025, beta=2e-4, gamma=6e-8)
AMPLE = PoolSpec(workers=8, kv_blocks=10**7)
AMPLE_TWO = PoolSpec(2, kv_blocks=40_000)
HARDWARE = pytest.mark.parametrize("performance", [FAST, SLOW], ids=["fast", "slow"])


def watched(spec: FleetSpec, seconds: float) -> tuple[ServiceState, Watcher]:
    """Watch a fleet for so many simulated seconds."""
    fleet, watcher = Fleet(spec, 1), Watcher(Objective(ttft=4.0, tpot=0.08))
    for tick in range(1, int(seconds / TICK_SECONDS) + 1):
        service = watcher.advance(fleet, tick * TICK_SECONDS)
    assert service is not None
    return service, watcher


def step_time(watcher: Watcher) -> StepTime:
    """Return the model of a decode step that was learned."""
    model = StepTimeModel()
    model.recall(watcher._road.memory()[SERVICE]["step_time"])
    found = model.fit()
    assert found is not None
    return found


@cache
def flat_out(performance: Performance, tokens: float) -> float:
    """Return the prompt tokens a second that an engine computes which never idles and never lacks a block."""
    spec = FleetSpec(Load.steady(50.0, tokens, 20), replace(AMPLE, workers=1), AMPLE, performance)
    fleet = Fleet(spec, 1)
    fleet.run_until(20.0)
    meters = fleet.workers["prefill-0"].engines[0].meters.values
    before = meters["prompt_tokens_by_source/local_compute"]
    fleet.run_until(120.0)
    return (meters["prompt_tokens_by_source/local_compute"] - before) / 100.0


@HARDWARE
@pytest.mark.parametrize("tokens", [2000.0, 3500.0])
@pytest.mark.parametrize("use", [0.3, 0.6, 0.9, 1.05, 1.2])
def test_the_speed_of_prefill_is_learned_at_any_use(performance: Performance, tokens: float, use: float) -> None:
    """From a third of what it can do to a fifth more, each engine's own speed is within 10 %."""
    truth = flat_out(performance, tokens)
    load = Load.steady(2 * use * truth / (0.95 * tokens), tokens, 20)
    service, _ = watched(FleetSpec(load, decode=AMPLE, performance=performance), 120.0)
    speeds = [e.prefill_tokens_per_second for w in service.workers if w.role is Role.PREFILL for e in w.engines]

    assert [pytest.approx(truth, rel=0.1)] * 2 == speeds


def test_prefill_that_lacks_blocks_is_not_taken_for_slow() -> None:
    """Its KV stays pinned since decode is full: a queue stands, the engine idles, and its speed is what it was."""
    load = Load.steady(12.0, 2000, 400)
    spec = FleetSpec(load, PoolSpec(kv_blocks=4_000), PoolSpec(kv_blocks=6_000))
    service, _ = watched(spec, 180.0)
    prefill = service.pools[Role.PREFILL]
    speeds = [e.prefill_tokens_per_second or 0.0 for w in service.workers if w.role is Role.PREFILL for e in w.engines]

    assert (prefill.requests_waiting or 0.0) > 10.0
    assert (prefill.computed_tokens_per_second or 0.0) < 0.7 * 2 * flat_out(FAST, 2000.0)
    assert all(speed > 0.85 * flat_out(FAST, 2000.0) for speed in speeds)


@HARDWARE
def test_each_part_of_a_decode_step_is_learned_where_the_mix_varies(performance: Performance) -> None:
    """Long prompts and short ones, few and many: base, requests and tokens of KV are within 10 % of the truth."""
    mixes = ((3, 2500, 150), (16, 300, 250), (6, 3000, 200), (20, 200, 150), (8, 2500, 150), (1, 1000, 200))
    load = Load(phases=tuple(Phase(60.0 * index, *mix) for index, mix in enumerate(mixes)))
    _, watcher = watched(FleetSpec(load, PoolSpec(3, kv_blocks=40_000), AMPLE_TWO, performance), 360.0)
    found = step_time(watcher)

    assert performance.alpha == pytest.approx(found.base, rel=0.1)
    assert performance.beta == pytest.approx(found.per_request, rel=0.1)
    assert performance.gamma == pytest.approx(found.per_token, rel=0.1)


def test_a_steady_mix_tells_how_long_a_step_takes_at_other_loads() -> None:
    """Requests and their tokens rise together, so that one stands for the other: what counts is the step."""
    load = Load(phases=tuple(Phase(60.0 * index, rate, 1500, 300) for index, rate in enumerate((2, 10, 5, 14))))
    _, watcher = watched(FleetSpec(load, decode=AMPLE_TWO), 240.0)
    found = step_time(watcher)

    for batch in (5, 50, 100):
        truth = FAST.alpha + (FAST.beta + FAST.gamma * 1700) * batch
        assert truth == pytest.approx(found.base + found.slope(1700.0) * batch, rel=0.1)


def test_a_pool_that_became_slow_is_learned_anew() -> None:
    """Every decode worker takes twice as long from second 120 on; three minutes later the model says so."""
    fleet, watcher = Fleet(FleetSpec(Load.steady(8.0, 1500, 300), decode=AMPLE_TWO), 1), Watcher(Objective())
    models = []
    for tick in range(1, 61):
        if tick == 24:
            models.append(step_time(watcher))
            for worker in ("decode-0", "decode-1"):
                fleet.slow(worker, 2.0)
        watcher.advance(fleet, tick * TICK_SECONDS)
    models.append(step_time(watcher))
    fast, slow = (model.base + model.slope(1700.0) * 40 for model in models)

    assert 2.0 == pytest.approx(slow / fast, rel=0.15)
