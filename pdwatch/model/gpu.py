"""A GPU's values at one instant, as its driver gives them (NVML), in base units.

What a GPU, its driver or the permissions do not give is `None`, never 0. Names that end in `_total`, `_errors`
or `throttled_seconds` are counters over the life of the driver, the rest are gauges or facts. The values marked "slow"
below are read at most ten seconds before the reading, the others with it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class GpuState(StrEnum):
    """Whether the driver can talk to the GPU."""

    OK = "ok"
    LOST = "lost"
    """Fell off the bus or was not found; every call on it fails."""
    RESET_REQUIRED = "reset_required"


@dataclass(frozen=True, slots=True)
class GpuProcess:
    """A compute process on a GPU."""

    pid: int
    """In the host's pid namespace, also when read from inside a container."""
    used_bytes: int | None = None
    gpu_instance: int | None = None
    compute_instance: int | None = None


@dataclass(frozen=True, slots=True)
class GpuXid:
    """An XID error of one GPU: how often it was seen since pdwatch started, and when last."""

    xid: int
    count: int
    last_at: float
    """Unix seconds."""


@dataclass(frozen=True, slots=True)
class MigInstance:
    """A MIG device: one compute instance inside one GPU instance."""

    uuid: str
    name: str | None = None
    gpu_instance: int | None = None
    compute_instance: int | None = None
    multiprocessors: int | None = None
    memory_total_bytes: int | None = None
    memory_used_bytes: int | None = None
    memory_free_bytes: int | None = None


class FabricState(StrEnum):
    """Registration of the GPU with the NVLink fabric manager."""

    NOT_STARTED = "not_started"
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"


class FabricHealth(StrEnum):
    """The driver's own summary of the fabric's health as this GPU sees it."""

    HEALTHY = "healthy"
    UNHEALTHY = "unhealthy"
    LIMITED_CAPACITY = "limited_capacity"


@dataclass(frozen=True, slots=True)
class GpuFabric:
    """The multi-node NVLink domain. Two GPUs reach each other over it only with equal cluster and clique."""

    state: FabricState
    cluster_uuid: str | None = None
    """`None` where the fabric ends at the host."""
    clique_id: int | None = None
    error: str | None = None
    """Why registration failed, in the driver's words."""
    health: FabricHealth | None = None
    faults: tuple[str, ...] | None = None
    """`degraded_bandwidth`, `route_recovery`, `route_unhealthy`, `access_timeout_recovery`, `no_partition_assigned`,
    `fabric_manager_disconnected`, `misconfigured_<why>`; empty when there is none."""


@dataclass(frozen=True, slots=True)
class GpuReading:
    """One GPU. A lost GPU keeps its identity and state and has no values."""

    index: int
    """NVML order, which is PCI bus order and not that of CUDA_VISIBLE_DEVICES."""
    uuid: str | None = None
    state: GpuState = GpuState.OK
    state_reason: str = ""

    name: str | None = None
    serial: str | None = None
    pci_bus_id: str | None = None
    """Like `/sys/bus/pci/devices`: `0000:1b:00.0`."""
    minor: int | None = None
    """The N of `/dev/nvidiaN`."""
    numa_node: int | None = None

    utilization_ratio: float | None = None
    """Share of the last sample period (up to a second) in which any kernel ran, on however little of the GPU."""
    memory_utilization_ratio: float | None = None
    """Share of the same period in which memory was read or written."""

    memory_total_bytes: int | None = None
    memory_used_bytes: int | None = None
    """Includes the reserved bytes where `memory_reserved_bytes` is `None`."""
    memory_free_bytes: int | None = None
    memory_reserved_bytes: int | None = None

    power_watts: float | None = None
    power_limit_watts: float | None = None
    """The limit that is enforced, whoever set it."""
    energy_joules_total: float | None = None
    temperature_celsius: float | None = None
    memory_temperature_celsius: float | None = None
    temperature_margin_celsius: float | None = None
    """Degrees left until the GPU slows itself down."""

    clock_sm_hertz: float | None = None
    clock_memory_hertz: float | None = None
    clock_sm_max_hertz: float | None = None
    clock_memory_max_hertz: float | None = None
    clocks_event_reasons: tuple[str, ...] | None = None
    """Why the clocks are what they are; `gpu_idle` and `applications_clocks_setting` are no throttling."""
    throttled_seconds: Mapping[str, float] | None = None
    """Time held back by reason, over the life of the driver."""

    ecc_corrected_volatile_total: int | None = None
    """Since the driver was loaded. The four ECC counts are slow."""
    ecc_uncorrected_volatile_total: int | None = None
    ecc_corrected_aggregate_total: int | None = None
    """Over the life of the board."""
    ecc_uncorrected_aggregate_total: int | None = None
    remapped_rows_corrected_total: int | None = None
    """Rows remapped for correctable errors. Slow, like the next three."""
    remapped_rows_uncorrected_total: int | None = None
    remapped_rows_pending: bool | None = None
    """A reset is needed to finish a remapping."""
    remapped_rows_failed: bool | None = None
    """A row could not be remapped: the board is due for replacement."""
    recovery_action: str | None = None
    """What the driver asks for: `none`, `gpu_reset`, `node_reboot`, `drain_p2p`, `drain_and_reset`, ... Slow."""
    xids: tuple[GpuXid, ...] | None = None
    """Empty when none was seen; `None` when the driver does not report them."""

    nvlinks: int | None = None
    nvlinks_active: int | None = None
    """Links up, asleep included. Slow, like the errors."""
    nvlink_sent_bytes_total: float | None = None
    nvlink_received_bytes_total: float | None = None
    nvlink_errors: Mapping[str, float] | None = None
    """Sum over links by kind."""

    pcie_generation: int | None = None
    """An idle GPU may lower it to save power. The four link facts are slow."""
    pcie_generation_max: int | None = None
    pcie_width: int | None = None
    pcie_width_max: int | None = None
    pcie_replays_total: int | None = None
    pcie_sent_bytes_total: int | None = None
    """Kept by the hardware, which may let it wrap."""
    pcie_received_bytes_total: int | None = None

    c2c_links: int | None = None
    """Links to the CPU of a superchip. Slow, like the next three."""
    c2c_links_active: int | None = None
    c2c_bandwidth_bytes_per_second: float | None = None
    """Sum of what the active links can carry."""
    c2c_errors: Mapping[str, float] | None = None

    mig_enabled: bool | None = None
    mig_instances: tuple[MigInstance, ...] = ()
    processes: tuple[GpuProcess, ...] | None = None
    fabric: GpuFabric | None = None
    """Slow."""

    graphics_active_ratio: float | None = None
    """This and the next four come from the performance monitors, which are off unless asked for."""
    sm_active_ratio: float | None = None
    sm_occupancy_ratio: float | None = None
    tensor_active_ratio: float | None = None
    dram_active_ratio: float | None = None


@dataclass(frozen=True, slots=True)
class NvmlReading:
    """All GPUs of one host."""

    at: float
    """Unix seconds at which the values were complete."""
    gpus: tuple[GpuReading, ...] = ()
    driver_version: str | None = None
    nvml_version: str | None = None
    cuda_version: str | None = None
    """The newest CUDA the driver runs: `13.0`."""
    unattributed_xids: tuple[GpuXid, ...] = ()
    """XIDs for which the driver named no GPU that is known."""
    age_seconds: float = 0.0
    """Above 0 when the driver did not answer and the last good values are shown."""
    stale_reason: str = ""
