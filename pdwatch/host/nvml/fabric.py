"""The multi-node NVLink domain of a GPU (NVL72 and the like), from `nvmlDeviceGetGpuFabricInfoV`.

Bit positions of the health mask: `NVML_GPU_FABRIC_HEALTH_MASK_*` in `nvml.h`.
"""

from __future__ import annotations

import ctypes
import uuid
from typing import Any

from pdwatch.host.nvml.guard import Guard, Handle, Nvml, error_text
from pdwatch.model.gpu import FabricHealth, FabricState, GpuFabric

_STRUCTS = ("c_nvmlGpuFabricInfo_v3_t", "c_nvmlGpuFabricInfo_v2_t")
_STATES = {1: FabricState.NOT_STARTED, 2: FabricState.IN_PROGRESS, 3: FabricState.COMPLETED}
_HEALTH = {1: FabricHealth.HEALTHY, 2: FabricHealth.UNHEALTHY, 3: FabricHealth.LIMITED_CAPACITY}

_FAULT_BITS = (
    ("degraded_bandwidth", 0, 1),
    ("route_recovery", 2, 1),
    ("route_unhealthy", 4, 1),
    ("access_timeout_recovery", 6, 1),
    ("no_partition_assigned", 12, 2),
    ("fabric_manager_disconnected", 14, 2),
)
"""Name, first bit of a two-bit value, and the value that means the fault; 0 is "not supported"."""
_MISCONFIGURATION_BIT = 8
_MISCONFIGURATIONS = {
    2: "system_guid",
    3: "chassis_serial",
    4: "no_partition",
    5: "insufficient_nvlinks",
    6: "incompatible_firmware",
    7: "invalid_location",
    8: "gpu_state",
}


def read_fabric(nvml: Nvml, guard: Guard, handle: Handle) -> GpuFabric | None:
    """Return the GPU's place in its NVLink domain; `None` where it belongs to none.

    Raises `GpuUnusable` and `LibraryUnusable`.
    """
    function = "nvmlDeviceGetGpuFabricInfoV"
    for name in _STRUCTS:
        struct = getattr(nvml, name, None)
        if struct is None:
            continue
        info = struct()
        if guard.ask(function, handle, ctypes.byref(info), key=(function, name)) is not None:
            return _fabric(nvml, info)
    return None


def _fabric(nvml: Nvml, info: Any) -> GpuFabric | None:
    state = _STATES.get(info.state)
    if state is None:
        return None
    cluster = uuid.UUID(bytes=bytes(info.clusterUuid))
    completed = state is FabricState.COMPLETED
    return GpuFabric(
        state=state,
        cluster_uuid=str(cluster) if completed and cluster.int else None,
        clique_id=int(info.cliqueId) if completed else None,
        error=error_text(nvml, info.status) if completed and info.status else None,
        health=_HEALTH.get(getattr(info, "healthSummary", 0)),
        faults=_faults(info.healthMask),
    )


def _faults(mask: int) -> tuple[str, ...] | None:
    """Name the faults of a health mask; `None` when the driver knows of no health at all."""
    if mask == 0:
        return None
    faults = [name for name, bit, faulty in _FAULT_BITS if mask >> bit & 0x3 == faulty]
    why = mask >> _MISCONFIGURATION_BIT & 0xF
    if why > 1:
        faults.append(f"misconfigured_{_MISCONFIGURATIONS.get(why, why)}")
    return tuple(faults)
