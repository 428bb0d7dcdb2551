"""The time by which a daemon collects and judges: Unix time that nobody sets while it runs.

Rates, ages and durations would be wrong over a wall clock that jumps, so it is read once, at the start. From then on
what counts is the kernel's clock since boot, which goes on while a machine is suspended, as the workers did.
"""

from __future__ import annotations

import time
from collections.abc import Callable

TOLD_SECONDS = 1.0
"""A wall clock that was set by less than this is not worth a word."""


def _since_boot() -> float:
    return time.clock_gettime(time.CLOCK_BOOTTIME)


_BOOT = time.time() - _since_boot()


def unix_time() -> float:
    """Return Unix seconds by the wall clock of the start and the time that has passed since."""
    return _BOOT + _since_boot()


class ClockWatch:
    """Tells in one line when the wall clock was set."""

    def __init__(self, tell: Callable[[str], None], wall: Callable[[], float] = time.time) -> None:
        self._tell = tell
        self._wall = wall
        self._told = 0.0

    def look(self) -> None:
        """Compare the clocks."""
        ahead = self._wall() - unix_time()
        if abs(ahead - self._told) < TOLD_SECONDS:
            return
        self._told = ahead
        said = f"{abs(ahead):,.0f} s {'ahead of' if ahead > 0 else 'behind'} the times told"
        agrees = abs(ahead) < TOLD_SECONDS
        self._tell("the wall clock was set; " + ("it agrees again" if agrees else f"it is {said} here until a restart"))
