"""What a worker does, told from its numbers alone.

From the semantics of vLLM's metrics: a prefill worker generates one token a request; a decode worker's prompt tokens
arrive by transfer, and in pull mode it owns the transfer histograms, in push mode prefill does.
"""

from __future__ import annotations

from pdwatch.model.reading import Quantity as Q
from pdwatch.model.target import Role
from pdwatch.model.window import Flow

ENOUGH_REQUESTS = 3.0
"""Finished requests below which behaviour says nothing."""
_ONE_TOKEN = 1.05
_TRANSFERRED = 0.3


def behaviour(flow: Flow) -> Role:
    """Return the role that the flow of one worker shows, `UNKNOWN` while it does not tell."""
    generated = _mean(flow, Q.REQUEST_GENERATION_TOKENS)
    transferred = transferred_share(flow)
    if transferred is not None and transferred > _TRANSFERRED and (generated is None or generated > _ONE_TOKEN):
        return Role.DECODE
    if generated is None:
        return Role.UNKNOWN
    if generated <= _ONE_TOKEN:
        return Role.PREFILL
    return Role.BOTH if transferred is not None else Role.UNKNOWN


def transferred_share(flow: Flow) -> float | None:
    """Return the share of uncached prompt tokens that came from another worker; `None` where that is not told.

    By source since 0.16; before that by the connector's cache counters (0.11.2 on).
    """
    moved = flow.delta(Q.PROMPT_TOKENS_TRANSFERRED)
    computed = flow.delta(Q.PROMPT_TOKENS_COMPUTED)
    if moved is not None and computed is not None:
        return moved / (moved + computed) if moved + computed > 0 else None
    hits, queries = flow.delta(Q.EXTERNAL_CACHE_HITS), flow.delta(Q.EXTERNAL_CACHE_QUERIES)
    if hits is None or not queries:
        return None
    return min(1.0, hits / queries)


def _mean(flow: Flow, quantity: Q) -> float | None:
    seen = flow.tally(quantity)
    return seen.mean if seen is not None and seen.number >= ENOUGH_REQUESTS else None
