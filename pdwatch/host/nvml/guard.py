"""One guarded way into NVML: a value, `None`, or one of two refusals.

GpuUnusable     this GPU is lost or wants a reset; the others go on
LibraryUnusable the library no longer fits the driver; only a new process helps

Error codes: NVML API reference, `nvmlReturn_t`.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any, TypeAlias

from pdwatch.model.gpu import GpuState

Nvml: TypeAlias = Any
"""The `pynvml` module, which has no type stubs."""
Handle: TypeAlias = Any
"""An `nvmlDevice_t`."""

UNINITIALIZED = 1
INVALID_ARGUMENT = 2
NOT_SUPPORTED = 3
NO_PERMISSION = 4
DRIVER_NOT_LOADED = 9
TIMEOUT = 10
LIBRARY_NOT_FOUND = 12
FUNCTION_NOT_FOUND = 13
GPU_IS_LOST = 15
RESET_REQUIRED = 16
LIB_RM_VERSION_MISMATCH = 18
ARGUMENT_VERSION_MISMATCH = 25
DEPRECATED = 26
GPU_NOT_FOUND = 28
UNKNOWN = 999

NEVER_HERE = frozenset({NOT_SUPPORTED, FUNCTION_NOT_FOUND, ARGUMENT_VERSION_MISMATCH, DEPRECATED})
"""Answers that stay the same as long as this device and this driver live."""
_GPU_STATES = {
    GPU_IS_LOST: GpuState.LOST,
    GPU_NOT_FOUND: GpuState.LOST,
    RESET_REQUIRED: GpuState.RESET_REQUIRED,
}
_LIBRARY_UNUSABLE = frozenset({UNINITIALIZED, LIB_RM_VERSION_MISMATCH})


class GpuUnusable(Exception):  # noqa: N818 - the state of a GPU, not a mistake
    """No call on this GPU succeeds until it is reset or comes back."""

    def __init__(self, state: GpuState, reason: str) -> None:
        super().__init__(reason)
        self.state = state


class LibraryUnusable(Exception):  # noqa: N818 - the state of the driver, not a mistake
    """NVML answers nothing sensible in this process any more."""


@dataclass(slots=True)
class Tally:
    """How many calls were made and how many ended in the driver's `Unknown Error`."""

    calls: int = 0
    unknown: int = 0

    @property
    def is_storm(self) -> bool:
        """Tell whether most calls ended unknown, as after a container lost its device permissions."""
        return self.unknown > 2 and 2 * self.unknown > self.calls


class Guard:
    """Asks NVML about one device and remembers for good what this device does not support."""

    def __init__(self, nvml: Nvml, tally: Tally) -> None:
        self._nvml = nvml
        self._tally = tally
        self._never: set[Hashable] = set()

    def ask(self, function: str, *arguments: object, key: Hashable = None, **options: object) -> Any | None:
        """Call *function* with *arguments*; `None` when it has no answer.

        *key* is what an unsupported answer is remembered under; by default the function's name. Raises `GpuUnusable`
        and `LibraryUnusable`.
        """
        key = function if key is None else key
        if key in self._never:
            return None
        call = getattr(self._nvml, function, None)
        if call is None:
            self._never.add(key)
            return None
        self._tally.calls += 1
        try:
            return call(*arguments, **options)
        except self._nvml.NVMLError as error:
            self._tally.unknown += error.value == UNKNOWN
            if self.refused(error.value, function):
                self._never.add(key)
        except UnicodeDecodeError:  # a board with a damaged name or serial
            self._never.add(key)
        return None

    def refused(self, code: int, what: str) -> bool:
        """Tell whether *code* means "never on this device". Raises `GpuUnusable` and `LibraryUnusable`."""
        if code in _GPU_STATES:
            raise GpuUnusable(_GPU_STATES[code], f"{what}: {self.text(code)}")
        if code in _LIBRARY_UNUSABLE:
            raise LibraryUnusable(f"{what}: {self.text(code)}")
        return code in NEVER_HERE

    def text(self, code: int) -> str:
        """Return NVML's own words for *code*."""
        return error_text(self._nvml, code)


def error_text(nvml: Nvml, code: int) -> str:
    """Return the words for an NVML error *code*, from the binding's table so that no library is needed."""
    return f"{nvml.NVMLError(code)} ({code})"
