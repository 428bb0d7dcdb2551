"""NVML from initialisation to shutdown in the child process: all GPUs, read one after the other.

Absent          no NVIDIA driver on this host, or no GPU under it: normal
LibraryUnusable (guard.py) a new process is needed
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pdwatch.host.nvml.device import Device
from pdwatch.host.nvml.events import Report, XidWatcher
from pdwatch.host.nvml.guard import (
    DRIVER_NOT_LOADED,
    LIB_RM_VERSION_MISMATCH,
    LIBRARY_NOT_FOUND,
    NO_PERMISSION,
    UNKNOWN,
    GpuUnusable,
    Guard,
    Handle,
    LibraryUnusable,
    Nvml,
    Tally,
    error_text,
)
from pdwatch.model.gpu import NvmlReading

Clock = Callable[[], float]

RETRY_SECONDS = 60.0
"""Between two looks for a lost GPU, and between two checks that the handles are still good."""


_MENDS = {
    NO_PERMISSION: "; let this user open /dev/nvidia*",
    LIB_RM_VERSION_MISMATCH: "; the driver was upgraded, reload its kernel module or reboot",
    UNKNOWN: "; in a container, start it again: it may have lost its device permissions",
}


class Absent(Exception):  # noqa: N818 - it is no error
    """This host has no NVIDIA GPU that NVML could show; the text says what was looked for."""


class Session:
    """An initialised NVML. Not to be shared between threads, save for the XID thread it starts itself."""

    def __init__(self, nvml: Nvml, report_xid: Report, clock: Clock, wall: Clock, *, gpm: bool = False) -> None:
        """Initialise NVML and count the GPUs. *clock* is monotonic, *wall* is Unix time, both in seconds.

        Raises `Absent` and `LibraryUnusable`.
        """
        self._nvml = nvml
        self._clock = clock
        self._wall = wall
        self._xids = XidWatcher(nvml, report_xid)
        _initialise(nvml)
        guard = Guard(nvml, Tally())
        count = guard.ask("nvmlDeviceGetCount")
        if count is None:
            raise LibraryUnusable("the driver does not tell how many GPUs there are")
        if count == 0:
            raise Absent("the NVIDIA driver is loaded and lists no GPU")
        self._versions = _versions(guard)
        self._tally = Tally()
        self._devices = [
            Device(nvml, self._tally, index, gpm=gpm, on_open=self._watcher_of(index)) for index in range(count)
        ]
        self._verify_at = clock() + RETRY_SECONDS
        self.watched: set[int] = set()
        """Indices of the GPUs whose XIDs are reported."""

    def _watcher_of(self, index: int) -> Callable[[Handle, str | None], None]:
        def opened(handle: Handle, uuid: str | None) -> None:
            if self._xids.register(handle, index, uuid):
                self.watched.add(index)

        return opened

    def collect(self) -> NvmlReading:
        """Read every GPU. XIDs are not in it: they are reported when they come. Raises `LibraryUnusable`."""
        now = self._clock()
        if now >= self._verify_at:
            self._verify_at = now + RETRY_SECONDS
            for device in self._devices:
                device.verify()
        self._tally.calls = self._tally.unknown = 0
        gpus = tuple(device.read(now, RETRY_SECONDS) for device in self._devices)
        if self._tally.is_storm:
            raise LibraryUnusable(f"{self._tally.unknown} of {self._tally.calls} calls ended in an unknown error")
        return NvmlReading(at=self._wall(), gpus=gpus, **self._versions)


def _initialise(nvml: Nvml) -> None:
    try:
        nvml.nvmlInit()
    except nvml.NVMLError as error:
        if error.value == LIBRARY_NOT_FOUND:
            raise Absent("libnvidia-ml.so.1 is not among the libraries of this host") from error
        if error.value == DRIVER_NOT_LOADED:
            raise Absent("the NVIDIA driver is not loaded") from error
        mend = _MENDS.get(error.value, "")
        raise LibraryUnusable(f"nvmlInit: {error_text(nvml, error.value)}{mend}") from error


def _versions(guard: Guard) -> dict[str, Any]:
    try:
        cuda = guard.ask("nvmlSystemGetCudaDriverVersion_v2")
        return {
            "driver_version": guard.ask("nvmlSystemGetDriverVersion"),
            "nvml_version": guard.ask("nvmlSystemGetNVMLVersion"),
            "cuda_version": None if cuda is None else f"{cuda // 1000}.{cuda % 1000 // 10}",
        }
    except GpuUnusable:  # not a GPU's answer; some drivers give it all the same while one is falling off the bus
        return {}
