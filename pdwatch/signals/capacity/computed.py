"""Prompt tokens that an engine computed itself, by the best source that its page has."""

from __future__ import annotations

from pdwatch.model.reading import Quantity as Q
from pdwatch.model.window import Change, Flow, Window


def computed_tokens(window: Window | Flow | Change) -> float | None:
    """Return the prompt tokens that the engine computed itself within the window.

    By source since vLLM 0.16; by finished requests since 0.13; before that, prompts less cache hits.
    """
    computed = window.delta(Q.PROMPT_TOKENS_COMPUTED)
    if computed is not None:
        return computed
    finished = window.tally(Q.REQUEST_COMPUTED_TOKENS)
    if finished is not None:
        return finished.sum
    prompts = window.delta(Q.PROMPT_TOKENS)
    if prompts is None:
        return None
    hits = (window.delta(Q.PREFIX_CACHE_HITS) or 0.0) + (window.delta(Q.EXTERNAL_CACHE_HITS) or 0.0)
    return max(0.0, prompts - hits)
