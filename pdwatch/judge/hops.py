"""The hops to the first token, for findings about latency: what each takes, and which one grew."""

from __future__ import annotations

from typing import NamedTuple

from pdwatch.judge.definition import View
from pdwatch.judge.words import seconds
from pdwatch.model.judgement import Evidence
from pdwatch.model.latency import LatencyState

_NAMES = {
    "router": "the router",
    "prefill_queue": "prefill's queue",
    "prefill": "prefill itself",
    "transfer": "the transfer",
    "decode_admission": "decode's admission",
}
"""In the order in which a request meets them."""
_GREW_TIMES = 1.5
_GREW_SECONDS = 0.02
_GREW_SHARE = 0.1
"""Growth below any of these is noise: against the hop itself, in seconds, against the whole way."""


class Hop(NamedTuple):
    """One hop. Mean seconds within the window, and as it was while the service was well."""

    name: str
    now: float
    usual: float | None


def hops(latency: LatencyState) -> list[Hop]:
    """Return the hops that are known."""
    found = ((name, getattr(latency.chain, name), getattr(latency.chain_usual, name)) for name in _NAMES)
    return [Hop(name, now, usual) for name, now, usual in found if now is not None]


def grown(latency: LatencyState) -> Hop | None:
    """Return the hop that grew most; `None` where none did noticeably or what is usual is not known."""
    told = hops(latency)
    least = max(_GREW_SECONDS, _GREW_SHARE * sum(hop.now for hop in told))
    found = [
        (hop.now - hop.usual, hop)
        for hop in told
        if hop.usual is not None and hop.now >= _GREW_TIMES * hop.usual and hop.now - hop.usual >= least
    ]
    return max(found)[1] if found else None


class Way(NamedTuple):
    """The way to the first token of one service, for every finding that it matters to."""

    evidence: tuple[Evidence, ...]
    """Each hop, and what was usual for the one that grew."""
    grew: str
    """A clause to end a sentence with, about the hop that grew most; empty where none did."""
    longest: str
    """The same about the hop that takes longest, for where nothing grew or nobody knows."""


def way(view: View) -> Way:
    """Return the way to the first token, put in words once."""
    return view.once(_way)


def _way(view: View) -> Way:
    latency = view.service.latency
    told, hop = hops(latency), grown(latency)
    grew = longest = ""
    if hop is not None and hop.usual is not None:
        grew = (
            f"; on the way to the first token {_NAMES[hop.name]} takes {seconds(hop.now)}, usually {seconds(hop.usual)}"
        )
    if told:
        most = max(told, key=lambda each: each.now)
        longest = f"; on the way to the first token {_NAMES[most.name]} takes most, {seconds(most.now)}"
    return Way(chain_evidence(latency), grew, longest)


def chain_evidence(latency: LatencyState) -> tuple[Evidence, ...]:
    """Return every known hop as evidence, and what was usual for the one that grew."""
    told = [Evidence(f"ttft_chain_{hop.name}_seconds", hop.now, "seconds") for hop in hops(latency)]
    hop = grown(latency)
    if hop is not None:
        told.append(Evidence(f"ttft_chain_{hop.name}_usual_seconds", hop.usual, "seconds"))
    return tuple(told)
