"""From the needs of both roles to replicas within the GPUs there are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from pdwatch.judge.advice.limits import ServiceLimits
from pdwatch.judge.advice.need import Need, Sign
from pdwatch.model.judgement import Action
from pdwatch.model.target import Role

SCALE = {Role.PREFILL: Action.SCALE_PREFILL, Role.DECODE: Action.SCALE_DECODE}
SHIFT = {Role.PREFILL: Action.SHIFT_TO_PREFILL, Role.DECODE: Action.SHIFT_TO_DECODE}
SCALE_IN = {Role.PREFILL: Action.SCALE_IN_PREFILL, Role.DECODE: Action.SCALE_IN_DECODE}
OTHER = {Role.PREFILL: Role.DECODE, Role.DECODE: Role.PREFILL}


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do, for whose sake, and the replicas of both roles afterwards."""

    action: Action
    role: Role
    """The role that is short, or that has too many."""
    desired: Mapping[Role, int]
    short: Mapping[Role, int] = field(default_factory=dict)
    """Replicas that are needed and cannot be had."""


def growth(needs: Mapping[Role, Need], current: Mapping[Role, int], limits: ServiceLimits) -> Plan | None:
    """Return how to meet the need that is greatest; `None` where no role needs more.

    Replicas that the other role can lend come first: they cost no GPU. What neither the budget nor the other role
    gives is short; where nothing can be had at all, or all of it is starting already, the plan is to hold.
    """
    growing = sorted((need for need in needs.values() if need.grows), key=lambda need: -need.utilization)
    growing = [need for need in growing if not symptom(need, needs)]
    if not growing:
        return None
    need = growing[0]
    desired, moved = _met(need, needs.get(OTHER[need.load.role]), dict(current), limits)
    for other in growing[1:]:
        desired, _ = _met(other, None, desired, limits)
    role = need.load.role
    short = {n.load.role: lacking for n in growing if (lacking := n.wanted - desired[n.load.role]) > 0}
    if desired == dict(current):
        return Plan(Action.HOLD, role, desired, short)
    grown = role if desired[role] > current[role] else OTHER[role]
    return Plan((SHIFT if moved else SCALE)[grown], grown, desired, short)


def symptom(need: Need, needs: Mapping[Role, Need]) -> bool:
    """Tell whether a queue on prefill is only that of a decode that is full: decode must take the KV first."""
    decode = needs.get(Role.DECODE)
    return need.load.role is Role.PREFILL and need.sign is Sign.QUEUE and decode is not None and decode.over


def _met(
    need: Need, lender: Need | None, desired: dict[Role, int], limits: ServiceLimits
) -> tuple[dict[Role, int], bool]:
    """Return the replicas with as much of *need* met as can be, and whether any changed roles."""
    role, other = need.load.role, OTHER[need.load.role]
    most = limits.of(role).maximum
    wanted = need.wanted if most is None else min(need.wanted, max(most, desired[role]))
    for target in range(wanted, desired[role], -1):
        for gives in _gifts(lender, limits, target, desired):
            replicas = {role: target, other: desired.get(other, 0) - gives}
            moved = min(gives * limits.of(other).gpus // limits.of(role).gpus, target - desired[role])
            if gives and moved < 1:
                continue
            enough = gives == 0 or (gives - 1) * limits.of(other).gpus < (target - desired[role]) * limits.of(role).gpus
            if enough and limits.affordable(replicas[Role.PREFILL], replicas[Role.DECODE]):
                return replicas, gives > 0
    return desired, False


def _gifts(lender: Need | None, limits: ServiceLimits, target: int, desired: Mapping[Role, int]) -> Iterator[int]:
    """Yield how many replicas the other role may give, most first: more of them where no GPU is left without."""
    if lender is None or lender.grows:
        yield 0
        return
    other = lender.load.role
    grown = dict(desired) | {OTHER[other]: target}
    free = limits.affordable(grown[Role.PREFILL], grown[Role.DECODE])
    most = min(lender.idle if free else lender.lendable, lender.load.replicas - limits.of(other).minimum)
    yield from range(max(0, most), -1, -1)


def removal(
    needs: Mapping[Role, Need], current: Mapping[Role, int], limits: ServiceLimits, before: Action | None
) -> Plan | None:
    """Return the role that has had too many replicas for long; `None` where none has.

    Of two, the one that was named *before*, else the emptier one.
    """
    spare = [need for need in needs.values() if _spare(need, limits) > 0]
    if not spare or any(need.over for need in needs.values()):
        return None
    need = min(spare, key=lambda need: (SCALE_IN[need.load.role] is not before, need.utilization))
    role = need.load.role
    return Plan(SCALE_IN[role], role, dict(current) | {role: current[role] - _spare(need, limits)})


def _spare(need: Need, limits: ServiceLimits) -> int:
    return min(need.spare, need.load.replicas - limits.of(need.load.role).minimum)
