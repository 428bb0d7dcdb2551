"""One case watched from its first page to its last, and what is made of many."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from benchmarks.judging.cases import AFTER, OBJECTIVE, ONSET, Case, make_case
from benchmarks.judging.known import Known
from benchmarks.judging.labels import Candidate, Label, label, try_out
from benchmarks.judging.policies.base import Desired, Policy, View
from benchmarks.judging.policies.dynamo import LATENCY, THROUGHPUT, DynamoLoad
from benchmarks.judging.policies.fixed import Hold
from benchmarks.judging.policies.kubernetes import Hpa, Keda
from benchmarks.judging.policies.wva import WvaV1, WvaV2
from benchmarks.judging.watch import TICK_SECONDS, Watcher
from pdwatch.demo.model import Fleet
from pdwatch.judge.advice import Limits, ServiceLimits
from pdwatch.model.judgement import Action, Advice
from pdwatch.model.target import Role

WARM = 120.0
"""Second from which the advice counts: two windows after the first page."""
DRAWS = 6
"""How often a case is drawn whose label is not what it was made for, before its seed is given up."""
OTHERS: tuple[Callable[[], Policy], ...] = (
    lambda: Hold("always hold"),
    lambda: Hpa("hpa", 2.0),
    lambda: Keda("keda"),
    lambda: WvaV1("wva-v1"),
    lambda: WvaV1("wva-v1-roles", by_role=True),
    lambda: WvaV2("wva-v2"),
    lambda: DynamoLoad("dynamo-throughput", THROUGHPUT),
    lambda: DynamoLoad("dynamo-latency", LATENCY),
)
GROWS = {
    Action.SCALE_PREFILL: Role.PREFILL,
    Action.SHIFT_TO_PREFILL: Role.PREFILL,
    Action.SCALE_DECODE: Role.DECODE,
    Action.SHIFT_TO_DECODE: Role.DECODE,
}


@dataclass(frozen=True, slots=True)
class Answer:
    """What was said at the instant of the question, and what was right."""

    label: Label
    said: Action
    said_by: Mapping[str, Action]
    harm: float


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What was right in one case and what was said."""

    kind: str
    draw: int
    right: Action
    acceptable: frozenset[Action]
    said: Action
    said_by: Mapping[str, Action]
    """Answers of the other rules."""
    detected: float | None
    """Seconds from the onset until the advice was acceptable at two ticks in a row; None where that never
    came, and where holding was right."""
    watched: float
    """Seconds from the second at which the advice counts to the end."""
    alarms: int
    """Times at which an advice to change something began that was not acceptable."""
    turns: int
    """Times at which an action came back after another had taken its place."""
    harm: float
    """Attainment lost against the best by following what was said."""

    @property
    def correct(self) -> bool:
        """Whether what was said is acceptable."""
        return self.said in self.acceptable

    @property
    def role_right(self) -> bool:
        """Whether it is acceptable, or grows the role that it should, whatever is given up for it."""
        return self.correct or any(GROWS.get(self.said) is GROWS.get(action, Role.BOTH) for action in self.acceptable)


def find_label(kind: str, seed: int) -> Known:
    """Draw a case of *kind* until its label is what it was made for; without a draw where none gives one."""
    for draw in range(DRAWS):
        case = make_case(kind, 1000 * seed + draw)
        fleet = case.fleet()
        fleet.run_until(case.decide)
        found = label(case, fleet)
        if found.acceptable & case.meant:
            return Known(kind, seed, draw, found)
    return Known(kind, seed, None)


def diagnose(known: Known) -> Diagnosis | None:
    """Judge the case of a label; None where no draw gave one."""
    if known.draw is None or known.label is None:
        return None
    return watch(make_case(known.kind, 1000 * known.seed + known.draw), known.label, known.draw)


def watch(case: Case, right: Label, draw: int = 0) -> Diagnosis | None:
    """Watch *case*, for which *right* is right, without acting on any advice."""
    fleet, others = case.fleet(), [make() for make in OTHERS]
    watcher = Watcher(OBJECTIVE, limits=_limits(case), damage=case.damage)
    said: list[tuple[float, Action]] = []
    answer: Answer | None = None
    for step in range(1, round((ONSET + AFTER) / TICK_SECONDS) + 1):
        tick = step * TICK_SECONDS
        service = watcher.advance(fleet, tick)
        said.append((tick, service.advice.action if service else Action.CANNOT_TELL))
        wanted = {policy.name: policy.on_tick(View(fleet)) for policy in others}
        if tick == case.decide and service is not None:
            answer = _question(case, fleet, right, service.advice, wanted)
    return None if answer is None else _summed_up(case, draw, answer, said)


