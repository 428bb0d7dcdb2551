"""Demand on one role over time: its mean over a past, how sure that mean is, and where it is going."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from math import sqrt

KEPT_SECONDS = 1800.0
_TREND_SECONDS = 240.0
_TREND_LEAST = 170.0
_SURE = 3.0
"""Standard errors that a slope must be away from none before it counts."""


@dataclass(frozen=True, slots=True)
class Level:
    """A mean of demand in tokens a second, and its standard error."""

    mean: float
    error: float

    def at_least(self, deviations: float) -> float:
        """Return what demand is at least, this sure."""
        return self.mean - deviations * self.error

    def at_most(self, deviations: float) -> float:
        """Return what demand is at most, this sure."""
        return self.mean + deviations * self.error


class Demand:
    """What arrived a second, tick by tick. Arrivals are taken as Poisson's, lengths as their variation says."""

    def __init__(self) -> None:
        self._ticks: deque[tuple[float, float]] = deque()
        self._arrivals = 0.0
        self._scv = 1.0

    def add(self, now: float, tokens: float, arrivals: float, scv: float) -> None:
        """Take the demand of a tick, with requests a second and the squared variation of their lengths."""
        self._ticks.append((now, tokens))
        self._arrivals += (arrivals - self._arrivals) * (0.1 if len(self._ticks) > 10 else 1.0 / len(self._ticks))
        self._scv = scv
        while self._ticks[0][0] < now - KEPT_SECONDS:
            self._ticks.popleft()

    @property
    def seconds(self) -> float:
        """Length of the past that is known."""
        return self._ticks[-1][0] - self._ticks[0][0] if self._ticks else 0.0

    def level(self, seconds: float, ago: float = 0.0) -> Level | None:
        """Return the mean over the last *seconds*, or those that ended *ago* seconds before; `None` without a tick."""
        if not self._ticks:
            return None
        end = self._ticks[-1][0] - ago
        found = [tokens for at, tokens in self._since(end - seconds) if at <= end]
        return self._level(found, seconds) if found else None

    def _since(self, begin: float) -> list[tuple[float, float]]:
        found = []
        for tick in reversed(self._ticks):
            if tick[0] <= begin:
                break
            found.append(tick)
        return found

    def _level(self, found: list[float], seconds: float) -> Level:
        mean = sum(found) / len(found)
        requests = max(1.0, self._arrivals * seconds)
        return Level(mean, mean * sqrt((1.0 + self._scv) / requests))

    def peak(self, past: float, seconds: float, deviations: float) -> float:
        """Return the highest mean over *seconds* within the *past*, with so many standard errors on top."""
        ticks = self._since(self._ticks[-1][0] - past) if self._ticks else []
        best, total = 0.0, 0.0
        held: deque[tuple[float, float]] = deque()
        for at, tokens in reversed(ticks):
            held.append((at, tokens))
            total += tokens
            while held[0][0] <= at - seconds:
                total -= held.popleft()[1]
            if at - held[0][0] >= seconds * 0.8:
                best = max(best, total / len(held))
        level = self._level([best], seconds)
        return level.at_most(deviations)

    def slope(self) -> float:
        """Return by how much demand grows a second; 0 where that may be chance."""
        ticks = self._since(self._ticks[-1][0] - _TREND_SECONDS) if self._ticks else []
        if len(ticks) < 8 or ticks[0][0] - ticks[-1][0] < _TREND_LEAST:
            return 0.0
        n = len(ticks)
        mean_at, mean = sum(at for at, _ in ticks) / n, sum(tokens for _, tokens in ticks) / n
        spread = sum((at - mean_at) ** 2 for at, _ in ticks)
        slope = sum((at - mean_at) * (tokens - mean) for at, tokens in ticks) / spread
        rest = sum((tokens - mean - slope * (at - mean_at)) ** 2 for at, tokens in ticks) / (n - 2)
        return slope if abs(slope) > _SURE * sqrt(rest / spread) else 0.0

    def memory(self) -> list[tuple[float, float]]:
        """Return what is worth keeping over a restart of pdwatch."""
        return list(self._ticks)
