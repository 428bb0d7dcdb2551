"""What is derived of a host between its readings: rates, shares of time, recent events. Conditions read these.

A rate that cannot be told is left out: the counter is not given, there is no second reading yet, or it is saturated.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pdwatch.model.logline import FaultKind
from pdwatch.model.port import PortCounter


@dataclass(frozen=True, slots=True)
class PortSignals:
    """One fabric port over the window."""

    seconds: float = 0.0
    """Length of the window; 0 before the second reading."""
    rates: Mapping[PortCounter, float] = field(default_factory=dict)
    """Increase per second by counter."""
    present: bool = True
    """Whether the newest reading has the port; a device that fell off the bus takes its ports along."""
    was_active: bool = False
    """Whether it has been active since pdwatch watches."""
    fastest_bits_per_second: int | None = None
    """The highest rate it has had since pdwatch watches."""
    wait_ratio: float | None = None
    """Ticks waited for credit over words of four bytes sent; `None` without traffic worth judging."""
    wait_baseline: float | None = None
    """The same when pdwatch began to watch; `None` while it is learned."""


@dataclass(frozen=True, slots=True)
class GpuSignals:
    """One GPU over the window."""

    seconds: float = 0.0
    """Length of the window; 0 before the second reading."""
    throttled: Mapping[str, float] = field(default_factory=dict)
    """Share of the window held back, 0 to 1, by reason: by the driver's durations, else by looks that found it so."""
    busy_ratio: float | None = None
    """Mean utilization over the window."""
    pcie_below: bool = False
    """Every look of the window found the PCIe link below its maximum while the GPU worked."""
    nvlinks_most: int | None = None
    """Most NVLinks that were up at once since pdwatch watches."""
    nvlink_errors: Mapping[str, float] = field(default_factory=dict)
    """Errors per second by kind."""
    uncorrected_seconds_ago: float | None = None
    """Age of the last growth of uncorrected memory errors; `None` when none was seen or it is long ago."""
    xids: Mapping[int, float] = field(default_factory=dict)
    """Recent XIDs and how many seconds ago each came last."""
    pids: tuple[int, ...] = ()
    """Processes that were on it when it was last readable: whose it is when it is lost."""


@dataclass(frozen=True, slots=True)
class HostSignals:
    """One host."""

    ports: Mapping[tuple[str, int], PortSignals] = field(default_factory=dict)
    """By device and number."""
    gpus: Mapping[int, GpuSignals] = field(default_factory=dict)
    """By index."""
    faults: Mapping[FaultKind, Mapping[str, float]] = field(default_factory=dict)
    """Recent faults in engine logs: by kind and log, how many seconds ago the last one was read."""


@dataclass(frozen=True, slots=True)
class TransferPathSignals:
    """KV transfers of one worker on the side that reports them, against what they were when pdwatch began to watch."""

    transfers: float
    """Within the window."""
    bytes_per_second: float
    """Wall-clock throughput."""
    bandwidth_bytes_per_second: float
    """Bytes over the time they took: what one transfer gets."""
    bytes_mean: float
    """Size of one transfer."""
    baseline_bandwidth: float | None = None
    """`None` while it is learned."""
    baseline_bytes_mean: float | None = None
    baseline_bytes_per_second: float | None = None
