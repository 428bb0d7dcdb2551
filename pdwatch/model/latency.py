"""Latencies of one service: quantiles, objectives, and the chain of hops to the first token. Seconds throughout."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pdwatch.model.reading import Histogram
from pdwatch.model.target import Role


@dataclass(frozen=True, slots=True)
class Quantiles:
    """Quantiles in seconds from summed bucket increases; `count` observations stand behind them."""

    p50: float | None = None
    p95: float | None = None
    p99: float | None = None
    mean: float | None = None
    count: float = 0.0


@dataclass(frozen=True, slots=True)
class TtftChain:
    """Mean seconds of each hop to the first token, where the engines tell; `None` where they do not."""

    prefill_queue: float | None = None
    prefill: float | None = None
    transfer: float | None = None
    decode_admission: float | None = None
    """Decode's own queue before and after the transfer, up to and with its first step."""
    router: float | None = None
    """What the router adds to the time that the engines take."""


@dataclass(frozen=True, slots=True)
class LatencyState:
    """Latencies of one service."""

    ttft_seconds: Quantiles = Quantiles()
    ttft_source: str | None = None
    """`prefill+decode` where the two sides' distributions were added as if independent, else the role that measured."""
    itl_seconds: Quantiles = Quantiles()
    chain: TtftChain = TtftChain()
    chain_usual: TtftChain = TtftChain()
    """The same as it was while the service was well; `None` while it is learned."""
    ttft_by_role: Mapping[Role, Histogram] = field(default_factory=dict)
    """Since pdwatch watches, over restarts."""
    itl_by_role: Mapping[Role, Histogram] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Attainment:
    """Share of observations that met an objective, read at the bucket edge nearest to it."""

    objective_seconds: float
    ratio: float | None
    bucket_seconds: float | None
    target: float
