"""A host at one instant: its GPUs, its fabric ports, the engine processes on it and what their logs tell.

It comes from the collectors of this process, from an agent's page, or from the page of an exporter that was there
before; the origin shows only in `origin`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from pdwatch.model.gpu import NvmlReading
from pdwatch.model.logline import HostLogs
from pdwatch.model.port import FabricReading
from pdwatch.model.process import HostProcesses


class HostOrigin(StrEnum):
    """Where the numbers of a host come from."""

    LOCAL = "local"
    AGENT = "agent"
    DCGM_EXPORTER = "dcgm-exporter"
    NODE_EXPORTER = "node-exporter"


@dataclass(frozen=True, slots=True)
class HostReading:
    """What one source told of one host at one instant. What it does not tell is `None`."""

    host: str
    origin: HostOrigin
    at: float
    """Unix seconds."""
    gpus: NvmlReading | None = None
    fabric: FabricReading | None = None
    processes: HostProcesses | None = None
    logs: HostLogs | None = None
    absent: Mapping[str, str] = field(default_factory=dict)
    """By collector, why there is nothing of its kind here."""
    failed: Mapping[str, str] = field(default_factory=dict)
    """By collector, why it could not read what exists."""
    seconds: Mapping[str, float] = field(default_factory=dict)
    """By collector, how long its last collection took."""
    nearest: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    """By index of a GPU, the RDMA devices that are nearest to it."""


@dataclass(frozen=True, slots=True)
class HostState:
    """A host as the snapshot shows it: the newest of what its sources told, with its age."""

    host: str
    origins: tuple[HostOrigin, ...]
    up: bool
    """Whether the last look at each of its sources gave something."""
    age_seconds: float | None
    """Age of the newest reading; `None` when there never was one."""
    error: str | None = None
    reading: HostReading | None = None
    """Sources merged: for each kind, the freshest that tells it."""
    stale: bool = False
    """The reading is too old to be judged; it shows what was known last."""
    addresses: tuple[str, ...] = ()
    """Names and addresses under which its pages are fetched, by which workers are found to be on it."""
