"""Where a worker lives: its host, and what on that host is its own."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Placement:
    """One worker on one host. What nothing tells is empty or `None`, which is not "none of them"."""

    worker: str
    host: str
    """Key of the host in the snapshot."""
    group: int | None = None
    """`EngineGroup.pid` of the engine group that answers the worker's URL."""
    gpus: tuple[int, ...] = ()
    """`GpuReading.index` of its own GPUs; empty where it is not known which they are."""
    ports: tuple[tuple[str, int], ...] = ()
    """Device and number of the ports nearest to its GPUs; all of the host where that is not known."""
