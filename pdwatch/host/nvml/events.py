"""XID errors as the driver reports them, each once, from a thread that waits for nothing else."""

from __future__ import annotations

import ctypes
import threading
import time
from collections.abc import Callable
from typing import Any

from pdwatch.host.nvml.guard import TIMEOUT, Guard, Handle, Nvml, Tally

_XID = 0x8
"""`nvmlEventTypeXidCriticalError`"""
_WAIT_MILLISECONDS = 1000
_PAUSE_SECONDS = 1.0
"""Between two waits that fail at once, as while a GPU is lost."""

Report = Callable[[int | None, str | None, int], None]
"""Takes the GPU's index and UUID, both `None` when NVML names a GPU that is not known, and the XID."""


class XidWatcher:
    """Waits for XID errors of all registered GPUs and reports them, as long as the process lives."""

    def __init__(self, nvml: Nvml, report: Report) -> None:
        self._nvml = nvml
        self._report = report
        self._gpus: dict[int | None, tuple[int, str | None]] = {}
        self._thread: threading.Thread | None = None
        self._guard = Guard(nvml, Tally())
        self._events: Any = None

    def register(self, handle: Handle, index: int, uuid: str | None) -> bool:
        """Watch one more GPU; tell whether its driver reports XIDs.

        A GPU that is found again is registered again. Raises `GpuUnusable` and `LibraryUnusable`.
        """
        if self._events is None:
            self._events = self._guard.ask("nvmlEventSetCreate")
        if self._events is None:
            return False
        try:
            self._nvml.nvmlDeviceRegisterEvents(handle, _XID, self._events)
        except self._nvml.NVMLError as error:
            self._guard.refused(error.value, "nvmlDeviceRegisterEvents")
            return False
        self._gpus[_address(handle)] = (index, uuid)
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="xid", daemon=True)
            self._thread.start()
        return True

    def _run(self) -> None:
        while True:
            try:
                event = self._nvml.nvmlEventSetWait(self._events, _WAIT_MILLISECONDS)
            except self._nvml.NVMLError as error:
                if error.value != TIMEOUT:
                    time.sleep(_PAUSE_SECONDS)
                continue
            if event.eventType & _XID:
                index, uuid = self._gpus.get(_address(event.device), (None, None))
                self._report(index, uuid, int(event.eventData))


def _address(handle: Handle) -> int | None:
    return ctypes.cast(handle, ctypes.c_void_p).value
