"""One GPU in the child: how it is opened, read, lost and found again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pdwatch.host.nvml.batch import FieldBatch
from pdwatch.host.nvml.calls import CALLS, IDENTITY_CALLS, SLOW_CALLS, ask_calls
from pdwatch.host.nvml.fabric import read_fabric
from pdwatch.host.nvml.gpm import GpmSampler
from pdwatch.host.nvml.guard import GpuUnusable, Guard, Handle, Nvml, Tally
from pdwatch.host.nvml.mig import MigDevice, find_mig_devices, processes_of
from pdwatch.host.nvml.processes import read_processes
from pdwatch.model.gpu import GpuProcess, GpuReading, GpuState

SLOW_SECONDS = 10.0
"""How old a value that changes rarely may be."""


class OpenGpu:
    """A GPU that answers: its handle, its identity, and what it does not support."""

    def __init__(self, nvml: Nvml, tally: Tally, handle: Handle, *, gpm: bool) -> None:
        """Ask for the identity. Raises `GpuUnusable` and `LibraryUnusable`."""
        self.handle = handle
        self._nvml = nvml
        self._guard = Guard(nvml, tally)
        self._mig_guard = Guard(nvml, tally)
        self.uuid: str | None = self._guard.ask("nvmlDeviceGetUUID", handle)
        self.identity = ask_calls(self._guard, handle, IDENTITY_CALLS, {})
        self._fields = FieldBatch(self._guard, handle)
        self._gpm = GpmSampler(nvml, self._guard, handle) if gpm else None
        self._mig: list[MigDevice] = []
        self._slow: dict[str, object] = {}
        self._slow_until = float("-inf")

    def read(self, now: float) -> dict[str, Any]:
        """Return values by attribute of `GpuReading`. Raises `GpuUnusable` and `LibraryUnusable`."""
        slow = now >= self._slow_until
        fields = self._fields.read(slow)
        if slow:
            self._slow = self._read_slow(fields)
            self._slow_until = now + SLOW_SECONDS
        values = ask_calls(self._guard, self.handle, CALLS, self._slow | fields)
        if self._gpm is not None:
            values |= self._gpm.read()
        values["mig_instances"] = tuple(device.read() for device in self._mig)
        values["processes"] = self._processes()
        return self.identity | values

    def _read_slow(self, fields: dict[str, object]) -> dict[str, object]:
        values = ask_calls(self._guard, self.handle, SLOW_CALLS, fields)
        values["nvlinks"] = self._fields.nvlinks
        values["c2c_links"] = self._fields.c2c_links
        values["fabric"] = read_fabric(self._nvml, self._guard, self.handle)
        if "nvlinks_active" not in values:
            values["nvlinks_active"] = self._nvlinks_active()
        enabled = values.get("mig_enabled")
        self._mig = find_mig_devices(self._guard, self._mig_guard, self.handle) if enabled else []
        return {attribute: value for attribute, value in values.items() if attribute not in fields}

    def _nvlinks_active(self) -> int | None:
        """Count active links one by one, for drivers without the field of the same meaning."""
        links = range(self._fields.nvlinks or 0)
        states = [self._guard.ask("nvmlDeviceGetNvLinkState", self.handle, link) for link in links]
        known = [state for state in states if state is not None]
        return sum(known) if known else None

    def _processes(self) -> tuple[GpuProcess, ...] | None:
        processes = read_processes(self._guard, self.handle)
        return processes_of(self._mig) if processes is None and self._mig else processes

    def is_still(self, uuid: str | None) -> bool:
        """Tell whether the handle still leads to the GPU *uuid*. Raises `GpuUnusable` and `LibraryUnusable`."""
        return uuid is None or self._guard.ask("nvmlDeviceGetUUID", self.handle) == uuid

    def close(self) -> None:
        """Give back what was allocated for the GPU."""
        if self._gpm is not None:
            self._gpm.close()


class Device:
    """One GPU by index, and by UUID once that is known; opened again after it was lost."""

    def __init__(
        self, nvml: Nvml, tally: Tally, index: int, *, gpm: bool, on_open: Callable[[Handle, str | None], None]
    ) -> None:
        """*on_open* hears of every new handle and its UUID."""
        self.index = index
        self.uuid: str | None = None
        self._nvml = nvml
        self._tally = tally
        self._gpm = gpm
        self._on_open = on_open
        self._gpu: OpenGpu | None = None
        self._identity: dict[str, Any] = {}
        self._lost: GpuUnusable | None = None
        self._retry_at = float("-inf")

    def read(self, now: float, retry_seconds: float) -> GpuReading:
        """Read the GPU; a lost one is looked for again each *retry_seconds*. Raises `LibraryUnusable`."""
        if self._gpu is None and self._lost is not None and now < self._retry_at:
            return self._as_lost(self._lost)
        try:
            gpu = self._gpu or self._open()
            return GpuReading(index=self.index, uuid=self.uuid, **gpu.read(now))
        except GpuUnusable as unusable:
            self._gpu = None
            self._lost = unusable
            self._retry_at = now + retry_seconds
            return self._as_lost(unusable)

    def verify(self) -> None:
        """Drop a handle that no longer leads to the same GPU, as after a reset behind our back."""
        try:
            if self._gpu is not None and not self._gpu.is_still(self.uuid):
                self._gpu.close()
                self._gpu = None
        except GpuUnusable:
            self._gpu = None

    def _open(self) -> OpenGpu:
        guard = Guard(self._nvml, self._tally)
        handle = (
            guard.ask("nvmlDeviceGetHandleByIndex", self.index)
            if self.uuid is None
            else guard.ask("nvmlDeviceGetHandleByUUID", self.uuid)
        )
        if handle is None:
            raise GpuUnusable(GpuState.LOST, f"GPU {self.uuid or self.index} cannot be opened; look at /dev/nvidia*")
        gpu = OpenGpu(self._nvml, self._tally, handle, gpm=self._gpm)
        self.uuid = self.uuid or gpu.uuid
        self._identity = gpu.identity
        self._gpu = gpu
        self._lost = None
        self._on_open(handle, self.uuid)
        return gpu

    def _as_lost(self, unusable: GpuUnusable) -> GpuReading:
        return GpuReading(
            index=self.index, uuid=self.uuid, state=unusable.state, state_reason=str(unusable), **self._identity
        )
