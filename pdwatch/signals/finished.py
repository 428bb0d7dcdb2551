"""How many requests ended: all of them where an engine counts so, else the sum over the reasons that it tells."""

from __future__ import annotations

from pdwatch.model.reading import Quantity as Q
from pdwatch.model.window import Change, Window

_COUNTERS = (Q.FINISHED, Q.FINISHED_STOP, Q.FINISHED_LENGTH, Q.FINISHED_ABORT, Q.FINISHED_ERROR, Q.FINISHED_REPETITION)


def finished(during: Window | Change) -> float | None:
    """Return the requests that ended meanwhile; `None` where no engine tells."""
    every, *reasons = during.deltas(_COUNTERS)
    if every is not None:
        return every
    known = [count for count in reasons if count is not None]
    return sum(known) if known else None
