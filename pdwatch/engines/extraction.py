"""From the places of quantities on a page to readings: worked out once per layout, used for every later scrape."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter

from pdwatch.engines.sense import is_sense, sensible
from pdwatch.engines.table import Slots
from pdwatch.model.page import Page
from pdwatch.model.reading import COUNTERS, HISTOGRAMS, HistogramSlots, Quantity, Reading, Shape

Pick = Callable[[Sequence[float]], tuple[float, ...]]


@dataclass(frozen=True, slots=True, eq=False)
class EngineExtraction:
    """How to make one engine's reading from a page of one layout."""

    engine: str
    shape: Shape
    pick: Pick
    counted: Pick
    """Picks from the values of a reading those that cannot be below zero: all but the sums of histograms."""
    names: Mapping[Quantity, str]
    """The metrics from which each quantity is read."""

    @property
    def quantities(self) -> set[Quantity]:
        """What the reading holds."""
        return {*self.shape.scalars, *self.shape.histograms}

    def read(self, page: Page, at: float) -> Reading:
        """Return the engine's reading. Raises `NonsenseError` for a counter that cannot be."""
        values = self.pick(page.values)
        reading = Reading(self.engine, at, self.shape, values)
        return reading if is_sense(values, self.counted(values)) else sensible(reading, self.names)


def engine_extraction(engine: str, slots: Mapping[Quantity, Slots]) -> EngineExtraction:
    """Return how to read an engine whose quantities lie at *slots*."""
    picker = _Picker()
    scalars: dict[Quantity, int] = {}
    histograms: dict[Quantity, HistogramSlots] = {}
    rising: list[int] = []
    for quantity, held in slots.items():
        start = len(picker.groups)
        if quantity in HISTOGRAMS:
            histograms[quantity] = _histogram(picker, held)
            total = histograms[quantity].sum  # vLLM observes negative queue times for requests that failed early
            rising.extend(slot for slot in range(start, len(picker.groups)) if slot != total)
        else:
            scalars[quantity] = picker.add(held.value, held.scale)
            rising.extend([start] if quantity in COUNTERS else [])
    sums = {held.sum for held in histograms.values()}
    counted = _getter([slot for slot in range(len(picker.groups)) if slot not in sums])
    names = {quantity: " + ".join(held.names) for quantity, held in slots.items()}
    shape = Shape(scalars, histograms, len(picker.groups), _getter(rising))
    return EngineExtraction(engine, shape, picker.pick(), counted, names)


class _Picker:
    """Collects page indices into the flat tuple of a reading; several indices of one slot are summed."""

    def __init__(self) -> None:
        self.groups: list[tuple[list[int], float]] = []

    def add(self, indices: list[int], scale: float = 1.0) -> int:
        self.groups.append((indices, scale))
        return len(self.groups) - 1

    def pick(self) -> Pick:
        plain = _getter([indices[0] for indices, _ in self.groups])
        merged = [
            (slot, indices, scale)
            for slot, (indices, scale) in enumerate(self.groups)
            if len(indices) > 1 or scale != 1.0
        ]
        if not merged:
            return plain

        def pick(values: Sequence[float]) -> tuple[float, ...]:
            picked = list(plain(values))
            for slot, indices, scale in merged:
                picked[slot] = scale * sum([values[index] for index in indices]) if scale else 0.0
            return tuple(picked)

        return pick


def _getter(indices: list[int]) -> Pick:
    if len(indices) == 1:
        only = indices[0]
        return lambda values: (values[only],)
    return itemgetter(*indices) if indices else lambda _: ()


def _histogram(picker: _Picker, held: Slots) -> HistogramSlots:
    bounds = tuple(sorted(bound for bound in held.bucket if bound == bound))  # noqa: PLR0124 - leaves NaN out
    start = len(picker.groups)
    for bound in bounds:
        picker.add(held.bucket[bound])
    stop = len(picker.groups)
    total = picker.add(held.sum, held.scale) if held.sum else None
    count = picker.add(held.count) if held.count else None
    edges = bounds if held.scale == 1.0 else tuple(float(f"{bound * held.scale:.12g}") for bound in bounds)
    return HistogramSlots(edges, start, stop, total, count)
