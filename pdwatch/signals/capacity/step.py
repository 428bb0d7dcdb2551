"""What one engine did between its last two pages: the atom from which speeds, lengths and demand are learned."""

from __future__ import annotations

from dataclasses import dataclass

from pdwatch.model.reading import Quantity as Q
from pdwatch.model.reading import Reading, Tally
from pdwatch.model.window import Change
from pdwatch.signals.capacity.computed import computed_tokens
from pdwatch.signals.finished import finished

_GAUGES = (Q.REQUESTS_WAITING, Q.REQUESTS_RUNNING, Q.KV_CACHE_USAGE)
_SEVERAL = 2.0
_NOTHING = Tally(0.0, 0.0)


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
    prompts: float
    """Requests that ended, by the histogram of their prompts, and the tokens of those prompts."""
    prompt_tokens: float
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


def step_of(before: Reading, after: Reading) -> Step:
    """Return what happened between two readings of one life."""
    change = Change(before, after)
    prefill_seconds, prefilled = change.tally(Q.PREFILL_TIME) or _NOTHING
    prompt_tokens, prompts = change.tally(Q.REQUEST_PROMPT_TOKENS) or _NOTHING
    _, passes = change.tally(Q.ITERATION_TOKENS) or _NOTHING
    answer_tokens, answers = change.tally(Q.REQUEST_GENERATION_TOKENS) or _NOTHING
    gap_seconds, gaps = change.tally(Q.ITL) or _NOTHING
    waited, ran, used = before.each(_GAUGES)
    waiting, running, usage = after.each(_GAUGES)
    return Step(
        at=after.at,
        seconds=after.at - before.at,
        computed=computed_tokens(change) or 0.0,
        prefilled=prefilled,
        prefill_seconds=prefill_seconds,
        prompts=prompts,
        prompt_tokens=prompt_tokens,
        passes=passes,
        generated=change.delta(Q.GENERATION_TOKENS) or 0.0,
        ended=finished(change) or 0.0,
        answers=answers,
        answer_tokens=answer_tokens,
        gaps=gaps,
        gap_seconds=gap_seconds,
        grew_waiting=(waiting or 0.0) - (waited or 0.0),
        grew_running=(running or 0.0) - (ran or 0.0),
        waited=min(waited or 0.0, waiting or 0.0) >= _SEVERAL,
        running=running or 0.0,
        waiting=waiting or 0.0,
        usage=None if usage is None or used is None else (usage + used) / 2,
    )
