"""Who was late: the serve by its own work, or the machine with the fleet on it.

A worker that is told as late while the fleet was late is told rightly, whatever the soak did to it.
"""

from __future__ import annotations

import asyncio
import time

import httpx

STEP_SECONDS = 0.05
LATE_SECONDS = 0.3
"""Half of the timeout of a scrape."""
MEMORY_SECONDS = 5.0
"""How long after such a moment rounds still tell of it."""


class Witness:
    """Looks at the clock and at the fleet all the time."""

    def __init__(self) -> None:
        self.held_seconds = 0.0
        """The longest time for which the event loop was held by work of this process."""
        self.late_seconds = 0.0
        """The longest time for which it had no CPU, or the fleet had no answer."""
        self._late_at = -MEMORY_SECONDS

    @property
    def excuses(self) -> bool:
        """Whether machine or fleet were late a moment ago."""
        return time.monotonic() - self._late_at < MEMORY_SECONDS

    def words(self) -> str:
        """Return both times in words."""
        held, late = self.held_seconds, self.late_seconds
        return f"own work held the event loop {held:.2f} s at most; machine or fleet were up to {late:.2f} s late"

    async def watch_itself(self) -> None:
        """Compare the clock with the CPU time that this process took."""
        while True:
            began, used = time.monotonic(), time.process_time()
            await asyncio.sleep(STEP_SECONDS)
            late, worked = time.monotonic() - began - STEP_SECONDS, time.process_time() - used
            self.held_seconds = max(self.held_seconds, min(late, worked))
            self._note(late - worked)

    async def watch_fleet(self, client: httpx.AsyncClient, url: str) -> None:
        """Ask the fleet for something that costs it nothing."""
        while True:
            began, used = time.monotonic(), time.process_time()
            await client.get(url)
            self._note(time.monotonic() - began - (time.process_time() - used))
            await asyncio.sleep(STEP_SECONDS)

    def _note(self, seconds: float) -> None:
        self.late_seconds = max(self.late_seconds, seconds)
        if seconds > LATE_SECONDS:
            self._late_at = time.monotonic()
