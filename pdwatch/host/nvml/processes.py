"""The compute processes on a GPU, or on one MIG device."""

from __future__ import annotations

from pdwatch.host.nvml.guard import Guard, Handle
from pdwatch.model.gpu import GpuProcess

NO_INSTANCE = 0xFFFFFFFF
"""What NVML gives for a GPU or compute instance id outside MIG."""


def read_processes(guard: Guard, handle: Handle) -> tuple[GpuProcess, ...] | None:
    """Return the processes by pid; `None` when NVML does not tell.

    Raises `GpuUnusable` and `LibraryUnusable`.
    """
    found = guard.ask("nvmlDeviceGetComputeRunningProcesses", handle)
    if found is None:
        return None
    processes = [
        GpuProcess(
            pid=process.pid,
            used_bytes=process.usedGpuMemory,
            gpu_instance=instance_id(process.gpuInstanceId),
            compute_instance=instance_id(process.computeInstanceId),
        )
        for process in found
    ]
    return tuple(sorted(processes, key=lambda process: process.pid))


def instance_id(number: int | None) -> int | None:
    """Return a MIG instance id, `None` outside MIG."""
    return None if number == NO_INSTANCE else number
