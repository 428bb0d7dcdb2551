"""Readings made by hand: name the quantities, get a reading."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from operator import itemgetter
from typing import Any

import pytest

from pdwatch.model.reading import GAUGES, HISTOGRAMS, Histogram, HistogramSlots, Quantity, Reading, Shape
from pdwatch.model.window import Flow, Window, increase

MakeReading = Callable[..., Reading]
_SHAPES: dict[Any, Shape] = {}


def _shape(parts: Mapping[Quantity, tuple[float, ...] | None]) -> Shape:
    key = tuple(parts.items())
    if key not in _SHAPES:
        _SHAPES[key] = _new_shape(parts)
    return _SHAPES[key]


def _new_shape(parts: Mapping[Quantity, tuple[float, ...] | None]) -> Shape:
    scalars: dict[Quantity, int] = {}
    histograms: dict[Quantity, HistogramSlots] = {}
    slot, rising = 0, []
    for quantity, bounds in parts.items():
        start = slot
        if bounds is None:
            scalars[quantity] = slot
            slot += 1
        else:
            width = len(bounds)
            histograms[quantity] = HistogramSlots(bounds, slot, slot + width, slot + width, slot + width + 1)
            slot += width + 2
        if quantity not in GAUGES:
            rising.extend(range(start, slot))
    pick = itemgetter(*rising) if len(rising) > 1 else (lambda values: tuple(values[i] for i in rising))
    return Shape(scalars, histograms, slot, pick)


@pytest.fixture
def make_reading() -> MakeReading:
    """Build a reading at a time from `quantity=value`; a histogram is given as `Histogram`."""

    def make(at: float, engine: str = "0", **named: float | Histogram) -> Reading:
        values: list[float] = []
        parts: dict[Quantity, tuple[float, ...] | None] = {}
        for name, value in named.items():
            quantity = Quantity(name)
            if isinstance(value, Histogram):
                assert quantity in HISTOGRAMS
                parts[quantity] = value.bounds
                values.extend((*value.buckets, value.sum, value.count))
            else:
                parts[quantity] = None
                values.append(value)
        return Reading(engine, at, _shape(parts), tuple(values))

    return make


@pytest.fixture
def make_window(make_reading: MakeReading) -> Callable[..., Window]:
    """Build a window of some seconds in which the named counters rose from zero by the given amounts."""

    def make(seconds: float = 10.0, **rose: float | Histogram) -> Window:
        zero = {
            name: Histogram(value.bounds, (0.0,) * len(value.buckets), 0.0, 0.0)
            if isinstance(value, Histogram)
            else 0.0
            for name, value in rose.items()
        }
        first, last = make_reading(0.0, **zero), make_reading(seconds, **rose)
        return Window(0.0, seconds, Flow((increase(first, last),)))

    return make


@pytest.fixture
def counted() -> Callable[[float, float], Histogram]:
    """A histogram of which only sum and count are known."""
    return lambda total, count: Histogram((), (), total, count)
