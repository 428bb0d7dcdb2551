"""What a number was over the last hour, in ten-second bins: the memory behind every sparkline."""

from __future__ import annotations

from array import array
from collections.abc import Hashable, Iterable
from math import inf, isfinite

BIN_SECONDS = 10.0
BINS = 430
"""An hour, and the ten minutes that a graph at its start looks back."""
_GAP = -inf
"""A bin without a value."""


class Trail:
    """The highest value of each bin; a bin without a value is a gap."""

    __slots__ = ("last", "values")

    def __init__(self) -> None:
        self.values = array("f", [_GAP]) * BINS
        self.last = -1
        """Number of the newest bin: Unix seconds over `BIN_SECONDS`."""

    def put(self, bin_number: int, value: float) -> None:
        """Keep *value* if it is the highest of its bin."""
        if bin_number > self.last:
            for gap in range(max(self.last + 1, bin_number - BINS + 1), bin_number + 1):
                self.values[gap % BINS] = _GAP
            self.last = bin_number
        if bin_number > self.last - BINS:
            self.values[bin_number % BINS] = max(self.values[bin_number % BINS], value)

    def between(self, first: int, end: int) -> list[float]:
        """Return the bins from *first* up to *end*; what is not known is a gap."""
        oldest, newest = max(first, self.last - BINS + 1), min(end, self.last + 1)
        if newest <= oldest:
            return [_GAP] * (end - first)
        known = [self.values[number % BINS] for number in range(oldest, newest)]
        return [_GAP] * (oldest - first) + known + [_GAP] * (end - newest)


class Trails:
    """The trails of every number on the screen, by key. What has not been seen for an hour is forgotten."""

    def __init__(self) -> None:
        self._trails: dict[Hashable, Trail] = {}
        self._newest = -1

    def __len__(self) -> int:
        return len(self._trails)

    def add(self, t: float, values: Iterable[tuple[Hashable, float | None]]) -> None:
        """Take what was measured at *t*. A clock that went back begins anew."""
        if not isfinite(t):
            return
        number = int(t // BIN_SECONDS)
        if number < self._newest:
            self._trails.clear()
        if number != self._newest:
            self._newest = number
            self._forget(number)
        for key, value in values:
            if value is not None and isfinite(value):
                trail = self._trails.get(key)
                if trail is None:
                    trail = self._trails[key] = Trail()
                trail.put(number, value)

    def take_over(self, other: Trails) -> None:
        """Add what *other* remembers; the higher value of a bin stays."""
        for key, past in other._trails.items():
            trail = self._trails.setdefault(key, Trail())
            first = past.last - BINS + 1
            for number, value in enumerate(past.between(first, past.last + 1), start=first):
                if value != _GAP:
                    trail.put(number, value)

    def columns(self, key: Hashable, t: float, width: int, seconds: float = 600.0) -> list[float | None]:
        """Return *width* columns up to *t* that span *seconds* or a little more.

        A column begins at a fixed time, so that it does not change while later ones are added.
        """
        trail = self._trails.get(key)
        if trail is None or width <= 0 or not isfinite(t):
            return [None] * max(0, width)
        step = max(1, -int(-seconds // (BIN_SECONDS * width)))
        number = int(t // BIN_SECONDS)
        first = (number // step + 1 - width) * step
        bins = trail.between(first, number + 1)
        return [_known(max(bins[start : start + step])) for start in range(0, len(bins), step)]

    def before(self, key: Hashable, t: float, seconds: float) -> float | None:
        """Return the value of *seconds* before *t*."""
        trail = self._trails.get(key)
        if trail is None or not isfinite(t):
            return None
        number = int((t - seconds) // BIN_SECONDS)
        return _known(trail.between(number, number + 1)[0])

    def _forget(self, number: int) -> None:
        for key in [key for key, trail in self._trails.items() if trail.last <= number - BINS]:
            del self._trails[key]


def _known(value: float) -> float | None:
    return None if value == _GAP else value
