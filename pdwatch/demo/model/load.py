"""Arrivals: a Poisson stream whose rate and lengths follow a profile, or a trace of given requests."""

from __future__ import annotations

import math
from bisect import bisect_right
from dataclasses import dataclass
from random import Random


@dataclass(frozen=True, slots=True)
class Phase:
    """The load from `at` seconds on: requests per second and mean tokens in and out."""

    at: float
    rate: float
    input_tokens: float
    output_tokens: float


@dataclass(frozen=True, slots=True)
class Arrival:
    """One request before it meets the fleet. `luck` is its own uniform draw, so that runs of the same load that
    differ in the fleet meet the same requests."""

    at: float
    input_tokens: int
    output_tokens: int
    luck: float


@dataclass(frozen=True, slots=True)
class Load:
    """Either `phases`, or a `trace` of (seconds, input tokens, output tokens) in order of time.

    Lengths are lognormal around the phase's mean. `smooth` draws straight lines between phases instead of steps;
    `period` repeats the phases for ever. `cached_share` of each prompt is found in prefill's prefix cache.
    """

    phases: tuple[Phase, ...] = ()
    trace: tuple[tuple[float, int, int], ...] = ()
    input_sigma: float = 0.5
    output_sigma: float = 0.6
    smooth: bool = False
    period: float | None = None
    cached_share: float = 0.05
    shortest: int = 8
    longest: int = 16_000

    @classmethod
    def steady(cls, rate: float, input_tokens: float, output_tokens: float) -> Load:
        """One phase for ever."""
        return cls(phases=(Phase(0.0, rate, input_tokens, output_tokens),))

    def at(self, time: float) -> Phase:
        """The phase in force at *time*."""
        if self.period:
            time %= self.period
        index = max(0, bisect_right(self.phases, time, key=lambda phase: phase.at) - 1)
        phase = self.phases[index]
        if not self.smooth or index + 1 == len(self.phases):
            return phase
        after = self.phases[index + 1]
        share = (time - phase.at) / (after.at - phase.at)
        return Phase(
            time,
            phase.rate + share * (after.rate - phase.rate),
            phase.input_tokens + share * (after.input_tokens - phase.input_tokens),
            phase.output_tokens + share * (after.output_tokens - phase.output_tokens),
        )


class Arrivals:
    """The requests of a load, one after the other."""

    def __init__(self, load: Load, seed: int) -> None:
        self._load = load
        self._random = Random(f"arrivals {seed}")  # noqa: S311 - a simulation, not a secret
        self._clock = 0.0
        self._taken = 0

    def next(self) -> Arrival | None:
        """The next arrival, or None where the load ends."""
        return self._from_trace() if self._load.trace else self._from_phases()

    def _from_trace(self) -> Arrival | None:
        if self._taken == len(self._load.trace):
            return None
        at, tokens_in, tokens_out = self._load.trace[self._taken]
        self._taken += 1
        return Arrival(at, max(1, tokens_in), max(1, tokens_out), self._random.random())

    def _from_phases(self) -> Arrival | None:
        load = self._load
        peak = max((phase.rate for phase in load.phases), default=0.0)
        ends = not load.period and bool(load.phases) and load.phases[-1].rate == 0.0
        while peak > 0.0:
            if ends and self._clock >= load.phases[-1].at:
                return None
            self._clock += self._random.expovariate(peak)
            phase = load.at(self._clock)
            if self._random.random() * peak < phase.rate:
                tokens_in = self._length(phase.input_tokens, load.input_sigma)
                tokens_out = self._length(phase.output_tokens, load.output_sigma)
                return Arrival(self._clock, tokens_in, tokens_out, self._random.random())
        return None

    def _length(self, mean: float, sigma: float) -> int:
        drawn = self._random.lognormvariate(math.log(mean) - sigma * sigma / 2, sigma)
        return int(min(max(drawn, self._load.shortest), self._load.longest))
