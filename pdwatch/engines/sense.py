"""Numbers that cannot be: counters below zero, values that are no number. Read on, they would spoil those of a pool.

NonsenseError       a counter or histogram of a page cannot be; its text is one line that names the metric
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from math import isfinite

from pdwatch.model.reading import COUNTERS, Quantity, Reading, Shape

Pick = Callable[[Sequence[float]], tuple[float, ...]]


class NonsenseError(ValueError):
    """A page with a count that is none. Its worker gives no numbers; others are not affected."""


def is_sense(values: Sequence[float], counted: Sequence[float]) -> bool:
    """Tell whether all *values* are numbers, and those of them that are *counted* not below zero."""
    return isfinite(sum(values)) and min(counted, default=0.0) >= 0.0


def sensible(reading: Reading, names: Mapping[Quantity, str]) -> Reading:
    """Return the reading without gauges that cannot be; *names* are the metrics of its quantities.

    Raises `NonsenseError` for a counter or a histogram: left out, it would count from zero when it comes back.
    """
    shape, values = reading.shape, reading.values
    for quantity, slots in shape.histograms.items():
        parts = [*values[slots.start : slots.stop], *([] if slots.count is None else [values[slots.count]])]
        total = 0.0 if slots.sum is None else values[slots.sum]
        _require(quantity, next((part for part in parts if not _counts(part)), 0.0), names)
        _require(quantity, 0.0 if isfinite(total) else total, names)
    for quantity, slot in shape.scalars.items():
        if quantity in COUNTERS:
            _require(quantity, values[slot], names)
    scalars = {quantity: slot for quantity, slot in shape.scalars.items() if _counts(values[slot])}
    return replace(reading, shape=Shape(scalars, shape.histograms, shape.size, shape.rising))


def _counts(value: float) -> bool:
    return isfinite(value) and value >= 0.0


def _require(quantity: Quantity, value: float, names: Mapping[Quantity, str]) -> None:
    if not _counts(value):
        raise NonsenseError(f"counts {value:g} of {names.get(quantity, quantity)}, which cannot be")
