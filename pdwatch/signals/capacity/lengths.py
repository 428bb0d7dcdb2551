"""Mean tokens of an answer, from the answers that ended and the tokens that all of them took.

Tokens generated over answers ended is the estimate for censored lifetimes: an answer still running counts with what it
has. The mean of ended answers alone lags by a whole answer when answers grow longer.
"""

from __future__ import annotations

from collections import deque

_ENOUGH = 120.0
"""Ended answers after which a longer past adds nothing."""
_SHORTEST, _LONGEST = 30.0, 900.0
"""Seconds of the past that are looked at, least and most."""


class AnswerLengths:
    """Tokens generated and answers ended, by tick."""

    def __init__(self) -> None:
        self._ticks: deque[tuple[float, float, float]] = deque()

    def add(self, now: float, generated: float, ended: float) -> None:
        """Take what happened on all engines of the pool since the last tick."""
        self._ticks.append((now, generated, ended))
        while self._ticks[0][0] < now - _LONGEST:
            self._ticks.popleft()

    def mean(self) -> float | None:
        """Return the mean tokens over the shortest past that has enough ended answers.

        `None` while no answer has ended.
        """
        generated = ended = 0.0
        now = self._ticks[-1][0] if self._ticks else 0.0
        for at, tokens, answers in reversed(self._ticks):
            if ended >= _ENOUGH and now - at >= _SHORTEST:
                break
            generated += tokens
            ended += answers
        return generated / ended if ended > 0 else None
