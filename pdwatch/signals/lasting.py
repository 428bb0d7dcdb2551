"""What is counted for ever: the few quantities whose totals are exported, over restarts and workers that leave."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from operator import itemgetter

from pdwatch.model.reading import HistogramSlots, Reading, Shape
from pdwatch.model.reading import Quantity as Q

LASTING = (
    Q.TTFT,
    Q.ITL,
    Q.TRANSFER_TIME,
    Q.TRANSFER_TAIL_TIME,
    Q.TRANSFER_BYTES,
    Q.TRANSFER_FAILURES,
    Q.TRANSFER_FAILED_RECEIVES,
)
_Pick = Callable[[Sequence[float]], tuple[float, ...]]
_SHAPES = 1024
"""Layouts of pages that are remembered; a fleet has one for each kind of engine."""


def lasting(reading: Reading) -> Reading:
    """Return the part of a reading that is counted for ever."""
    shape, pick = _narrowed(reading.shape)
    return Reading(reading.engine, reading.at, shape, pick(reading.values))


@lru_cache(_SHAPES)
def _narrowed(shape: Shape) -> tuple[Shape, _Pick]:
    """Return the shape of what lasts of *shape*, and what picks it."""
    slots: list[int] = []
    scalars: dict[Q, int] = {}
    histograms: dict[Q, HistogramSlots] = {}
    for quantity in LASTING:
        if quantity in shape.scalars:
            scalars[quantity] = _added(slots, shape.scalars[quantity])
        elif quantity in shape.histograms:
            histograms[quantity] = _moved(shape.histograms[quantity], slots)
    return Shape(scalars, histograms, len(slots), lambda _: ()), _getter(slots)


def _moved(held: HistogramSlots, slots: list[int]) -> HistogramSlots:
    start = len(slots)
    slots.extend(range(held.start, held.stop))
    ends = [None if place is None else _added(slots, place) for place in (held.sum, held.count)]
    return HistogramSlots(held.bounds, start, start + held.stop - held.start, *ends)


def _added(slots: list[int], place: int) -> int:
    slots.append(place)
    return len(slots) - 1


def _getter(slots: Sequence[int]) -> _Pick:
    return itemgetter(*slots) if len(slots) > 1 else lambda values: tuple(values[slot] for slot in slots)
