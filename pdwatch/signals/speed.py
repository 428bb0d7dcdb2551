"""How fast an engine prefills, learned from what it does; nothing is profiled.

Two kinds of scrape intervals tell the speed in prompt tokens a second (utilisation law):

- saturated: requests waited at both ends, so the engine never idled: its speed is the tokens over the time;
- light: at most about one request was in prefill at a time, so tokens over summed prefill times are.

The saturated speed is exact and preferred once it has been seen often enough. What was reached is a lower bound.
"""

from __future__ import annotations

from pdwatch.model.reading import Quantity as Q
from pdwatch.model.reading import Reading
from pdwatch.model.window import Flow, Window

_LIGHT_CONCURRENCY = 1.2
_ENOUGH_SATURATED = 3
_MEMORY = 20
"""Samples over which an estimate averages."""


class _Average:
    """A mean that forgets: plain over the first samples, exponential after."""

    def __init__(self) -> None:
        self.count = 0
        self.value = 0.0

    def add(self, sample: float) -> None:
        self.count += 1
        self.value += (sample - self.value) / min(self.count, _MEMORY)


class PrefillSpeed:
    """The learned prefill speed of one engine."""

    def __init__(self) -> None:
        self._saturated = _Average()
        self._light = _Average()

    def learn(self, before: Reading, after: Reading, step: Flow) -> None:
        """Learn from the *step* between two readings within one life of the process; without prompts it is nothing."""
        prefilled, seconds = step.histogram(Q.PREFILL_TIME), after.at - before.at
        spent, computed = (prefilled.sum if prefilled is not None else 0.0), computed_tokens(step)
        if spent <= 0 or not computed:
            return
        if before.value(Q.REQUESTS_WAITING) and after.value(Q.REQUESTS_WAITING):
            self._saturated.add(computed / seconds)
        elif spent <= _LIGHT_CONCURRENCY * seconds:
            self._light.add(computed / spent)

    @property
    def tokens_per_second(self) -> float | None:
        """The estimate; `None` before anything was learned."""
        if self._saturated.count >= _ENOUGH_SATURATED:
            return self._saturated.value
        if self._light.count:
            return max(self._light.value, self._saturated.value)
        return self._saturated.value if self._saturated.count else None


def computed_tokens(window: Window | Flow) -> float | None:
    """Return the prompt tokens that the engine computed itself within the window.

    By source since 0.16; by finished requests since 0.13; before that, prompts less cache hits.
    """
    computed = window.delta(Q.PROMPT_TOKENS_COMPUTED)
    if computed is not None:
        return computed
    finished = window.histogram(Q.REQUEST_COMPUTED_TOKENS)
    if finished is not None:
        return finished.sum
    prompts = window.delta(Q.PROMPT_TOKENS)
    if prompts is None:
        return None
    hits = (window.delta(Q.PREFIX_CACHE_HITS) or 0.0) + (window.delta(Q.EXTERNAL_CACHE_HITS) or 0.0)
    return max(0.0, prompts - hits)
