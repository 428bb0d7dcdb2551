"""The road as a daemon walks it: its ticks run on a thread, and what happens meanwhile waits for its turn.

Judging a thousand workers takes a tenth of a second. On the event loop nobody would be answered in that time.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from pdwatch.model.snapshot import Snapshot
from pdwatch.road.road import DiscoveryStatus, Road

log = logging.getLogger(__name__)

_SLICE_SECONDS = 0.01
"""How long what has waited is made up for at a time, before others have their turn."""


class RoadTurns:
    """Hands changes to a road one after the other, those that come during a tick after it. Used from one event loop."""

    def __init__(self, road: Road) -> None:
        self.road = road
        self._waiting: deque[Callable[[], object]] = deque()
        self._ticking: asyncio.Task[Snapshot] | None = None
        self._thread = ThreadPoolExecutor(1, "tick")  # always the same one: each has a heap of its own

    def do(self, change: Callable[[], object]) -> None:
        """Do *change* now, or in its turn after the tick that is under way."""
        if self._ticking is None:
            change()
        else:
            self._waiting.append(change)

    async def tick(self, now: float, cycle_seconds: float, status: DiscoveryStatus) -> Snapshot:
        """Close a round, after the one before; whoever stops waiting for it does not stop it."""
        await self.settle()
        self._ticking = asyncio.create_task(self._tick(now, cycle_seconds, status), name="tick")
        return await asyncio.shield(self._ticking)

    async def settle(self) -> None:
        """Wait until no tick is under way."""
        while self._ticking is not None:
            await asyncio.wait([self._ticking])

    async def close(self) -> None:
        """Wait until no tick is under way, and end the thread; no other tick may follow."""
        await self.settle()
        self._thread.shutdown(wait=False)

    async def _tick(self, now: float, cycle_seconds: float, status: DiscoveryStatus) -> Snapshot:
        try:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._thread, self.road.tick, now, cycle_seconds, status)
        finally:
            await self._catch_up()
            self._ticking = None

    async def _catch_up(self) -> None:
        """Do what has waited; a change that fails spoils nothing else."""
        loop = asyncio.get_running_loop()
        until = loop.time() + _SLICE_SECONDS
        while self._waiting:
            try:
                self._waiting.popleft()()
            except Exception:
                log.exception("what came in during a tick was not taken")
            if loop.time() >= until:
                await asyncio.sleep(0)
                until = loop.time() + _SLICE_SECONDS
