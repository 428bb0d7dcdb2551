"""Counters of one piece of hardware within a horizon: increases that never fall, over resets and saturation."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

K = TypeVar("K", bound=str)
_NARROW = 1 << 32


@dataclass(frozen=True, slots=True)
class _Row(Generic[K]):
    at: float
    counters: Mapping[K, float]
    totals: Mapping[K, float]
    """Sums of increases since the counter was first seen."""
    blind: frozenset[K]


def growth(before: float, after: float) -> float:
    """Return by how much a counter grew; never negative.

    One that fell was reset and grew by what it shows. One that fell from beyond 32 bits may have been extended over
    wraps by a collector that began anew: then its low bits tell the growth.
    """
    if after >= before:
        return after - before
    if after < _NARROW <= before and (grown := (int(after) - int(before)) % _NARROW) < _NARROW // 2:
        return float(grown)
    return after


class CounterLedger(Generic[K]):
    """Readings of counters, oldest first, no longer than *horizon* seconds (and always the last two)."""

    def __init__(self, horizon: float) -> None:
        self.horizon = horizon
        self._rows: deque[_Row[K]] = deque()

    def push(self, at: float, counters: Mapping[K, float], blind: Collection[K] = ()) -> bool:
        """Take the next reading; tell whether it is newer than the last. *blind* counters are saturated."""
        last = self._rows[-1] if self._rows else None
        if last is not None and at <= last.at:
            return False
        before: Mapping[K, float] = last.counters if last is not None else {}
        held: Mapping[K, float] = last.totals if last is not None else {}
        totals = {
            key: held[key] + growth(before[key], value) if key in before else 0.0 for key, value in counters.items()
        }
        self._rows.append(_Row(at, counters, totals, frozenset(blind)))
        while len(self._rows) > 2 and self._rows[1].at <= at - self.horizon:
            self._rows.popleft()
        return True

    @property
    def seconds(self) -> float:
        """Length of the window; 0 before the second reading."""
        return self._rows[-1].at - self._rows[0].at if len(self._rows) > 1 else 0.0

    def increases(self) -> dict[K, float]:
        """Return by how much each counter grew within the window; empty before the second reading."""
        if len(self._rows) < 2:
            return {}
        first, last = self._rows[0], self._rows[-1]
        return {
            key: total - first.totals[key]
            for key, total in last.totals.items()
            if key in first.totals and key not in first.blind
        }

    def rates(self) -> dict[K, float]:
        """Return the increase per second of each counter."""
        seconds = self.seconds
        return {key: grown / seconds for key, grown in self.increases().items()}
