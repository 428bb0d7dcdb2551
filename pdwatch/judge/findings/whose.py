"""What weight a number of a pool has: whose it is, how much of the whole, and who can be compared."""

from __future__ import annotations

from collections.abc import Callable

from pdwatch.catalog.thresholds import Thresholds
from pdwatch.judge.definition import View
from pdwatch.model.judgement import Severity
from pdwatch.model.snapshot import EngineState, WorkerState
from pdwatch.model.target import Role

_TOGETHER_SECONDS = 15.0
"""Within which processes have to begin to count as begun together."""


def all_of_one(view: View, role: Role, of: Callable[[EngineState], float | None]) -> str:
    """Return `, all on decode-1 of 4 workers` where one of several workers of a role has all of it, else nothing."""
    mine = [worker for worker in view.service.workers if worker.role is role and not worker.stale]
    having = [worker.worker for worker in mine if any(of(engine) for engine in worker.engines)]
    return f", all on {having[0]} of {len(mine)} workers" if len(having) == 1 < len(mine) else ""


def comparable(view: View, role: Role) -> list[WorkerState]:
    """Return the workers of a role that can be compared with each other: fresh, and past their first minutes.

    A process that just began has an empty batch and slow first passes. Where all began together they are alike in it.
    """
    fresh = [worker for worker in view.service.workers if worker.role is role and worker.up and not worker.stale]
    least = view.thresholds.cold_seconds
    ages = [least if worker.process_seconds is None else worker.process_seconds for worker in fresh]
    if ages and max(ages) - min(ages) < _TOGETHER_SECONDS:
        return fresh
    return [worker for worker, age in zip(fresh, ages, strict=True) if age >= least]


def graded(share: float, thresholds: Thresholds) -> Severity | None:
    """Return the severity of failures by their share of all: a few among thousands are no reason to wake anybody.

    `None` is the entry's own, for many.
    """
    if share >= thresholds.failures_many:
        return None
    return Severity.WARNING if share >= thresholds.failures_few else Severity.INFO
