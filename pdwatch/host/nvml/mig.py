"""The MIG devices of one GPU."""

from __future__ import annotations

from collections.abc import Sequence

from pdwatch.host.nvml.calls import MEMORY_CALLS, ask_calls
from pdwatch.host.nvml.guard import Guard, Handle
from pdwatch.host.nvml.processes import read_processes
from pdwatch.model.gpu import GpuProcess, MigInstance


class MigDevice:
    """One MIG device with what does not change while it exists."""

    def __init__(self, guard: Guard, handle: Handle) -> None:
        """Ask for the identity. Raises `GpuUnusable` and `LibraryUnusable`."""
        self._guard = guard
        self._handle = handle
        self.uuid: str | None = guard.ask("nvmlDeviceGetUUID", handle)
        self.name: str | None = guard.ask("nvmlDeviceGetName", handle)
        self.gpu_instance: int | None = guard.ask("nvmlDeviceGetGpuInstanceId", handle)
        self.compute_instance: int | None = guard.ask("nvmlDeviceGetComputeInstanceId", handle)
        attributes = guard.ask("nvmlDeviceGetAttributes_v2", handle)
        self.multiprocessors: int | None = None if attributes is None else attributes.multiprocessorCount

    def read(self) -> MigInstance:
        """Read its memory. Raises `GpuUnusable` and `LibraryUnusable`."""
        memory = ask_calls(self._guard, self._handle, MEMORY_CALLS, {})

        def size(name: str) -> int | None:
            value = memory.get(name)
            return value if isinstance(value, int) else None

        return MigInstance(
            uuid=self.uuid or "",
            name=self.name,
            gpu_instance=self.gpu_instance,
            compute_instance=self.compute_instance,
            multiprocessors=self.multiprocessors,
            memory_total_bytes=size("memory_total_bytes"),
            memory_used_bytes=size("memory_used_bytes"),
            memory_free_bytes=size("memory_free_bytes"),
        )

    def processes(self) -> tuple[GpuProcess, ...]:
        """Return the processes on this MIG device alone."""
        return read_processes(self._guard, self._handle) or ()


def find_mig_devices(guard: Guard, mig_guard: Guard, handle: Handle) -> list[MigDevice]:
    """Return the MIG devices of the GPU *handle*; indices may have holes.

    What a MIG device does not support, its GPU may well: the two have each their own guard.
    """
    most = guard.ask("nvmlDeviceGetMaxMigDeviceCount", handle) or 0
    handles = [guard.ask("nvmlDeviceGetMigDeviceHandleByIndex", handle, index) for index in range(most)]
    devices = [MigDevice(mig_guard, mig) for mig in handles if mig is not None]
    return [device for device in devices if device.uuid]


def processes_of(devices: Sequence[MigDevice]) -> tuple[GpuProcess, ...]:
    """Return the processes of all *devices*, for users whom the GPU as a whole is not shown."""
    return tuple(process for device in devices for process in device.processes())
