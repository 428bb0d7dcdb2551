"""How fast an engine prefills, learned from what it does; nothing is profiled.

Two kinds of intervals between pages tell the speed in prompt tokens a second (utilisation law):

- saturated: requests waited at both ends and prefill was at work all the while, so the engine never idled: its speed is
  the tokens over the time. A queue that waits for KV blocks leaves the engine idle and tells nothing;
- light: few requests were in prefill at a time. One alone takes the time of its pass, so its tokens over its prefill
  time are the speed. Several in one pass each take all of its time, so the tokens of a mean pass stand for theirs, and
  a share is added for prompts that straddle passes.

The saturated speed is exact and preferred once it has been seen often enough. What was reached is a lower bound.
"""

from __future__ import annotations

from collections.abc import Mapping

from pdwatch.model.kept import number
from pdwatch.signals.capacity.step import Step

_LIGHT_CONCURRENCY = 0.6
_SHARED_CONCURRENCY = 1.25
_ENOUGH_PASSES = 4
_STRADDLING = 0.12
"""By how much the tokens of a mean pass fall short of the speed for each request in prefill at a time: measured on the
simulated fleet, for prompts of 1,700 to 3,500 tokens within 2 %."""
_BUSY = 0.9
_ENOUGH_SATURATED = 3
_MEMORY = 20
"""Samples over which an estimate averages."""


class Average:
    """A mean that forgets: plain over the first samples, exponential after."""

    def __init__(self, count: int = 0, value: float = 0.0) -> None:
        self.count = count
        self.value = value

    def add(self, sample: float) -> None:
        """Take one more sample."""
        self.count = min(self.count + 1, _MEMORY)
        self.value += (sample - self.value) / self.count


class PrefillSpeed:
    """The learned prefill speed of one engine."""

    def __init__(self) -> None:
        self._saturated = Average()
        self._light = Average()
        self._young = Average()

    def learn(self, step: Step, young: bool = False) -> None:
        """Learn from what the engine did between two pages; without prompts that is nothing.

        What a *young* process does counts only as long as nothing else is known.
        """
        if step.prefill_seconds <= 0 or step.computed <= 0 or step.seconds <= 0:
            return
        saturated, light = (self._young, self._young) if young else (self._saturated, self._light)
        concurrency = step.prefill_seconds / step.seconds
        if step.waited and step.busy >= _BUSY:
            saturated.add(step.computed / step.seconds)
        elif step.passes >= _ENOUGH_PASSES and concurrency <= _SHARED_CONCURRENCY:
            each = step.computed / step.passes * step.prefilled / step.prefill_seconds
            light.add(each / (1.0 - _STRADDLING * concurrency))
        elif concurrency <= _LIGHT_CONCURRENCY:
            light.add(step.computed / step.prefill_seconds)

    @property
    def tokens_per_second(self) -> float | None:
        """The estimate; `None` before anything was learned."""
        if self._saturated.count >= _ENOUGH_SATURATED:
            return self._saturated.value
        if self._light.count:
            return max(self._light.value, self._saturated.value)
        known = next((mean for mean in (self._saturated, self._young) if mean.count), None)
        return None if known is None else known.value

    def memory(self) -> dict[str, float]:
        """Return what is worth keeping over a restart of pdwatch."""
        kept = {"saturated": self._saturated, "light": self._light}
        return {f"{name}_{key}": getattr(mean, key) for name, mean in kept.items() for key in ("count", "value")}

    def recall(self, kept: Mapping[str, object]) -> None:
        """Go on from what `memory` returned. Raises `KeyError` or `ValueError` where that is something else."""
        numbers = {name: number(kept[name]) for name in self.memory()}
        self._saturated = Average(int(numbers["saturated_count"]), numbers["saturated_value"])
        self._light = Average(int(numbers["light_count"]), numbers["light_value"])
