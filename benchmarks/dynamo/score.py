"""What a run in Dynamo's simulator is worth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

MOST_GPUS = 24
MOST_REPLICAS = 16
"""GPUs that there are, one a worker, and workers of a role that an advice may ask for."""


@dataclass(frozen=True, slots=True)
class Objective:
    """What a request is promised, in seconds: to the first token, and as mean between tokens."""

    ttft: float = 2.0
    itl: float = 0.06


@dataclass(frozen=True, slots=True)
class Score:
    """One run. Attainment is the share of all requests; GPU hours have start-up and drain in them."""

    gpu_hours: float
    both: float
    ttft: float
    itl: float
    ttft_p99: float
    changes: int
    """Times that the replicas of a role were set to another number."""


def score(summary: Mapping[str, Any], requests: Sequence[Mapping[str, Any]], changes: int, goal: Objective) -> Score:
    """Return the score of a run by the simulator's own account of each request."""
    waits = sorted(one["ttft_ms"] / 1000.0 for one in requests)
    soon = [one["ttft_ms"] <= goal.ttft * 1000.0 for one in requests]
    steady = [(one["itl_ms"] or 0.0) <= goal.itl * 1000.0 for one in requests]
    count = len(requests)
    return Score(
        gpu_hours=summary["gpu_hours"],
        both=sum(map(all, zip(soon, steady, strict=True))) / count,
        ttft=sum(soon) / count,
        itl=sum(steady) / count,
        ttft_p99=waits[int(0.99 * (count - 1))],
        changes=changes,
    )
