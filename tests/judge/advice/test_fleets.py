"""The advice on simulated fleets, from pages to the end: named when it is due, silent when it is not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from benchmarks.judging.loop import Orchestrator
from benchmarks.judging.policies.base import Desired
from benchmarks.judging.score import Objective, attainment
from benchmarks.judging.watch import SERVICE, TICK_SECONDS, Damage, Watcher
from pdwatch.demo import SCENARIOS
from pdwatch.demo.model import (
    Do,
    Fault,
    Fleet,
    FleetSpec,
    Load,
    Performance,
    Phase,
    Policy,
    PoolSpec,
    State,
    Worker,
    plan_fault,
)
from pdwatch.demo.model import Role as Side
from pdwatch.judge.advice import Limits, ServiceLimits
from pdwatch.model.judgement import Action, Outcome, Replicas
from pdwatch.model.snapshot import ServiceState
from pdwatch.model.target import Role

OBJECTIVE = Objective(ttft=4.0, tpot=0.08)
SLOW = Performance(per_token=200e-6, alpha=0.03)
"""A prefill worker computes some 2.3 prompts of 2,000 tokens a second."""
POOL = PoolSpec(workers=2, gpus=1, kv_blocks=1500)
"""Of 24,000 tokens of KV: a decode worker holds some 11 requests of 2,000 tokens."""
CALM = Phase(0.0, 2.5, 2000, 120)


def spec(*later: Phase, prefill: int = 2, decode: int = 2, first: Phase = CALM) -> FleetSpec:
    """Return a small fleet whose load is calm until *later*."""
    return FleetSpec(Load(phases=(first, *later)), replace(POOL, workers=prefill), replace(POOL, workers=decode), SLOW)


def limits(startup: float = 60.0, **options: int | None) -> ServiceLimits:
    """Return a start-up of both roles, and a GPU budget."""
    pools = {role: Limits(startup=startup) for role in (Role.PREFILL, Role.DECODE)}
    return ServiceLimits(pools, **options)  # type: ignore[arg-type]


def watch(
    fleet: Fleet,
    seconds: float,
    allowed: ServiceLimits | None = None,
    objective: Objective = OBJECTIVE,
    damage: Damage | None = None,
) -> list[ServiceState]:
    """Return what is known of a fleet at each tick."""
    watcher = Watcher(objective, limits=allowed or limits(), damage=damage)
    looks = (watcher.advance(fleet, tick * TICK_SECONDS) for tick in range(1, int(seconds / TICK_SECONDS) + 1))
    return [look for look in looks if look is not None]


def said(states: Sequence[ServiceState], begin: float = 0.0) -> set[Action]:
    """Return the actions advised from a second on."""
    return {state.advice.action for state in states[int(begin / TICK_SECONDS) :]}


def scenario(name: str, seconds: float) -> list[ServiceState]:
    """Watch one of the demo's scenarios."""
    return watch(SCENARIOS[name].fleet(seed=1), seconds, limits(120.0), Objective(ttft=2.0, tpot=0.05))


def test_prefill_that_is_too_small_is_scaled() -> None:
    """Long prompts and short answers: prefill, and nothing else, as many replicas as its demand takes."""
    states = scenario("prefill_bound", 240.0)
    advice = states[-1].advice

    assert said(states) <= {Action.HOLD, Action.CANNOT_TELL, Action.SCALE_PREFILL}
    assert {Action.SCALE_PREFILL} == said(states, 120.0)
    assert 4 <= (advice.prefill.desired or 0) <= 6
    assert advice.decode.desired == advice.decode.current
    assert advice.confidence > 0.9


def test_decode_that_is_too_small_is_scaled() -> None:
    """Long answers: decode grows, by replicas of its own or lent ones."""
    states = scenario("decode_bound", 240.0)
    advice = states[-1].advice

    assert said(states) <= {Action.HOLD, Action.SCALE_DECODE, Action.SHIFT_TO_DECODE}
    assert (advice.decode.desired or 0) >= 4
    assert Action.HOLD not in said(states, 90.0)


def test_a_full_decode_that_backs_up_prefill_is_not_taken_for_a_lack_of_prefill() -> None:
    """Prompts queue on prefill since nobody takes their KV: decode is scaled at any tick, prefill at none."""
    states = scenario("decode_full_backs_up_prefill", 240.0)

    assert said(states) <= {Action.HOLD, Action.SCALE_DECODE}
    assert {Action.SCALE_DECODE} == said(states, 60.0)
    assert {state.advice.prefill.desired for state in states} == {2}
    assert (states[-1].pools[Role.PREFILL].requests_waiting or 0.0) > 5.0


def test_with_no_gpu_left_a_replica_changes_roles() -> None:
    """The mix flips to short prompts and long answers; six GPUs are in use and there are six."""
    flipped = spec(Phase(180.0, 4.0, 700, 500), prefill=3, decode=3, first=Phase(0.0, 4.3, 2000, 110))
    states = watch(Fleet(flipped, 1), 330.0, limits(gpu_budget=6))
    asked = {(s.advice.prefill.desired, s.advice.decode.desired) for s in states[48:]} - {(3, 3)}

    assert said(states[:36]) == {Action.HOLD}
    assert Action.SHIFT_TO_DECODE is states[-1].advice.action
    assert said(states) <= {Action.HOLD, Action.SHIFT_TO_DECODE}
    assert asked <= {(2, 4), (1, 5)}


