"""The scenarios: a fleet, what happens to it, and the verdict that a good watcher should reach."""

from __future__ import annotations

from dataclasses import dataclass

from pdwatch.demo.agent_page import Sickness
from pdwatch.demo.model import (
    Do,
    Fault,
    Fleet,
    FleetSpec,
    Load,
    Phase,
    PoolSpec,
    plan_fault,
)
from pdwatch.demo.model.fleet import DEFAULT_EPOCH

_HEALTHY = Load.steady(rate=11.0, input_tokens=2000, output_tokens=330)


@dataclass(frozen=True, slots=True)
class Scenario:
    """One fleet and its story."""

    name: str
    description: str
    """One line for people."""
    expected: str
    """The verdict in words: which side is short, what is broken, what to do."""
    spec: FleetSpec
    faults: tuple[Fault, ...] = ()
    agents: bool = False
    """Whether each worker's host has a page of `pdwatch agent`."""
    sick: tuple[Sickness, ...] = ()
    """What these pages show to be wrong."""

    def fleet(self, seed: int, *, epoch: float = DEFAULT_EPOCH, speed: float = 1.0) -> Fleet:
        """A fresh fleet at second 0 with its faults planned."""
        fleet = Fleet(self.spec, seed, epoch=epoch, speed=speed)
        for fault in self.faults:
            plan_fault(fleet, fault)
        return fleet


def _diurnal() -> Load:
    shape = ((0.0, 4.0), (150.0, 11.0), (300.0, 15.0), (450.0, 11.0), (600.0, 4.0))
    return Load(phases=tuple(Phase(at, rate, 2000, 300) for at, rate in shape), smooth=True, period=600.0)


_ALL = (
    Scenario(
        "healthy",
        "both pools about half used, nothing wrong",
        "hold: no finding, no change of capacity",
        FleetSpec(load=_HEALTHY),
    ),
    Scenario(
        "prefill_bound",
        "long prompts and short answers: prompts queue on prefill while decode idles",
        "prefill is the bottleneck: scale prefill",
        FleetSpec(load=Load.steady(rate=11.0, input_tokens=5000, output_tokens=120)),
    ),
    Scenario(
        "decode_bound",
        "long answers: decode fills up, preempts and slows down while prefill has room",
        "decode is the bottleneck: scale decode",
        FleetSpec(load=Load.steady(rate=11.0, input_tokens=1000, output_tokens=900)),
    ),
    Scenario(
        "decode_full_backs_up_prefill",
        "decode has no block free, so KV stays pinned on prefill until prefill cannot admit either",
        "decode is the bottleneck although prompts queue on prefill: scale decode, not prefill",
        FleetSpec(
            load=Load.steady(rate=12.0, input_tokens=2000, output_tokens=400),
            prefill=PoolSpec(kv_blocks=10_000),
            decode=PoolSpec(kv_blocks=6_000),
        ),
    ),
    Scenario(
        "hot_rank",
        "one data-parallel rank of decode gets most of the traffic",
        "rebalance: capacity suffices, engine 2 of decode-0 is overloaded",
        FleetSpec(load=_HEALTHY, decode=PoolSpec(engines=4, kv_blocks=10_000)),
        (Fault(Do.WEIGHT, "decode-0/2", 12.0),),
    ),
    Scenario(
        "slow_worker",
        "decode-1 takes twice as long for every step",
        "rebalance or fix: decode-1 is slow, the pool's capacity would suffice",
        FleetSpec(load=_HEALTHY),
        (Fault(Do.SLOW, "decode-1", 2.0),),
    ),
    Scenario(
        "slow_transfer",
        "the links that carry KV run at a tenth of their bandwidth",
        "fix: KV transfer is slow, both pools have room",
        FleetSpec(load=_HEALTHY),
        (Fault(Do.BANDWIDTH, factor=0.1),),
    ),
    Scenario(
        "failing_transfer",
        "a quarter of the KV transfers fail and their requests end in errors",
        "fix: KV transfers fail",
        FleetSpec(load=_HEALTHY),
        (Fault(Do.FAIL_TRANSFERS, factor=0.25),),
    ),
    Scenario(
        "recompute",
        "decode silently computes the prompts itself, no KV moves",
        "fix: KV is recomputed on decode, the connector is not used",
        FleetSpec(load=Load.steady(rate=5.0, input_tokens=2000, output_tokens=300)),
        (Fault(Do.RECOMPUTE, factor=1.0),),
    ),
    Scenario(
        "decode_dies",
        "decode-1 dies after a minute; KV meant for it stays on prefill until its lease ends",
        "fix: decode-1 is down; the decode that is left is overloaded",
        FleetSpec(load=_HEALTHY),
        (Fault(Do.KILL, "decode-1", at=60.0),),
    ),
    Scenario(
        "sick_hosts",
        "a GPU of decode-1's host is throttled and a link of prefill-1's host runs at half its rate",
        "fix: decode-1 is slow because its GPU is throttled; prefill-1 sends slowly because of a degraded link",
        FleetSpec(load=_HEALTHY),
        (Fault(Do.SLOW, "decode-1", 1.6), Fault(Do.BANDWIDTH, "prefill-1", 0.5)),
        agents=True,
        sick=(Sickness("decode-1", throttled_gpu=2), Sickness("prefill-1", half_rate_port=0)),
    ),
    Scenario(
        "mix_flip",
        "after five minutes the mix flips from long prompts to long answers",
        "first prefill is the tighter side, then decode is the bottleneck: shift to decode",
        FleetSpec(load=Load(phases=(Phase(0.0, 9.0, 3600, 120), Phase(300.0, 9.0, 900, 1100)))),
    ),
    Scenario(
        "diurnal",
        "load swings between a third and nearly all of what the fleet can do, every ten minutes",
        "hold at the trough's end; scale only if the peak misses its objectives",
        FleetSpec(load=_diurnal()),
    ),
    Scenario(
        "idle",
        "twenty seconds of light traffic, then none",
        "hold: nothing to judge, counters are flat",
        FleetSpec(load=Load(phases=(Phase(0.0, 2.0, 1000, 100), Phase(20.0, 0.0, 1000, 100)))),
    ),
)

SCENARIOS: dict[str, Scenario] = {scenario.name: scenario for scenario in _ALL}
