"""How long a token takes on an engine, between its last two pages: what shows a slow worker at once."""

from __future__ import annotations

from dataclasses import dataclass

from pdwatch.model.reading import Quantity as Q
from pdwatch.model.reading import Reading
from pdwatch.model.window import Flow
from pdwatch.signals.capacity.computed import computed_tokens

ENOUGH_GAPS = 20.0
ENOUGH_PREFILLS = 10.0
"""Observations between two pages below which the time of a token is chance."""


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds a token took, and how many requests shared the engine meanwhile: a fuller batch is slower."""

    seconds: float
    load: float


def pace(before: Reading, after: Reading, step: Flow) -> Pace | None:
    """Return the mean time between tokens where tokens are made one by one, else prefill time over tokens computed.

    *step* is what happened between the two readings; `None` where that is too little.
    """
    gaps = step.histogram(Q.ITL)
    if gaps is not None and gaps.count >= ENOUGH_GAPS:
        running = [reading.value(Q.REQUESTS_RUNNING) or 0.0 for reading in (before, after)]
        return Pace(gaps.sum / gaps.count, sum(running) / len(running))
    prefilled, computed = step.histogram(Q.PREFILL_TIME), computed_tokens(step)
    if prefilled is None or prefilled.count < ENOUGH_PREFILLS or not computed:
        return None
    return Pace(prefilled.sum / computed, prefilled.sum / (after.at - before.at))