def _question(case: Case, fleet: Fleet, found: Label, advice: Advice, wanted: Mapping[str, Desired]) -> Answer:
    done = followed(case, advice)
    known = found.attained.get(done)
    harm = max(0.0, found.best - (try_out(case, fleet, done) if known is None else known))
    current = View(fleet).current
    return Answer(found, advice.action, {name: action_of(current, there) for name, there in wanted.items()}, harm)


def followed(case: Case, advice: Advice) -> Candidate:
    """Return what following *advice* does: nothing where it asks for GPUs that a full budget does not have."""
    prefill, decode = ((role.desired or role.current) - role.current for role in (advice.prefill, advice.decode))
    if case.full_budget and prefill + decode > 0:
        return Candidate(Action.HOLD)
    return Candidate(advice.action, prefill, decode)


def _limits(case: Case) -> ServiceLimits:
    """Return the limits that the advisor is told: the start-up, and where the budget is full the GPUs there are."""
    pools = {Role.PREFILL: case.spec.prefill, Role.DECODE: case.spec.decode}
    limits = {role: Limits(gpus=pool.gpus, startup=case.startup) for role, pool in pools.items()}
    budget = sum(pool.workers * pool.gpus for pool in pools.values()) if case.full_budget else None
    return ServiceLimits(limits, budget)


def action_of(current: Desired, desired: Desired) -> Action:
    """Return the action that a change of replicas amounts to; where both roles move alike, the one that moves more."""
    prefill, decode = desired.prefill - current.prefill, desired.decode - current.decode
    if prefill == decode == 0:
        return Action.HOLD
    if prefill * decode < 0:
        return Action.SHIFT_TO_PREFILL if prefill > 0 else Action.SHIFT_TO_DECODE
    if abs(prefill) > abs(decode):
        return Action.SCALE_PREFILL if prefill > 0 else Action.SCALE_IN_PREFILL
    return Action.SCALE_DECODE if decode > 0 else Action.SCALE_IN_DECODE


def _summed_up(case: Case, draw: int, answer: Answer, said: Sequence[tuple[float, Action]]) -> Diagnosis:
    found = answer.label
    counted = [(at, action) for at, action in said if at >= WARM]
    after = [(at, action in found.acceptable) for at, action in counted if at > ONSET]
    detected = next((at - ONSET for (at, good), (_, again) in pairwise(after) if good and again), None)
    begun = [action for (_, before), (_, action) in pairwise(counted) if before != action]
    quiet = found.acceptable | {Action.HOLD, Action.CANNOT_TELL}
    return Diagnosis(
        kind=case.kind,
        draw=draw,
        right=found.right,
        acceptable=found.acceptable,
        said=answer.said,
        said_by=answer.said_by,
        detected=None if found.right is Action.HOLD else detected,
        watched=counted[-1][0] - counted[0][0],
        alarms=sum(action not in quiet for action in (counted[0][1], *begun)),
        turns=_turns([action for _, action in counted]),
        harm=answer.harm,
    )


def _turns(actions: Sequence[Action]) -> int:
    spells = [action for index, action in enumerate(actions) if index == 0 or actions[index - 1] != action]
    return sum(spells[index] == spells[index - 2] for index in range(2, len(spells)))


def macro_f1(pairs: Iterable[tuple[Action, Action]]) -> float:
    """Return the mean F1 over the actions that were right at least once, from (right, said); 1 for no pairs."""
    counted = list(pairs)
    scores = []
    for action in {right for right, _ in counted}:
        hits = sum(right == said == action for right, said in counted)
        asked = sum(right == action for right, _ in counted) + sum(said == action for _, said in counted)
        scores.append(2 * hits / asked)
    return sum(scores) / len(scores) if scores else 1.0


def settled(diagnosis: Diagnosis, said: Action) -> tuple[Action, Action]:
    """Return (right, said), with what was said taken as right where it is acceptable."""
    return (said if said in diagnosis.acceptable else diagnosis.right), said


def quantile(values: Sequence[float], share: float) -> float:
    """Return the value below which *share* of *values* lie, by nearest rank."""
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]
