"""How many requests ended: all of them where an engine counts so, else the sum over the reasons that it tells."""

from __future__ import annotations

from collections.abc import Callable

from pdwatch.model.reading import Quantity as Q

_REASONS = (Q.FINISHED_STOP, Q.FINISHED_LENGTH, Q.FINISHED_ABORT, Q.FINISHED_ERROR, Q.FINISHED_REPETITION)


def finished(risen: Callable[[Q], float | None]) -> float | None:
    """Return the requests that ended, by how much each counter has *risen*; `None` where no engine tells."""
    every = risen(Q.FINISHED)
    if every is not None:
        return every
    known = [count for reason in _REASONS if (count := risen(reason)) is not None]
    return sum(known) if known else None
