"""Demand on one role over time: its mean over a past, how sure that mean is, and where it is going."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from math import sqrt
from statistics import median

from pdwatch.model.kept import number

KEPT_SECONDS = 1800.0
_TREND_SECONDS = 240.0
_TREND_LEAST = 170.0
_SURE = 3.0
"""Standard errors that a slope must be away from none before it counts."""
_LATELY, _BEFORE, _LEAP = 60.0, 180.0, 1.15
"""Seconds of arrivals that are compared with those of more, and the ratio from which they leapt."""
_ENOUGH_ENDED = 5.0
"""Answers that must have ended before their length is told."""


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


@dataclass(frozen=True, slots=True)
class Tick:
    """What arrived: tokens and requests a second; and what decode did since the last tick."""

    at: float
    tokens: float
    arrivals: float
    generated: float = 0.0
    ended: float = 0.0


class Demand:
    """What arrived, tick by tick. Arrivals are taken as Poisson's, lengths as their variation says.

    Of prefill, what counts is the tokens that arrived. Of decode, nobody knows how long the answers to those that
    arrived will be: demand is arrivals times the tokens generated over the answers ended, both of the same past.
    """

    def __init__(self, by_length: bool = False) -> None:
        self._by_length = by_length
        self._ticks: deque[Tick] = deque()
        self._scv = 1.0

    def add(self, tick: Tick, scv: float) -> None:
        """Take what a tick tells, with the squared variation of the lengths of requests.

        What is later than the tick is forgotten: the clock was set back.
        """
        while self._ticks and self._ticks[-1].at >= tick.at:
            self._ticks.pop()
        self._ticks.append(tick)
        self._scv = scv
        while self._ticks[0].at < tick.at - KEPT_SECONDS:
            self._ticks.popleft()

    @property
    def seconds(self) -> float:
        """Length of the past that is known."""
        return self._ticks[-1].at - self._ticks[0].at if self._ticks else 0.0

    def level(self, seconds: float) -> Level | None:
        """Return the mean over the last *seconds*; `None` without a tick."""
        found = self._past(seconds)
        if not found:
            return None
        arrivals = sum(tick.arrivals for tick in found) / len(found)
        requests = max(1.0, arrivals * seconds)
        if not self._by_length:
            mean = sum(tick.tokens for tick in found) / len(found)
            return Level(mean, mean * sqrt((1.0 + self._scv) / requests))
        tokens, ended = self._length(found)
        mean = arrivals * tokens
        return Level(mean, mean * sqrt(1.0 / requests + self._scv / max(1.0, ended)))

    def leapt(self) -> bool:
        """Tell whether more requests arrive than a while ago, rather than longer ones."""
        lately, before = self._past(_LATELY), self._past(_BEFORE)
        if not lately or not before:
            return False
        rates = [sum(tick.arrivals for tick in ticks) / len(ticks) for ticks in (lately, before)]
        return rates[0] > _LEAP * rates[1]

    def _length(self, found: list[Tick]) -> tuple[float, float]:
        """Return the mean tokens of an answer and the answers it rests on; of a longer past where too few ended."""
        generated, ended = sum(tick.generated for tick in found), sum(tick.ended for tick in found)
        if ended >= _ENOUGH_ENDED:
            return generated / ended, ended
        for tick in self._past(KEPT_SECONDS)[len(found) :]:
            generated, ended = generated + tick.generated, ended + tick.ended
            if ended >= _ENOUGH_ENDED:
                break
        return (generated / ended, ended) if ended else (0.0, 0.0)

    def _past(self, seconds: float) -> list[Tick]:
        """Return the ticks of the last *seconds*, newest first."""
        found: list[Tick] = []
        begin = self._ticks[-1].at - seconds if self._ticks else 0.0
        for tick in reversed(self._ticks):
            if tick.at <= begin:
                break
            found.append(tick)
        return found

    def peak(self, past: float, seconds: float, deviations: float) -> float:
        """Return the highest mean over *seconds* within the *past*, with so many standard errors on top."""
        best = total = arrivals = 0.0
        held: deque[Tick] = deque()
        for tick in reversed(self._past(past)):
            held.append(tick)
            total += tick.tokens
            arrivals += tick.arrivals
            while held[0].at <= tick.at - seconds:
                gone = held.popleft()
                total, arrivals = total - gone.tokens, arrivals - gone.arrivals
            if tick.at - held[0].at >= seconds * 0.8:
                requests = max(1.0, arrivals / len(held) * seconds)
                best = max(best, total / len(held) * (1.0 + deviations * sqrt((1.0 + self._scv) / requests)))
        return best

    def usual(self) -> float:
        """Return the median of the demand of the past that is kept: crowds do not move it."""
        return median(tick.tokens for tick in self._ticks) if self._ticks else 0.0

    def slope(self) -> float:
        """Return by how much demand grows a second; 0 where that may be chance."""
        ticks = self._past(_TREND_SECONDS)
        if len(ticks) < 8 or ticks[0].at - ticks[-1].at < _TREND_LEAST:
            return 0.0
        n = len(ticks)
        mean_at, mean = sum(tick.at for tick in ticks) / n, sum(tick.tokens for tick in ticks) / n
        spread = sum((tick.at - mean_at) ** 2 for tick in ticks)
        slope = sum((tick.at - mean_at) * (tick.tokens - mean) for tick in ticks) / spread
        rest = sum((tick.tokens - mean - slope * (tick.at - mean_at)) ** 2 for tick in ticks) / (n - 2)
        return slope if abs(slope) > _SURE * sqrt(rest / spread) else 0.0

    def memory(self) -> list[tuple[float, ...]]:
        """Return what is worth keeping over a restart of pdwatch."""
        return [(t.at, t.tokens, t.arrivals, t.generated, t.ended) for t in self._ticks]

    def recall(self, kept: list[list[float]]) -> None:
        """Go on from what `memory` returned. Raises `TypeError` or `ValueError` where that is something else."""
        self._ticks = deque(Tick(*map(number, tick)) for tick in kept)
