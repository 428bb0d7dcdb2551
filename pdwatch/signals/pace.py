"""How long a token takes on an engine: what shows a slow worker, whatever it was given to do.

Where answers are made it is the time between tokens, exact after seconds: the lesser of the last two looks, so that one
odd moment is nothing. In prefill it is the least of three upper bounds over half a minute, of which each is near the
truth in another state: the summed prefill times over the tokens (one prompt at a time), the time of a prompt over the
tokens of a pass (several prompts in one pass), and the time that went by over the tokens (never idle). The worst look
of the half minute is left out, so that an engine which hung for a moment is not slow for all of it.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from operator import add, sub

from pdwatch.signals.capacity.step import Step

HORIZON_SECONDS = 30.0
ENOUGH_GAPS = 20.0
"""Gaps between tokens within one look below which their mean is chance."""
ENOUGH_PREFILLS = 10.0
"""Prompts within the horizon below which their mean is chance."""
_ENOUGH_PASSES = 4.0
_ENOUGH_LOOKS = 3
_NOTHING = (0.0,) * 9
_PREFILLED, _PREFILL_SECONDS, _COMPUTED = 3, 4, 6
"""Places in the sums."""


@dataclass(frozen=True, slots=True)
class Pace:
    """The speed of one engine and what it did meanwhile."""

    seconds: float
    """Of a token."""
    load: float
    """Mean requests that shared the engine over the horizon, by their summed times: a fuller batch is slower."""
    tokens_per_second: float
    """Tokens generated, or computed in prefill, over the horizon."""
    prompt_tokens: float | None
    """Mean length of a prompt over the horizon: long ones take longer a token."""


class PaceWatch:
    """What one engine did within the horizon, as sums."""

    def __init__(self) -> None:
        self._parts: deque[tuple[float, tuple[float, ...]]] = deque()
        self._sums: tuple[float, ...] = _NOTHING
        self._gaps: tuple[float | None, float | None] = (None, None)
        """Seconds between tokens at the last look but one and at the last."""

    def clear(self) -> None:
        """Forget all: the process began anew."""
        self._parts.clear()
        self._sums = _NOTHING
        self._gaps = (None, None)

    def push(self, step: Step) -> None:
        """Take what happened between two pages."""
        part = (
            step.seconds,
            step.gaps,
            step.gap_seconds,
            step.prefilled,
            step.prefill_seconds,
            step.passes,
            step.computed,
            step.prompt_tokens,
            step.prompts,
        )
        self._parts.append((step.at - step.seconds, part))
        self._sums = tuple(map(add, self._sums, part))
        self._gaps = (self._gaps[1], step.itl if step.gaps >= ENOUGH_GAPS else None)
        while len(self._parts) > 1 and self._parts[0][0] < step.at - HORIZON_SECONDS - 1.0:
            self._sums = tuple(map(sub, self._sums, self._parts.popleft()[1]))

    def pace(self) -> Pace | None:
        """Return the pace; `None` where too little was done to tell."""
        seconds, gaps, gap_seconds, prefilled, prefill_seconds, _, computed, prompt_tokens, prompts = self._sums
        if seconds <= 0:
            return None
        length = prompt_tokens / prompts if prompts >= 1 else None
        if self._gaps[1] is not None and gaps > 0:
            pace = self._gaps[1] if self._gaps[0] is None else min(self._gaps[0], self._gaps[1])
            return Pace(pace, gap_seconds / seconds, gaps / seconds, length)
        if prefilled < ENOUGH_PREFILLS or computed <= 0 or prefill_seconds <= 0:
            return None
        return Pace(self._prefill_pace(), prefill_seconds / seconds, computed / seconds, length)

    def _prefill_pace(self) -> float:
        seconds, _, _, prefilled, prefill_seconds, passes, computed, _, _ = self._usual()
        bounds = [prefill_seconds / computed, seconds / computed]
        if passes >= _ENOUGH_PASSES:
            bounds.append(prefill_seconds / prefilled * passes / computed)
        return min(bounds)

    def _usual(self) -> tuple[float, ...]:
        """Return the sums without the look at which a token took longest, where enough is left to tell."""
        worked = [part for _, part in self._parts if part[_COMPUTED] > 0]
        if len(worked) < _ENOUGH_LOOKS:
            return self._sums
        worst = max(worked, key=lambda part: part[_PREFILL_SECONDS] / part[_COMPUTED])
        rest = tuple(map(sub, self._sums, worst))
        return rest if rest[_PREFILLED] >= ENOUGH_PREFILLS else self._sums
