"""A window: two readings of the same engine and what happened between them."""

from __future__ import annotations

from dataclasses import dataclass, field
from operator import sub

from pdwatch.model.reading import Histogram, Quantity, Reading


@dataclass(frozen=True, slots=True, eq=False)
class Segment:
    """A stretch within one life of the process. Without `first`, it starts where the process did: at zero."""

    first: Reading | None
    last: Reading

    def delta(self, quantity: Quantity) -> float | None:
        """Return the increase of a counter. One that was not on the first page was created since, at zero."""
        after = self.last.value(quantity)
        if after is None:
            return None
        before = self.first.value(quantity) if self.first is not None else 0.0
        return after - (before or 0.0)

    def histogram(self, quantity: Quantity) -> Histogram | None:
        """Return the observations made within the segment, with cumulative buckets."""
        after = self.last.histogram(quantity)
        before = self.first.histogram(quantity) if self.first is not None else None
        if after is None or before is None:
            return after
        if after.bounds != before.bounds:
            return None
        buckets = tuple(map(sub, after.buckets, before.buckets))
        return Histogram(after.bounds, buckets, after.sum - before.sum, after.count - before.count)


@dataclass(frozen=True, slots=True, eq=False)
class Window:
    """What happened between two readings, over restarts if there were any.

    A restart loses what was counted between the last page before it and the restart itself; it never gives a
    negative increase.
    """

    start: float
    end: float
    segments: tuple[Segment, ...]
    _histograms: dict[Quantity, Histogram | None] = field(default_factory=dict, repr=False)
    """What was asked for already: several signals rest on the same histogram."""

    @property
    def seconds(self) -> float:
        """Length by the timestamps of the two scrapes."""
        return self.end - self.start

    @property
    def resets(self) -> int:
        """Restarts between the two readings."""
        return len(self.segments) - 1

    def delta(self, quantity: Quantity) -> float | None:
        """Return how much a counter rose; `None` where the engine does not export it."""
        if len(self.segments) == 1:
            return self.segments[0].delta(quantity)
        deltas = [delta for segment in self.segments if (delta := segment.delta(quantity)) is not None]
        return sum(deltas) if deltas else None

    def rate(self, quantity: Quantity) -> float | None:
        """Return the increase per second."""
        delta = self.delta(quantity)
        return None if delta is None or self.seconds <= 0 else delta / self.seconds

    def histogram(self, quantity: Quantity) -> Histogram | None:
        """Return the observations made within the window; where a restart changed the buckets, those since."""
        if quantity not in self._histograms:
            self._histograms[quantity] = self._observed(quantity)
        return self._histograms[quantity]

    def _observed(self, quantity: Quantity) -> Histogram | None:
        if len(self.segments) == 1:
            return self.segments[0].histogram(quantity)
        found = [part for segment in self.segments if (part := segment.histogram(quantity)) is not None]
        if not found:
            return None
        same = [part for part in found if part.bounds == found[-1].bounds]
        return same[0] if len(same) == 1 else added(same)


def added(histograms: list[Histogram]) -> Histogram:
    """Return the sum of histograms with equal bounds."""
    return Histogram(
        histograms[0].bounds,
        tuple(map(sum, zip(*(part.buckets for part in histograms), strict=True))),
        sum(part.sum for part in histograms),
        sum(part.count for part in histograms),
    )
