"""How long a decode step takes, learned across the engines of a pool by least squares with forgetting.

`ITL = base + per_request * n + per_token * K`: planner literature fits the same line to profiled tables; here n and K
are what the engines ran. Coefficients are never negative. Where load hardly varied, the line through what was seen
and half its height at no load is taken: a guess that gives way as soon as load moves.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations

from pdwatch.model.capacity import StepTime
from pdwatch.model.kept import number

_FORGET = 0.998
_LEAST = 3.0
"""Weighted steps below which nothing is told."""
_GUESS_WEIGHT = 0.05
"""Weight of the guess against one step seen."""
_OUTLIER = 1.5
"""A step this many times slower or faster than the model says is another engine's trouble, not the pool's model."""


class StepTimeModel:
    """Sums of squares of (1, n, K) and ITL, newest weighing most. K is in thousands of tokens, to keep them alike."""

    def __init__(self) -> None:
        self._xx = [[0.0] * 3 for _ in range(3)]
        self._xy = [0.0] * 3
        self._weight = 0.0
        self._odd = 0
        self._fit: StepTime | None = None
        self._stale = False

    def learn(self, batch: float, tokens: float, itl: float) -> None:
        """Take a step in which *batch* requests with *tokens* of KV together took *itl* seconds a token."""
        told = self.fit()
        if told is not None and self._weight > 20:
            expected = told.base + told.per_request * batch + told.per_token * tokens
            if not expected / _OUTLIER < itl < expected * _OUTLIER:
                self._odd += 1
                if self._odd < 20:
                    return
                self._restart()
        self._odd = 0
        row = (1.0, batch, tokens / 1000.0)
        for i, left in enumerate(row):
            self._xy[i] = self._xy[i] * _FORGET + left * itl
            for j, right in enumerate(row):
                self._xx[i][j] = self._xx[i][j] * _FORGET + left * right
        self._weight = self._weight * _FORGET + 1.0
        self._stale = True

    def _restart(self) -> None:
        """Begin anew: the pool has changed."""
        self._xx, self._xy, self._weight = [[0.0] * 3 for _ in range(3)], [0.0] * 3, 0.0

    def fit(self) -> StepTime | None:
        """Return the model, `None` before enough was seen."""
        if self._weight < _LEAST:
            return None
        if self._stale:
            base, per_request, per_token = _non_negative(*self._with_guess())
            found = StepTime(base, per_request, per_token / 1000.0)
            self._fit, self._stale = found if base + per_request + per_token > 0 else None, False
        return self._fit

    def _with_guess(self) -> tuple[list[list[float]], list[float]]:
        """Return the sums with one faint step added: no requests, half the mean time."""
        weight = _GUESS_WEIGHT
        xx, xy = [list(row) for row in self._xx], list(self._xy)
        xx[0][0] += weight
        xy[0] += weight * 0.5 * self._xy[0] / self._weight
        return xx, xy

    def memory(self) -> dict[str, object]:
        """Return what is worth keeping over a restart of pdwatch."""
        return {"xx": self._xx, "xy": self._xy, "weight": self._weight}

    def recall(self, kept: Mapping[str, object]) -> None:
        """Go on from what `memory` returned. Raises `KeyError` or `ValueError` where that is something else."""
        rows, right, weight = kept["xx"], _three(kept["xy"]), number(kept["weight"])
        if not isinstance(rows, list) or len(rows) != 3:
            raise ValueError("xx must be three rows")
        self._xx, self._xy, self._weight, self._stale = [_three(row) for row in rows], right, weight, True


def _three(values: object) -> list[float]:
    if not isinstance(values, list) or len(values) != 3:
        raise ValueError(f"three numbers are expected, not {values!r}")
    return [number(value) for value in values]


def _non_negative(xx: Sequence[Sequence[float]], xy: Sequence[float]) -> tuple[float, float, float]:
    """Return the least squares of three coefficients, none negative: the best of the fits on every subset."""
    best, least = (0.0, 0.0, 0.0), 0.0
    for size in (1, 2, 3):
        for chosen in combinations(range(3), size):
            found = _solve([[xx[i][j] for j in chosen] for i in chosen], [xy[i] for i in chosen])
            if found is None or min(found) < 0:
                continue
            gain = sum(value * xy[i] for value, i in zip(found, chosen, strict=True))
            if gain > least * (1 + 1e-9):
                least = gain
                best = tuple(dict(zip(chosen, found, strict=True)).get(i, 0.0) for i in range(3))  # type: ignore[assignment]
    return best


def _solve(matrix: list[list[float]], right: list[float]) -> list[float] | None:
    """Return the solution of a small system by elimination; `None` where it has no single one."""
    size = len(right)
    rows = [[*row, value] for row, value in zip(matrix, right, strict=True)]
    for i in range(size):
        pivot = max(range(i, size), key=lambda r: abs(rows[r][i]))
        rows[i], rows[pivot] = rows[pivot], rows[i]
        if abs(rows[i][i]) <= 1e-9 * max(1e-30, matrix[i][i]):
            return None
        for r in range(size):
            if r != i:
                factor = rows[r][i] / rows[i][i]
                rows[r] = [a - factor * b for a, b in zip(rows[r], rows[i], strict=True)]
    return [rows[i][size] / rows[i][i] for i in range(size)]
