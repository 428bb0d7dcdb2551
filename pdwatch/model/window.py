"""A window: two readings of the same engine and what happened between them; and the sum of many such.

What happened is kept as readings whose values are increases. Readings of one shape are subtracted and summed as whole
tuples, so that a thousand engines cost a few passes and no look-ups by name.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from operator import sub

from pdwatch.model.reading import Histogram, Quantity, Reading, Tally


@dataclass(frozen=True, slots=True, eq=False)
class Flow:
    """Increases of counters and histograms, summed over engines and over the lives of their processes."""

    parts: tuple[Reading, ...] = ()
    """One for each shape; its gauges mean nothing."""

    def delta(self, quantity: Quantity) -> float | None:
        """Return how much a counter rose; `None` where no engine exports it."""
        if len(self.parts) == 1:
            return self.parts[0].value(quantity)
        found = [value for part in self.parts if (value := part.value(quantity)) is not None]
        return sum(found) if found else None

    def deltas(self, quantities: Iterable[Quantity]) -> list[float | None]:
        """Return how much each of several counters rose."""
        return self.parts[0].each(quantities) if len(self.parts) == 1 else list(map(self.delta, quantities))

    def histogram(self, quantity: Quantity) -> Histogram | None:
        """Return the observations made, with cumulative buckets."""
        if len(self.parts) == 1:
            return self.parts[0].histogram(quantity)
        return total(part.histogram(quantity) for part in self.parts)

    def tally(self, quantity: Quantity) -> Tally | None:
        """Return sum and count of the observations made."""
        if len(self.parts) == 1:
            return self.parts[0].tally(quantity)
        found = [tally for part in self.parts if (tally := part.tally(quantity)) is not None]
        return Tally(sum(tally.sum for tally in found), sum(tally.number for tally in found)) if found else None


@dataclass(frozen=True, slots=True, eq=False)
class Window:
    """What happened between two readings, over restarts if there were any.

    A restart loses what was counted between the last page before it and the restart itself; it never gives a
    negative increase.
    """

    start: float
    end: float
    flow: Flow
    resets: int = 0
    """Restarts between the two readings."""

    @property
    def seconds(self) -> float:
        """Length by the timestamps of the two scrapes."""
        return self.end - self.start

    def delta(self, quantity: Quantity) -> float | None:
        """Return how much a counter rose; `None` where the engine does not export it."""
        return self.flow.delta(quantity)

    def deltas(self, quantities: Iterable[Quantity]) -> list[float | None]:
        """Return how much each of several counters rose."""
        return self.flow.deltas(quantities)

    def rate(self, quantity: Quantity) -> float | None:
        """Return the increase per second."""
        return self.rates((quantity,))[0]

    def rates(self, quantities: Iterable[Quantity]) -> list[float | None]:
        """Return the increase per second of each of several counters."""
        seconds = self.end - self.start
        return [None if delta is None or seconds <= 0 else delta / seconds for delta in self.flow.deltas(quantities)]

    def histogram(self, quantity: Quantity) -> Histogram | None:
        """Return the observations made within the window."""
        return self.flow.histogram(quantity)

    def tally(self, quantity: Quantity) -> Tally | None:
        """Return sum and count of the observations made within the window."""
        return self.flow.tally(quantity)


class Change:
    """What happened between two readings of one life, for those who ask for few of its quantities."""

    def __init__(self, first: Reading, last: Reading) -> None:
        self._before: Sequence[float] = first.values if first.shape is last.shape else aligned(first, last)
        self._after = last.values
        self._shape = last.shape

    def delta(self, quantity: Quantity) -> float | None:
        """Return how much a counter rose; `None` where the engine does not export it."""
        slot = self._shape.scalars.get(quantity)
        return None if slot is None else self._after[slot] - self._before[slot]

    def deltas(self, quantities: Iterable[Quantity]) -> list[float | None]:
        """Return how much each of several counters rose."""
        return list(map(self.delta, quantities))

    def tally(self, quantity: Quantity) -> Tally | None:
        """Return sum and count of the observations made."""
        slots = self._shape.histograms.get(quantity)
        if slots is None or slots.sum is None or slots.count is None:
            return None
        before, after = self._before, self._after
        return Tally(after[slots.sum] - before[slots.sum], after[slots.count] - before[slots.count])


def increase(first: Reading | None, last: Reading) -> Reading:
    """Return what happened between two readings of one life of a process; without *first*, since it began.

    What was not on the first page was created since, at zero. A histogram whose buckets changed tells nothing.
    """
    if first is None:
        return last
    if first.shape is last.shape:
        return Reading(last.engine, last.at, last.shape, tuple(map(sub, last.values, first.values)))
    return Reading(last.engine, last.at, last.shape, tuple(map(sub, last.values, aligned(first, last))))


def aligned(first: Reading, last: Reading) -> list[float]:
    """Return the values of *first* in the order of *last*: 0 for what it lacks, *last*'s own for changed buckets."""
    values = [0.0] * last.shape.size
    for quantity, slot in last.shape.scalars.items():
        values[slot] = first.value(quantity) or 0.0
    for quantity, slots in last.shape.histograms.items():
        held = first.histogram(quantity)
        if held is None or slots.sum is None or slots.count is None:
            continue
        comparable = held if held.bounds == slots.bounds else last.histogram(quantity) or held
        values[slots.start : slots.stop] = comparable.buckets
        values[slots.sum], values[slots.count] = comparable.sum, comparable.count
    return values


def together(flows: Iterable[Flow]) -> Flow:
    """Return the sum of flows."""
    by_shape: dict[int, list[Reading]] = {}
    for flow in flows:
        for part in flow.parts:
            by_shape.setdefault(id(part.shape), []).append(part)
    return Flow(tuple(map(_summed, by_shape.values())))


def _summed(readings: Sequence[Reading]) -> Reading:
    if len(readings) == 1:
        return readings[0]
    values = tuple(map(sum, zip(*(reading.values for reading in readings), strict=True)))
    return Reading("", readings[-1].at, readings[0].shape, values)


def total(parts: Iterable[Histogram | None]) -> Histogram | None:
    """Return the sum of histograms; where bounds differ, at the bounds that all of them have. `None` for none."""
    found = [part for part in parts if part is not None]
    if len(found) < 2:
        return found[0] if found else None
    bounds = found[0].bounds
    if any(part.bounds != bounds for part in found):
        common = frozenset(bounds).intersection(*(part.bounds for part in found))
        found = [_at(part, common) for part in found]
        bounds = found[0].bounds
    buckets = tuple(map(sum, zip(*(part.buckets for part in found), strict=True)))
    return Histogram(bounds, buckets, sum(part.sum for part in found), sum(part.count for part in found))


def _at(histogram: Histogram, bounds: frozenset[float]) -> Histogram:
    kept = [(edge, n) for edge, n in zip(histogram.bounds, histogram.buckets, strict=True) if edge in bounds]
    return Histogram(tuple(e for e, _ in kept), tuple(n for _, n in kept), histogram.sum, histogram.count)
