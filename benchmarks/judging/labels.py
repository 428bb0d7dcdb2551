"""What would have been right: every action tried on a copy of the fleet, against the same arrivals."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby

from benchmarks.judging.cases import OBJECTIVE, ONSET, Case
from benchmarks.judging.loop import Orchestrator
from benchmarks.judging.policies.base import Desired, View
from benchmarks.judging.score import attainment
from pdwatch.demo.model import Do, Fleet, Role, State
from pdwatch.model.judgement import Action

HORIZON_SECONDS = 600.0
LAST_ARRIVAL_SECONDS = 540.0
"""Arrivals after the question that count; the last minute of the horizon is for them to finish."""
TOLERANCE = 0.005


@dataclass(frozen=True, slots=True)
class Candidate:
    """An action in full. Ordered by cost: workers more, then the effort of carrying it out."""

    action: Action
    prefill: int = 0
    decode: int = 0

    @property
    def cost(self) -> tuple[int, int]:
        """Workers more than before, then 0 for nothing, 1 for a hand on router or fabric, 2 a worker moved."""
        effort = 2 * max(abs(self.prefill), abs(self.decode)) or int(self.action is not Action.HOLD)
        return self.prefill + self.decode, effort


@dataclass(frozen=True, slots=True)
class Label:
    """The right answers, and what each candidate that was tried would have attained."""

    right: Action
    acceptable: frozenset[Action]
    attained: Mapping[Candidate, float]

    @property
    def best(self) -> float:
        """The most that any candidate attains."""
        return max(self.attained.values())


def candidates(case: Case, fleet: Fleet) -> Iterator[Candidate]:
    """Yield what can be done, cheapest first."""
    prefill, decode = (sum(w.state is State.UP for w in fleet.of_role(role)) for role in Role)
    found = [Candidate(Action.HOLD), *_repairs(case)]
    if prefill > 1:
        found += [Candidate(Action.SCALE_IN_PREFILL, -1), Candidate(Action.SHIFT_TO_DECODE, -1, 1)]
    if decode > 1:
        found += [Candidate(Action.SCALE_IN_DECODE, 0, -1), Candidate(Action.SHIFT_TO_PREFILL, 1, -1)]
    if not case.full_budget:
        for more in (1, 2):
            found += [Candidate(Action.SCALE_PREFILL, more), Candidate(Action.SCALE_DECODE, 0, more)]
    yield from sorted(found, key=lambda candidate: candidate.cost)


def _repairs(case: Case) -> list[Candidate]:
    """Return the repairs that would change anything."""
    faults = {fault.do for fault in case.faults if fault.at >= ONSET}
    found = []
    if faults & {Do.WEIGHT, Do.SLOW}:
        found.append(Candidate(Action.REBALANCE))
    if faults & {Do.BANDWIDTH, Do.FAIL_TRANSFERS, Do.SLOW}:
        found.append(Candidate(Action.FIX))
    return found


def label(case: Case, fleet: Fleet) -> Label:
    """Return what is right for *case* at the instant at which *fleet* stands; *fleet* itself is left as it is.

    The cheapest candidate within half a percentage point of the best is right, those of the same cost and as good are
    acceptable; so is any removal that does no harm where removing is right, and any repair of a fault that is there and
    does as well as the best. Once a cost has been reached at which nothing dearer could be better by more, it stops.
    """
    attained: dict[Candidate, float] = {}
    for _, group in groupby(candidates(case, fleet), key=lambda candidate: candidate.cost):
        for candidate in group:
            attained[candidate] = try_out(case, fleet, candidate)
        if max(attained.values()) >= 1.0 - TOLERANCE and Candidate(Action.HOLD) in attained:
            break
    good = [c for c, share in attained.items() if share >= max(attained.values()) - TOLERANCE]
    cheapest = min(good, key=lambda candidate: (candidate.cost, -attained[candidate]))
    acceptable = {c.action for c in good if c.cost == cheapest.cost or (c.cost[0] < 0 and cheapest.cost[0] < 0)}
    acceptable |= {c.action for c in good if c.action in (Action.REBALANCE, Action.FIX)}
    return Label(cheapest.action, frozenset(acceptable), attained)


def try_out(case: Case, fleet: Fleet, candidate: Candidate) -> float:
    """Return the attainment of the arrivals of the next minutes if *candidate* is done on a copy of *fleet*."""
    other, begin = fleet.fork(), fleet.now
    _repair(case, other, candidate.action)
    there = View(other).current
    wanted = Desired(there.prefill + candidate.prefill, there.decode + candidate.decode)
    Orchestrator(other, case.startup, 1000).settle(wanted)
    if candidate.action is not Action.FIX:
        _spread_faults(case, other)
    other.run_until(begin + HORIZON_SECONDS)
    return attainment(other, OBJECTIVE, begin, begin + LAST_ARRIVAL_SECONDS)


def _spread_faults(case: Case, fleet: Fleet) -> None:
    """Let a fault of the fabric hold for new workers as well."""
    for fault in case.faults:
        if fault.do is Do.BANDWIDTH:
            fleet.set_bandwidth(fault.factor)


def _repair(case: Case, fleet: Fleet, action: Action) -> None:
    for fault in case.faults:
        if action is Action.REBALANCE and fault.do in (Do.WEIGHT, Do.SLOW):
            fleet.set_weight(fault.worker, 1.0 if fault.do is Do.WEIGHT else 1.0 / fault.factor)
        if action is Action.FIX and fault.do is Do.SLOW:
            fleet.slow(fault.worker, 1.0)
    if action is Action.FIX:
        fleet.set_bandwidth(1.0)
        fleet.set_transfer_failure(0.0)
