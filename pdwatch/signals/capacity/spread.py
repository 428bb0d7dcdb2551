"""How much lengths vary, from sums and counts between pages: no buckets are needed.

For n values of variance v and mean m, their sum s has `E[(s - n m)^2 / n] = v`, so that each interval of each engine
gives an estimate of the variance of a single value.
"""

from __future__ import annotations

_MEMORY = 60
_SETTLED = 5
UNKNOWN_SCV = 0.5
"""Taken before enough was seen."""
_LEAST, _MOST = 0.02, 8.0


class Spread:
    """The squared coefficient of variation of a length, over the last intervals."""

    def __init__(self) -> None:
        self._seen = 0
        self._sum = 0.0
        self._count = 0.0
        self._scv = 0.0

    def add(self, total: float, count: float) -> None:
        """Take *count* values that sum to *total*."""
        if count <= 0 or total <= 0:
            return
        keep = 1.0 - 1.0 / min(self._seen + 1, _MEMORY)
        self._sum, self._count = self._sum * keep + total, self._count * keep + count
        mean = self._sum / self._count
        self._seen += 1
        if self._seen > _SETTLED:
            weight = 1.0 / min(self._seen - _SETTLED, _MEMORY)
            self._scv += ((total / mean - count) ** 2 / count - self._scv) * weight

    @property
    def squared_variation(self) -> float:
        """Variance over squared mean: 0 for equal lengths, 1 for exponential ones."""
        if self._seen < 2 * _SETTLED:
            return UNKNOWN_SCV
        return min(_MOST, max(_LEAST, self._scv))
