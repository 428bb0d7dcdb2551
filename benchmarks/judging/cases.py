"""The cases of the diagnosis: a fleet sized so that each role is needed, and what befalls it, all drawn by seed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from random import Random

from benchmarks.judging.capacity import capacity
from benchmarks.judging.score import Objective
from benchmarks.judging.watch import Damage
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
    Role,
    plan_fault,
)
from pdwatch.model.judgement import Action

ONSET = 240.0
AFTER = 300.0
"""Seconds for which a case is watched after its onset."""
OBJECTIVE = Objective(ttft=4.0, tpot=0.08)


@dataclass(frozen=True, slots=True)
class Case:
    """One fleet and its story. Times are simulated seconds."""

    kind: str
    seed: int
    meant: frozenset[Action]
    """What it was made for; the label is found by trying, not taken from here."""
    spec: FleetSpec
    decide: float
    """When the question is put."""
    startup: float
    faults: tuple[Fault, ...] = ()
    full_budget: bool = False
    """No GPU is left for more workers; the limits of both pools say so."""
    damage: Damage = field(default_factory=Damage)

    def fleet(self) -> Fleet:
        """Return the fleet at second 0 with its faults planned."""
        fleet = Fleet(self.spec, self.seed)
        for fault in self.faults:
            plan_fault(fleet, fault)
        return fleet


@dataclass(frozen=True, slots=True)
class Ground:
    """A fleet before anything happens to it: its spec without a load, and the mix that it is sized for."""

    spec: FleetSpec
    mix: Phase

    def load(self, *later: Phase, **options: float) -> Load:
        """Return the load of the mix, and of *later* phases from their times on."""
        return Load(phases=(self.mix, *later), **options)  # type: ignore[arg-type]

    def after(self, rate: float = 1.0, tokens_in: float = 1.0, tokens_out: float = 1.0, at: float = ONSET) -> Phase:
        """Return the mix times these factors from *at* on."""
        mix = self.mix
        return Phase(at, mix.rate * rate, mix.input_tokens * tokens_in, mix.output_tokens * tokens_out)


def tight_use(workers: int) -> float:
    """Return a use of capacity at which *workers* do well and one fewer does not."""
    return max(0.6, 1.06 * (workers - 1) / workers)


def mix_for(spec: FleetSpec, workers: tuple[int, int], tokens_in: float, uses: tuple[float, float]) -> Phase:
    """Return the mix with prompts of *tokens_in* that uses so much of so many (prefill, decode) workers.

    The rate follows from prefill, the length of answers from decode.
    """
    able = capacity(spec, Phase(0.0, 1.0, tokens_in, 100.0), OBJECTIVE)
    rate = workers[0] * able.prefill * uses[0]
    low, high = 4.0, 6000.0
    for _ in range(40):
        middle = (low + high) / 2
        able = capacity(spec, Phase(0.0, rate, tokens_in, middle), OBJECTIVE)
        low, high = (middle, high) if workers[1] * able.decode * uses[1] > rate else (low, middle)
    return Phase(0.0, rate, tokens_in, low)


def ground(draw: Random, least: int = 2, most: int = 3, use: float | None = None) -> Ground:
    """Draw hardware, prompts and a fleet, and size its load to be tight, or to *use* of both roles."""
    workers = draw.randint(least, most), draw.randint(least, most)
    performance = Performance(
        per_token=draw.uniform(80e-6, 160e-6),
        attention=draw.uniform(2e-9, 8e-9),
        alpha=draw.uniform(0.018, 0.030),
        beta=draw.uniform(1.0e-4, 2.2e-4),
        gamma=draw.uniform(3e-8, 8e-8),
    )
    spec = FleetSpec(
        load=Load(),
        prefill=PoolSpec(workers=workers[0], gpus=1, kv_blocks=draw.choice((12_000, 18_000))),
        decode=PoolSpec(workers=workers[1], gpus=1, kv_blocks=draw.choice((9_000, 14_000, 30_000))),
        performance=performance,
        policy=draw.choice(tuple(Policy)),
    )
    uses = (use or tight_use(workers[0]), use or tight_use(workers[1]))
    return Ground(spec, mix_for(spec, workers, draw.uniform(1500.0, 3500.0), uses))


Made = tuple[FleetSpec, float, dict[str, object]]
"""What a maker returns: the spec with its load, when to ask, and the fields of the case that differ."""


def _more_prompts(draw: Random) -> Made:
    """More and shorter-answered requests: prefill's work grows, decode's does not."""
    base, more = ground(draw), draw.uniform(1.35, 1.9)
    return replace(base.spec, load=base.load(base.after(rate=more, tokens_out=1 / more))), 120.0, {}


def _longer_answers(draw: Random) -> Made:
    base = ground(draw)
    return replace(base.spec, load=base.load(base.after(tokens_out=draw.uniform(1.45, 2.2)))), 120.0, {}


def _masked(draw: Random) -> Made:
    """Decode fills up and the KV that it does not take fills prefill, whose queue then grows."""
    base = ground(draw)
    prefill = replace(base.spec.prefill, kv_blocks=draw.choice((2500, 3500)))
    spec = replace(base.spec, prefill=prefill, load=base.load(base.after(tokens_out=draw.uniform(1.8, 2.6))))
    return spec, 120.0, {}


def _shift(draw: Random, towards: int) -> Made:
    """The mix flips to one that fits the same GPUs split otherwise."""
    base = ground(draw, least=3, most=3)
    split = base.spec.prefill.workers + towards, base.spec.decode.workers - towards
    uses = tight_use(split[0]), tight_use(split[1])
    tokens_in = base.mix.input_tokens * (1.25 if towards > 0 else 0.9)
    later = replace(mix_for(base.spec, split, tokens_in, uses), at=ONSET)
    return replace(base.spec, load=base.load(later)), 120.0, {"full_budget": True}


def _less(draw: Random) -> Made:
    base = ground(draw, least=3, most=4)
    return replace(base.spec, load=base.load(base.after(rate=draw.uniform(0.35, 0.5)))), 290.0, {}


def _hot(draw: Random) -> Made:
    """One worker gets several times its share while the pool has room."""
    base = ground(draw, least=3, most=3, use=0.55)
    name = f"{draw.choice(tuple(Role))}-{draw.randrange(3)}"
    fault = Fault(Do.WEIGHT, name, draw.uniform(5.0, 8.0), ONSET)
    spec = replace(base.spec, policy=Policy.ROUND_ROBIN, load=base.load())
    return spec, 120.0, {"faults": (fault,)}


def _slow(draw: Random) -> Made:
    """One worker computes at less than half its speed, and gets its share all the same."""
    base = ground(draw, least=3, most=3, use=0.6)
    fault = Fault(Do.SLOW, f"{draw.choice(tuple(Role))}-{draw.randrange(3)}", draw.uniform(2.2, 3.0), ONSET)
    spec = replace(base.spec, policy=Policy.ROUND_ROBIN, load=base.load())
    return spec, 120.0, {"faults": (fault,)}


def _slow_links(draw: Random) -> Made:
    """The links carry less than the KV that has to move."""
    base = ground(draw)
    moved = base.mix.rate * base.mix.input_tokens * base.spec.network.kv_bytes_per_token
    busiest = moved / min(base.spec.prefill.workers, base.spec.decode.workers)
    factor = busiest / base.spec.network.bytes_per_second / draw.uniform(1.1, 1.6)
    return replace(base.spec, load=base.load()), 120.0, {"faults": (Fault(Do.BANDWIDTH, "", factor, ONSET),)}


def _failing_links(draw: Random) -> Made:
    base = ground(draw)
    fault = Fault(Do.FAIL_TRANSFERS, "", draw.uniform(0.05, 0.4), ONSET)
    return replace(base.spec, load=base.load()), 120.0, {"faults": (fault,)}


def _noise(draw: Random) -> Made:
    base = ground(draw)
    return replace(base.spec, load=base.load(input_sigma=0.7, output_sigma=0.8)), 120.0, {}


def _burst(draw: Random) -> Made:
    """Over before a new worker would serve."""
    base, length = ground(draw), draw.uniform(25.0, 40.0)
    burst = base.after(rate=draw.uniform(1.7, 2.2)), base.after(at=ONSET + length)
    return replace(base.spec, load=base.load(*burst)), length, {"startup": 120.0}


def _cold(draw: Random) -> Made:
    """A worker has been replaced and runs its first passes."""
    base = ground(draw)
    fault = Fault(Do.RESTART, f"{draw.choice(tuple(Role))}-0", 1.0, ONSET)
    return replace(base.spec, load=base.load()), 20.0, {"faults": (fault,)}


def _gap(draw: Random) -> Made:
    """The pages of a worker time out for a minute; the worker is well."""
    base = ground(draw)
    absent = {f"{draw.choice(tuple(Role))}-0": (ONSET, ONSET + 60.0)}
    return replace(base.spec, load=base.load()), 40.0, {"damage": Damage(absent=absent)}


def _full(draw: Random) -> Made:
    """Both roles are too small and there is no GPU left."""
    base = ground(draw)
    uses = [tight_use(pool.workers) for pool in (base.spec.prefill, base.spec.decode)]
    over = draw.uniform(1.03, 1.12)
    later = base.after(rate=over / uses[0], tokens_out=uses[0] / uses[1])
    return replace(base.spec, load=base.load(later)), 120.0, {"full_budget": True}


KINDS: dict[str, tuple[frozenset[Action], Callable[[Random], Made]]] = {
    "add prefill": (frozenset({Action.SCALE_PREFILL}), _more_prompts),
    "add decode": (frozenset({Action.SCALE_DECODE}), _longer_answers),
    "add decode, masked": (frozenset({Action.SCALE_DECODE}), _masked),
    "shift to prefill": (frozenset({Action.SHIFT_TO_PREFILL}), lambda draw: _shift(draw, 1)),
    "shift to decode": (frozenset({Action.SHIFT_TO_DECODE}), lambda draw: _shift(draw, -1)),
    "remove": (frozenset({Action.SCALE_IN_PREFILL, Action.SCALE_IN_DECODE}), _less),
    "rebalance": (frozenset({Action.REBALANCE}), _hot),
    "rebalance or fix, slow": (frozenset({Action.REBALANCE, Action.FIX}), _slow),
    "fix, slow links": (frozenset({Action.FIX}), _slow_links),
    "fix, failing links": (frozenset({Action.FIX}), _failing_links),
    "hold, noise": (frozenset({Action.HOLD}), _noise),
    "hold, burst": (frozenset({Action.HOLD}), _burst),
    "hold, cold start": (frozenset({Action.HOLD}), _cold),
    "hold, scrape gap": (frozenset({Action.HOLD}), _gap),
    "hold, budget full": (frozenset({Action.HOLD}), _full),
}
"""By name, what each kind is made for and how one is drawn."""


def make_case(kind: str, seed: int) -> Case:
    """Draw one case; the same kind and seed give the same case.

    Every case reads pages up to a second early and loses 2 % of them; a third have a worker restarted well before the
    onset, another third one whose pages time out for a minute somewhere.
    """
    draw = Random(f"{kind} {seed}")
    meant, maker = KINDS[kind]
    spec, offset, fields = maker(draw)
    case = Case(kind, seed, meant, spec, ONSET + 5.0 * round(offset / 5.0), draw.choice((30.0, 60.0, 90.0)))
    case = replace(case, **fields)  # type: ignore[arg-type]
    absent, faults = dict(case.damage.absent or {}), case.faults
    victim, accident = f"{draw.choice(tuple(Role))}-1", draw.randrange(3)
    if accident == 0:
        faults = (*faults, Fault(Do.RESTART, victim, 1.0, draw.uniform(100.0, 140.0)))
    elif accident == 1 and not absent:
        begin = draw.uniform(60.0, ONSET + AFTER - 60.0)
        absent[victim] = (begin, begin + 60.0)
    damage = Damage(jitter=1.0, dropped=0.02, absent=absent, seed=seed)
    return replace(case, damage=damage, faults=faults)
