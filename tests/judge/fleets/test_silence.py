"""Fleets with which nothing is wrong: whatever they go through, no finding wakes anybody."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from pdwatch.demo.model import Fleet, FleetSpec, Load, Performance, Phase, Policy, PoolSpec, Role, State
from pdwatch.demo.scenarios import SCENARIOS
from pdwatch.judge.findings import FINDINGS

LOAD = Load.steady(rate=8.0, input_tokens=2000, output_tokens=250)
NOISE = replace(LOAD, input_sigma=0.7, output_sigma=0.8)
LATE = Load(phases=(Phase(0.0, 0.0, 2000, 250), Phase(150.0, 8.0, 2000, 250)))


def _fleet(load: Load = LOAD, workers: int = 3, **spec: object) -> Callable[[], Fleet]:
    pools = {"prefill": PoolSpec(workers=workers), "decode": PoolSpec(workers=workers)}
    return lambda: Fleet(FleetSpec(load=load, **(pools | spec)), seed=7)  # type: ignore[arg-type]


def _join(role: Role, startup: float) -> Callable[[Fleet], object]:
    return lambda fleet: fleet.add_worker(role, startup)


def _leave(name: str) -> Callable[[Fleet], object]:
    return lambda fleet: fleet.remove_worker(name)


EVERYONE = frozenset(State) - {State.GONE}
SCALE_OUT = ((120.0, _join(Role.DECODE, 60.0)), (130.0, _join(Role.PREFILL, 70.0)))
STARTING = ((1.0, _join(Role.PREFILL, 100.0)), (1.0, _join(Role.DECODE, 110.0)), (1.0, _join(Role.DECODE, 60.0)))
RESTARTS = ((120.0, lambda fleet: fleet.restart("decode-1")), (240.0, lambda fleet: fleet.restart("prefill-0")))
ROLLING = tuple(
    step
    for n in range(3)
    for step in (
        (100.0 + 100 * n, _join(Role.DECODE, 20.0)),
        (125.0 + 100 * n, _leave(f"decode-{n}")),
        (130.0 + 100 * n, _join(Role.PREFILL, 20.0)),
        (155.0 + 100 * n, _leave(f"prefill-{n}")),
    )
)
COLD = Performance(cold_passes=60, cold_factor=3.0)
EPISODES: dict[str, dict[str, Any]] = {
    "healthy": {"fleet": lambda: SCENARIOS["healthy"].fleet(1), "seconds": 300.0},
    "least loaded": {"fleet": _fleet(policy=Policy.LEAST_LOADED), "seconds": 300.0},
    "noise": {"fleet": _fleet(NOISE), "seconds": 400.0},
    "idle": {"fleet": lambda: SCENARIOS["idle"].fleet(1), "seconds": 200.0},
    "never used": {"fleet": _fleet(Load()), "seconds": 120.0},
    "starting": {"fleet": _fleet(LATE, workers=0), "seconds": 400.0, "done": STARTING, "listed": EVERYONE},
    "growing": {"fleet": _fleet(), "seconds": 400.0, "done": SCALE_OUT, "listed": EVERYONE},
    "draining": {
        "fleet": _fleet(),
        "seconds": 400.0,
        "done": ((120.0, _leave("decode-1")), (200.0, _leave("prefill-2"))),
    },
    "rolling": {"fleet": _fleet(performance=COLD), "seconds": 500.0, "done": ROLLING},
    "restarting": {"fleet": _fleet(), "seconds": 400.0, "done": RESTARTS},
    "late pages": {"fleet": _fleet(), "seconds": 300.0, "silent": {"decode-1": (120.0, 180.0)}},
}
BY_DESIGN = {"late pages": {"worker_stale"}}
"""What is true and told: it makes no advice."""


@pytest.mark.parametrize("finding", [definition.id for definition in FINDINGS])
@pytest.mark.parametrize("episode", EPISODES)
def test_a_fleet_that_is_well_raises_no_alarm(finding: str, episode: str, watch: Callable[..., Any]) -> None:
    """No root above information at any tick."""
    alarms = watch(episode, **EPISODES[episode]).alarms - BY_DESIGN.get(episode, set())

    assert finding not in alarms
