"""Metrics of GPUs. One value of `GpuReading` is one metric, named `pdwatch_gpu_` and the field."""

from __future__ import annotations

from pdwatch.catalog.definition import MetricDef, define

HOST = ("host",)
GPU = ("host", "gpu")

_TEXTS = {
    "utilization_ratio": "Share of the last sample period in which any kernel ran on the GPU, 0 to 1.",
    "memory_utilization_ratio": "Share of the last sample period in which GPU memory was read or written, 0 to 1.",
    "memory_total_bytes": "Memory of the GPU, in bytes.",
    "memory_used_bytes": "Memory of the GPU in use, in bytes.",
    "memory_free_bytes": "Memory of the GPU that is free, in bytes.",
    "memory_reserved_bytes": "Memory of the GPU that the driver keeps for itself, in bytes.",
    "power_watts": "Power that the GPU draws, in watts.",
    "power_limit_watts": "Power limit that is enforced, whoever set it, in watts.",
    "energy_joules_total": "Energy drawn since the driver was loaded, in joules.",
    "temperature_celsius": "Temperature of the GPU, in degrees Celsius.",
    "memory_temperature_celsius": "Temperature of the GPU's memory, in degrees Celsius.",
    "temperature_margin_celsius": "Degrees Celsius left until the GPU slows itself down.",
    "clock_sm_hertz": "Clock of the multiprocessors, in hertz.",
    "clock_memory_hertz": "Clock of the memory, in hertz.",
    "clock_sm_max_hertz": "Highest clock of the multiprocessors, in hertz.",
    "clock_memory_max_hertz": "Highest clock of the memory, in hertz.",
    "ecc_corrected_volatile_total": "Memory errors corrected since the driver was loaded.",
    "ecc_uncorrected_volatile_total": "Memory errors that could not be corrected since the driver was loaded.",
    "ecc_corrected_aggregate_total": "Memory errors corrected over the life of the board.",
    "ecc_uncorrected_aggregate_total": "Memory errors that could not be corrected over the life of the board.",
    "remapped_rows_corrected_total": "Memory rows remapped for correctable errors.",
    "remapped_rows_uncorrected_total": "Memory rows remapped for errors that could not be corrected.",
    "remapped_rows_pending": "Whether a reset is needed to finish a remapping, 1 or 0.",
    "remapped_rows_failed": "Whether a row could not be remapped, which is a board to replace, 1 or 0.",
    "nvlinks": "NVLinks that the GPU has.",
    "nvlinks_active": "NVLinks that are up.",
    "nvlink_sent_bytes_total": "Bytes sent over all NVLinks of the GPU.",
    "nvlink_received_bytes_total": "Bytes received over all NVLinks of the GPU.",
    "pcie_generation": "Generation of the PCIe link as it runs; an idle GPU may lower it.",
    "pcie_generation_max": "Generation of the PCIe link that GPU and slot can do.",
    "pcie_width": "Lanes of the PCIe link as it runs.",
    "pcie_width_max": "Lanes of the PCIe link that GPU and slot can do.",
    "pcie_replays_total": "Packets sent again over PCIe.",
    "pcie_sent_bytes_total": "Bytes sent over PCIe; the hardware may let it wrap.",
    "pcie_received_bytes_total": "Bytes received over PCIe; the hardware may let it wrap.",
    "c2c_links": "Links to the CPU of a superchip.",
    "c2c_links_active": "Links to the CPU of a superchip that are up.",
    "c2c_bandwidth_bytes_per_second": "What the active links to the CPU can carry, in bytes per second.",
    "mig_enabled": "Whether the GPU is divided into MIG instances, 1 or 0.",
    "graphics_active_ratio": "Share of time in which the compute or graphics engine was busy, 0 to 1.",
    "sm_active_ratio": "Share of time in which a multiprocessor had work, mean over them, 0 to 1.",
    "sm_occupancy_ratio": "Warps on the multiprocessors over what fits, 0 to 1.",
    "tensor_active_ratio": "Share of time in which the tensor cores were busy, 0 to 1.",
    "dram_active_ratio": "Share of time in which memory moved data, 0 to 1.",
}

VALUES: dict[str, MetricDef] = {
    field: define(f"gpu_{field}", text, GPU, "counter" if field.endswith("_total") else "gauge")
    for field, text in _TEXTS.items()
}
"""By field of `GpuReading`."""

