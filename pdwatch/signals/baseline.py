"""What is normal for one measured thing, learned from its own first minutes.

The baseline is the median of the first qualifying values and stays: one that followed the best or the newest window
would make a slow decline invisible.
"""

from __future__ import annotations

from statistics import median

_FEWEST = 3


class Baseline:
    """The median of what was seen within *seconds* of the first value, of at least three."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._began: float | None = None
        self._seen: list[float] = []
        self.value: float | None = None
        """`None` while it is learned."""

    def learn(self, at: float, value: float) -> None:
        """Take a value of time *at* (Unix seconds); without effect once the baseline stands."""
        if self.value is not None:
            return
        if self._began is None:
            self._began = at
        self._seen.append(value)
        if at - self._began >= self._seconds and len(self._seen) >= _FEWEST:
            self.value = median(self._seen)
            self._seen.clear()
