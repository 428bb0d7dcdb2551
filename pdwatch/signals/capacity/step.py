"""What one engine did between its last two pages: the atom from which speeds, lengths and demand are learned."""

from __future__ import annotations

from dataclasses import dataclass

from pdwatch.model.reading import Quantity as Q
from pdwatch.model.reading import Reading
from pdwatch.model.window import Flow
from pdwatch.signals.capacity.computed import computed_tokens
from pdwatch.signals.finished import finished

_SEVERAL = 2.0
NOTHING = (0.0, 0.0)


@dataclass(frozen=True, slots=True)
class Step:
    """Increases between two pages of one life; gauges are of the newer page."""

    at: float
    seconds: float
    computed: float
    """Prompt tokens that the engine computed."""
    prefilled: float
    """Requests whose prefill ended."""
    prefill_seconds: float
    """Their summed time in prefill; of several at once each counts."""
    passes: float
    """Passes of the engine."""
    generated: float
    ended: float
    """Answers that ended."""
    answers: float
    """The same by the histogram of their lengths, and the tokens of those answers."""
    answer_tokens: float
    gaps: float
    """Gaps between tokens, and how long they took together."""
    gap_seconds: float
    grew_waiting: float
    grew_running: float
    waited: bool
    """Whether several requests waited at both ends, so that the engine had work all the while."""
    running: float
    waiting: float
    usage: float | None
    """Share of the KV cache in use, mean of both ends."""

    @property
    def busy(self) -> float:
        """Share of the time in which a prefill pass was under way: of several prompts in one pass one is counted."""
        each = max(1.0, self.prefilled / self.passes) if self.passes > 0 else 1.0
        return self.prefill_seconds / each / self.seconds

    @property
    def itl(self) -> float | None:
        """Mean seconds between tokens."""
        return self.gap_seconds / self.gaps if self.gaps > 0 and self.gap_seconds > 0 else None

    @property
    def batch(self) -> float:
        """Mean requests that generated at a time, by Little's law: tokens a second times seconds between tokens."""
        return self.generated / self.seconds * (self.itl or 0.0)


def step_of(before: Reading, after: Reading, flow: Flow) -> Step:
    """Return what happened between two readings, whose increases are in *flow*."""
    grown = flow.parts[0]
    prefill_seconds, prefilled = _sum_count(grown, Q.PREFILL_TIME)
    _, passes = _sum_count(grown, Q.ITERATION_TOKENS)
    answer_tokens, answers = _sum_count(grown, Q.REQUEST_GENERATION_TOKENS)
    gap_seconds, gaps = _sum_count(grown, Q.ITL)
    waited, waiting = before.value(Q.REQUESTS_WAITING) or 0.0, after.value(Q.REQUESTS_WAITING) or 0.0
    ran, running = before.value(Q.REQUESTS_RUNNING) or 0.0, after.value(Q.REQUESTS_RUNNING) or 0.0
    usage, used = after.value(Q.KV_CACHE_USAGE), before.value(Q.KV_CACHE_USAGE)
    return Step(
        at=after.at,
        seconds=after.at - before.at,
        computed=computed_tokens(flow) or 0.0,
        prefilled=prefilled,
        prefill_seconds=prefill_seconds,
        passes=passes,
        generated=grown.value(Q.GENERATION_TOKENS) or 0.0,
        ended=finished(grown.value) or 0.0,
        answers=answers,
        answer_tokens=answer_tokens,
        gaps=gaps,
        gap_seconds=gap_seconds,
        grew_waiting=waiting - waited,
        grew_running=running - ran,
        waited=min(waited, waiting) >= _SEVERAL,
        running=running,
        waiting=waiting,
        usage=None if usage is None or used is None else (usage + used) / 2,
    )


def _sum_count(reading: Reading, quantity: Q) -> tuple[float, float]:
    slots = reading.shape.histograms.get(quantity)
    if slots is None or slots.sum is None or slots.count is None:
        return NOTHING
    return reading.values[slots.sum], reading.values[slots.count]