UP = define("gpu_up", "Whether the driver can talk to the GPU, 1 or 0.", GPU)
STATE = define(
    "gpu_state_info", "Whether the GPU is lost or needs a reset, always 1.", (*GPU, "state", "reason"), "info"
)
INFO = define(
    "gpu_info",
    "Which GPU it is and where it sits, always 1.",
    (*GPU, "uuid", "name", "serial", "pci_bus_id", "minor", "numa_node"),
    "info",
)
CLOCK_REASONS = define("gpu_clocks_event_reasons", "Reasons why the clocks are what they are, how many.", GPU)
CLOCK_REASON = define(
    "gpu_clocks_event_reason_info",
    "A reason why the clocks are what they are, some of which are throttling, always 1.",
    (*GPU, "reason"),
    "info",
)
THROTTLED = define(
    "gpu_throttled_seconds_total",
    "Time that the clocks were held back, by reason, in seconds.",
    (*GPU, "reason"),
    "counter",
)
RECOVERY = define(
    "gpu_recovery_action_info", "What the driver asks for, always 1; none is the good one.", (*GPU, "action"), "info"
)
XIDS_TOLD = define("gpu_xids_watched", "Whether the driver reports XID errors to pdwatch, 1; absent where not.", GPU)
XIDS = define("gpu_xid_errors_total", "XID errors seen since pdwatch started.", (*GPU, "xid"), "counter")
XID_LAST = define("gpu_xid_last_timestamp_seconds", "When an XID error was last seen, in Unix seconds.", (*GPU, "xid"))
HOST_XIDS = define(
    "gpu_unattributed_xid_errors_total", "XID errors of no GPU that is known.", (*HOST, "xid"), "counter"
)
HOST_XID_LAST = define(
    "gpu_unattributed_xid_last_timestamp_seconds",
    "When an XID error of no known GPU was last seen, in Unix seconds.",
    (*HOST, "xid"),
)
NVLINK_ERRORS = define(
    "gpu_nvlink_errors_total", "Errors of all NVLinks of the GPU, by kind.", (*GPU, "kind"), "counter"
)
C2C_ERRORS = define("gpu_c2c_errors_total", "Errors of the links to the CPU, by kind.", (*GPU, "kind"), "counter")
PROCESSES = define("gpu_processes", "Compute processes on the GPU.", GPU)
PROCESS = define(
    "gpu_process_info",
    "A compute process on the GPU, by its pid on the host, always 1.",
    (*GPU, "pid", "gpu_instance", "compute_instance"),
    "info",
)
PROCESS_USED = define(
    "gpu_process_used_bytes",
    "Memory of the GPU that a process uses, in bytes.",
    (*GPU, "pid", "gpu_instance", "compute_instance"),
)
FABRIC = define(
    "gpu_fabric_info",
    "The multi-node NVLink domain that the GPU belongs to, always 1.",
    (*GPU, "state", "cluster_uuid", "clique_id", "health", "error"),
    "info",
)
FABRIC_FAULTS = define("gpu_fabric_faults", "Faults of the NVLink domain as the GPU sees it, how many.", GPU)
FABRIC_FAULT = define(
    "gpu_fabric_fault_info", "A fault of the NVLink domain as the GPU sees it, always 1.", (*GPU, "fault"), "info"
)
MIG = define(
    "gpu_mig_instance_info",
    "A MIG instance of the GPU, always 1.",
    (*GPU, "uuid", "name", "gpu_instance", "compute_instance", "multiprocessors"),
    "info",
)
MIG_TOTAL = define("gpu_mig_memory_total_bytes", "Memory of a MIG instance, in bytes.", (*GPU, "uuid"))
MIG_USED = define("gpu_mig_memory_used_bytes", "Memory of a MIG instance in use, in bytes.", (*GPU, "uuid"))
MIG_FREE = define("gpu_mig_memory_free_bytes", "Memory of a MIG instance that is free, in bytes.", (*GPU, "uuid"))
NEAREST = define(
    "gpu_nearest_device_info", "An RDMA device that is nearest to the GPU, always 1.", (*GPU, "device"), "info"
)
DRIVER = define(
    "gpu_driver_info",
    "Versions of the driver, of NVML and of the newest CUDA it runs, always 1.",
    (*HOST, "driver_version", "nvml_version", "cuda_version"),
    "info",
)
READ_AT = define("gpu_reading_timestamp_seconds", "When the values of the GPUs were complete, in Unix seconds.", HOST)
READ_AGE = define(
    "gpu_reading_age_seconds", "Age of the values where the driver does not answer, else 0, in seconds.", HOST
)
STALE = define("gpu_reading_stale_info", "Why the values of the GPUs are old, always 1.", (*HOST, "reason"), "info")

METRICS: tuple[MetricDef, ...] = (
    *VALUES.values(),
    *(entry for entry in tuple(vars().values()) if isinstance(entry, MetricDef)),
)
