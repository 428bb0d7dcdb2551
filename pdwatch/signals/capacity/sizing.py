"""How much a number of replicas bears within the objectives: closed forms over what was learned.

Prefill: the share of its speed at which the wait of a prompt stays within what the TTFT objective leaves, by the tail
of a queue (Kingman's exponent: `P(W > t) = u * exp(-2 (1 - u) t / (u s (ca + cs)))` with mean service time s, and
squared variations of arrivals and service). A queue each, fed in turns, sees arrivals of variation 1/k.

Decode: requests in the batch at which a step takes the ITL objective, or at which their KV fills the cache; the batch
moves by the root of its size, so that much is left free. Tokens a second are the batch over the step time.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, sqrt

from pdwatch.model.capacity import DecodeLoad, PrefillLoad
from pdwatch.model.judgement import Bound

UNBOUND_SHARE = 0.85
"""Share of prefill's speed that is used where no TTFT objective is set."""
_LEAST_SHARE, _MOST_SHARE = 0.3, 0.97
_QUEUES = 0.77
"""What passes that take several prompts, and a router that looks at loads, take off the variation: measured on the
simulated fleet, where it is 0.75 to 0.8 for two to four engines in turns, and about as much of `(1 + cs) / k` for the
least loaded."""
_KV_USABLE = 0.97
"""Share of the KV cache that admission gives away (vLLM keeps a watermark of 1 % and rounds to blocks)."""


@dataclass(frozen=True, slots=True)
class Goals:
    """What sizing aims at."""

    ttft: float | None = None
    """Seconds."""
    itl: float | None = None
    """Seconds."""
    missed: float = 0.01
    """Share of requests that may miss by queueing alone."""
    sequences: float | None = None
    """Requests that one decode engine runs at most."""
    slack: float = 1.0
    """How many deviations of the batch are left free on decode."""


def prefill_share(load: PrefillLoad, engines: int, goals: Goals, spent: float = 0.0) -> float:
    """Return the share of their speed that *engines* can be asked for.

    *spent* is the time of the other hops to the first token, in seconds.
    """
    if goals.ttft is None or load.tokens <= 0:
        return UNBOUND_SHARE
    service = load.tokens / load.speed
    left = goals.ttft - spent - service * (1.0 + 2.0 * sqrt(load.scv))
    if left <= 0:
        return _LEAST_SHARE
    low, high = _LEAST_SHARE, _MOST_SHARE
    variation = _QUEUES * (1.0 / engines + load.scv)
    for _ in range(16):
        share = (low + high) / 2
        tail = share * exp(-2.0 * (1.0 - share) * left / (share * service * variation))
        low, high = (share, high) if tail <= goals.missed else (low, share)
    return low


def prefill_capacity(load: PrefillLoad, engines: int, goals: Goals, spent: float = 0.0) -> float:
    """Return the tokens a second that *engines* bear."""
    return prefill_share(load, engines, goals, spent) * load.speed * engines if engines > 0 else 0.0


def decode_capacity(load: DecodeLoad, engines: int, goals: Goals) -> dict[Bound, float]:
    """Return the tokens a second that *engines* bear by each bound that is known."""
    if load.step is None or load.context <= 0 or engines <= 0:
        return {}
    found: dict[Bound, float] = {}
    slope = load.step.slope(load.context)
    if goals.itl is not None and slope > 0:
        most = max(0.0, goals.itl - load.step.base) / slope
        found[Bound.DECODE_ITL] = _tokens(load, most, engines, 0.5 * goals.slack)
    if load.kv_tokens:
        found[Bound.DECODE_KV] = _tokens(load, _KV_USABLE * load.kv_tokens / load.context, engines, goals.slack)
    if goals.sequences is not None:
        found[Bound.DECODE_SEQUENCES] = _tokens(load, goals.sequences, engines, goals.slack)
    return found


def _tokens(load: DecodeLoad, most: float, engines: int, slack: float) -> float:
    """Return the tokens a second of *engines* whose batches may hold *most* requests each at the peak."""
    assert load.step is not None  # noqa: S101 - for the type checker; callers ask only then
    together = most * engines
    batch = max(0.5, (together - slack * sqrt(together)) / engines)
    return engines * batch / (load.step.base + load.step.slope(load.context) * batch)