def test_with_no_gpu_left_and_nobody_to_lend_it_holds_and_says_what_is_short() -> None:
    """Both roles are too small."""
    both = spec(Phase(120.0, 6.5, 2000, 120))
    advice = watch(Fleet(both, 1), 300.0, limits(gpu_budget=4))[-1].advice

    assert Action.HOLD is advice.action
    assert "short: 4 of 4 GPUs are in use" in advice.reason


def test_replicas_that_nobody_needs_are_given_back_one_role_at_a_time() -> None:
    """Four of each for the load of two: some go, after minutes, and never below what the load takes."""
    states = watch(Fleet(spec(prefill=4, decode=4), 1), 420.0)
    removals = {Action.SCALE_IN_PREFILL, Action.SCALE_IN_DECODE}

    assert {Action.HOLD} == said(states[:36])
    assert states[-1].advice.action in removals
    assert all(2 <= (r.desired or 0) for state in states for r in (state.advice.prefill, state.advice.decode))


def test_a_worker_that_gets_too_much_is_no_lack_of_replicas() -> None:
    """The router sends decode-0 six times its share; three workers would bear it evenly spread."""
    hot = replace(spec(prefill=2, decode=3, first=Phase(0.0, 3.2, 2000, 130)), policy=Policy.ROUND_ROBIN)
    fleet = Fleet(hot, 1)
    plan_fault(fleet, Fault(Do.WEIGHT, "decode-0", 6.0, 180.0))
    states = watch(fleet, 300.0)

    assert Action.REBALANCE is states[-1].advice.action
    assert said(states) <= {Action.HOLD, Action.REBALANCE}


def test_a_burst_that_is_over_before_a_replica_serves_is_held() -> None:
    """Twice the requests for half a minute; a replica takes two. What is held is told while it lasts."""
    burst = spec(Phase(240.0, 5.0, 2000, 120), Phase(270.0, 2.5, 2000, 120))
    states = watch(Fleet(burst, 1), 480.0, limits(120.0))
    reasons = {state.advice.reason for state in states[48:60]}

    assert {Action.HOLD} == said(states)
    assert any("A new replica takes 2 min" in reason or "after a burst" in reason for reason in reasons)


@pytest.mark.parametrize(
    ("seconds", "damage"),
    [(3600.0, Damage()), (1500.0, Damage(jitter=1.0, dropped=0.02, seed=1))],
    ids=["an hour", "pages late or lost"],
)
def test_a_healthy_fleet_is_silent(seconds: float, damage: Damage) -> None:
    """Two replicas of each role, used to about 60 %: it holds at each tick, and there is one decision, to hold."""
    states = watch(Fleet(spec(first=Phase(0.0, 2.7, 2000, 120)), 3), seconds, damage=damage)

    assert {Action.HOLD} == said(states)
    assert 1 == len(states[-1].decisions)
    assert 0.3 < states[-1].advice.bounds[0].utilization_ratio < 0.9


class ListsAll(Watcher):
    """Discovery that names workers as soon as they are asked for, as where pods are listed before they serve."""

    def advance(self, fleet: Fleet, tick: float) -> ServiceState | None:
        """Look at every worker; one that is starting refuses connections."""
        fleet.run_until(tick)
        listed = [worker for side in Side for worker in _there(fleet, side)]
        for worker in listed:
            self._road.observe(self._scrape(fleet, worker))
        self._road.keep([self._scrape(fleet, worker).target for worker in listed])
        return self._road.tick(fleet.epoch + tick).services.get(SERVICE)


def _there(fleet: Fleet, side: Side) -> list[Worker]:
    return [worker for worker in fleet.of_role(side) if worker.state in (State.UP, State.STARTING)]


def _followed(asked: Replicas, there: int) -> int:
    """Return the replicas to set: what is asked for, and never fewer while some of them are starting."""
    if asked.desired is None or asked.desired == asked.current:
        return there
    return max(asked.desired, there) if asked.desired > asked.current else asked.desired


@pytest.mark.parametrize("watcher", [Watcher, ListsAll], ids=["listed once they serve", "listed while they start"])
def test_advice_that_is_followed_settles(watcher: type[Watcher]) -> None:
    """The load doubles for good: what was asked for comes, is asked for once, and is what it takes."""
    fleet = Fleet(spec(Phase(180.0, 5.5, 2000, 120)), 1)
    eyes, orchestrator = watcher(OBJECTIVE, limits=limits(60.0)), Orchestrator(fleet, 60.0, most=20)
    there, most = dict.fromkeys(Side, 0), dict.fromkeys(Side, 0)
    for tick in range(1, 181):
        service = eyes.advance(fleet, tick * TICK_SECONDS)
        assert service is not None
        advice = service.advice
        for side, asked in ((Side.PREFILL, advice.prefill), (Side.DECODE, advice.decode)):
            there[side] = _followed(asked, len(_there(fleet, side)))
            most[side] = max(most[side], there[side])
        orchestrator.settle(Desired(there[Side.PREFILL], there[Side.DECODE]))

    assert all(3 <= count <= 7 for count in most.values())
    assert attainment(fleet, OBJECTIVE, 420.0, 840.0) > 0.95
    followed = [decision for decision in service.decisions if decision.outcome is Outcome.FOLLOWED]
    assert followed
    assert all(decision.observed[role] < 1.0 for decision in followed for role in decision.observed)
