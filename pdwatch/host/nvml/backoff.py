"""Waiting times between restarts that double until something holds."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Backoff:
    """Seconds to wait after each failure in a row. Holds no clock: times are handed in, monotonic, in seconds."""

    first: float = 1.0
    most: float = 60.0
    steady: float = 60.0
    """How long something must have lived for its failure to count as the first."""
    _failures: int = 0
    _until: float = float("-inf")

    def failed(self, now: float, lived: float) -> None:
        """Note a failure at *now* of something that *lived* so long."""
        if lived >= self.steady:
            self._failures = 0
        self._until = now + min(self.first * 2**self._failures, self.most)
        self._failures = min(self._failures + 1, 16)

    def remaining(self, now: float) -> float:
        """Return how long to wait still; 0 when the next attempt may start."""
        return max(0.0, self._until - now)
