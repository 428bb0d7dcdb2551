"""What a run is worth: attainment over every arrival, GPU time held, latency, and how often the fleet was changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pdwatch.demo.model import Finished, Fleet, Outcome, Role


@dataclass(frozen=True, slots=True)
class Objective:
    """What one request is promised, in seconds."""

    ttft: float = 2.0
    tpot: float = 0.06

    def met(self, request: Finished) -> bool:
        """Tell whether a finished request got both; one of a single token has no time per token to miss."""
        if request.outcome is not Outcome.OK or request.ttft is None or request.ttft > self.ttft:
            return False
        return request.tpot is None or request.tpot <= self.tpot


def attainment(fleet: Fleet, objective: Objective, begin: float, end: float) -> float:
    """Return the share of arrivals in [*begin*, *end*) that met *objective*; what is not finished has missed.

    Without arrivals nothing was missed: 1.
    """
    ended = [request for request in fleet.finished if begin <= request.arrival < end]
    unfinished = sum(begin <= request.arrival < end for request in fleet.in_flight.values())
    arrivals = len(ended) + unfinished
    return sum(map(objective.met, ended)) / arrivals if arrivals else 1.0


def ttft_p99(fleet: Fleet, begin: float, end: float) -> float:
    """Return the 99th percentile of the time to the first token in seconds over all arrivals in [*begin*, *end*).

    A request without a first token counts with the time that its client has waited in vain: to its end, or until now.
    """
    waits = [
        request.end - request.arrival if request.ttft is None else request.ttft
        for request in fleet.finished
        if begin <= request.arrival < end
    ]
    waits += [
        (request.first_token or fleet.now) - request.arrival
        for request in fleet.in_flight.values()
        if begin <= request.arrival < end
    ]
    return sorted(waits)[int(0.99 * (len(waits) - 1))] if waits else 0.0


def gpu_hours(fleet: Fleet) -> float:
    """Return the GPU hours held so far by both roles, start-up and drain included."""
    return sum(fleet.gpu_seconds(role) for role in Role) / 3600.0


@dataclass(frozen=True, slots=True)
class Change:
    """Workers of one role asked for (positive) or sent away (negative) at *at* seconds."""

    at: float
    role: Role
    workers: int


def flips(changes: Sequence[Change], within: float = 600.0) -> int:
    """Count the changes of a role that undo the direction of its last change within *within* seconds."""
    last: dict[Role, Change] = {}
    count = 0
    for change in changes:
        before = last.get(change.role)
        if before is not None and before.workers * change.workers < 0 and change.at - before.at <= within:
            count += 1
        last[change.role] = change
    return count


@dataclass(frozen=True, slots=True)
class Score:
    """One run in numbers. Events and flips are per hour of the run."""

    attainment: float
    gpu_hours: float
    ttft_p99: float
    events: float
    flips: float
