"""What the services owe: latency objectives, GPU budget and the bounds of their pools."""

from __future__ import annotations

from pdwatch.config.types import Count, CountFromZero, Duration, Settings, Share, Text


class Slo(Settings):
    """Latency objectives of one service."""

    ttft: Duration | None = None
    """Time to first token that a request must meet."""
    itl: Duration | None = None
    """Inter-token latency that a request must meet."""
    target: Share = 0.95
    """Share of requests that must meet each objective."""


class Pool(Settings):
    """Bounds of one pool."""

    gpus_per_replica: Count | None = None
    """GPUs that one replica takes; found out from the engines where it can be."""
    min_replicas: CountFromZero = 1
    """Fewest replicas that advice asks for."""
    max_replicas: Count | None = None
    """Most replicas that advice asks for; bounded by `gpu_budget` alone where it is left out."""
    startup: Duration | None = None
    """Time from asking for a replica until it serves."""


class Pools(Settings):
    """The pools of one service by role."""

    prefill: Pool = Pool()
    """Prefill workers."""
    decode: Pool = Pool()
    """Decode workers."""
    both: Pool = Pool()
    """Aggregated workers, which do both."""


class Service(Settings):
    """One model served to users behind one router or proxy."""

    slo: Slo = Slo()
    """Latency objectives."""
    gpu_budget: Count | None = None
    """GPUs that all pools together may take."""
    pools: Pools = Pools()
    """Bounds of the pools by role."""
    connector: Text | None = None
    """KV connector between prefill and decode, such as nixl; found out from the engines where it can be."""
