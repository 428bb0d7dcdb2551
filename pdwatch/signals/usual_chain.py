"""What each hop to the first token usually takes, learned slowly while the service is well.

The first value is the median of a minute. After that it follows quickly downwards and slowly upwards, and not at all
while the objective is missed: what grows must not become usual before somebody has seen it.
"""

from __future__ import annotations

from dataclasses import fields, replace
from math import exp
from statistics import median

from pdwatch.model.latency import Attainment, LatencyState, TtftChain

ENOUGH_REQUESTS = 20.0
"""Requests within the window below which its means are chance."""
_FIRST_SECONDS = 60.0
_FEWEST = 3
_DOWN_SECONDS = 600.0
_UP_SECONDS = 7200.0
"""Time constants of following."""
_LONGEST_STEP = 60.0
"""A gap in watching counts as no more than this."""


class _Usual:
    """One hop."""

    def __init__(self) -> None:
        self.value: float | None = None
        self._seen: list[tuple[float, float]] = []
        self._at = 0.0

    def learn(self, at: float, value: float) -> None:
        if self.value is None:
            self._seen.append((at, value))
            if at - self._seen[0][0] >= _FIRST_SECONDS and len(self._seen) >= _FEWEST:
                self.value = median(seen for _, seen in self._seen)
                self._seen.clear()
        else:
            constant = _DOWN_SECONDS if value < self.value else _UP_SECONDS
            step = min(at - self._at, _LONGEST_STEP)
            self.value += (1.0 - exp(-step / constant)) * (value - self.value)
        self._at = at


class UsualChain:
    """The hops of one service between ticks."""

    def __init__(self) -> None:
        self._hops = {entry.name: _Usual() for entry in fields(TtftChain)}

    def observe(self, now: float, latency: LatencyState, objective: Attainment | None) -> LatencyState:
        """Return *latency* with what its hops usually take; learn where the *objective* is met or there is none."""
        enough = latency.ttft_seconds.count >= ENOUGH_REQUESTS
        if enough and (objective is None or objective.ratio is None or objective.ratio >= objective.target):
            for name, hop in self._hops.items():
                value = getattr(latency.chain, name)
                if value is not None:
                    hop.learn(now, value)
        return replace(latency, chain_usual=TtftChain(**{name: hop.value for name, hop in self._hops.items()}))
