"""Snapshots as they are made in this process: of a fleet that is scraped, or of a simulated one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

from pdwatch.cli.clock import unix_time
from pdwatch.cli.daemon import Daemon
from pdwatch.config.load import Flag, load
from pdwatch.config.model import Config
from pdwatch.demo import Scenario, start_fleet
from pdwatch.model.page import Scrape
from pdwatch.model.snapshot import Snapshot

DEMO_INTERVAL = "2s"
SERVICE = "demo"


async def watched(
    config: Config, on_scrape: Callable[[Scrape], None] = lambda _: None
) -> AsyncGenerator[Snapshot, None]:
    """Scrape until closed and yield the newest snapshot of each cycle; a slow reader misses older ones.

    Raises what `Daemon.start` raises.
    """
    latest: asyncio.Queue[Snapshot] = asyncio.Queue(maxsize=1)

    def publish(snapshot: Snapshot) -> None:
        if latest.full():
            latest.get_nowait()
        latest.put_nowait(snapshot)

    daemon = Daemon(config, unix_time, publish, on_scrape)
    try:
        await daemon.start()
        while True:
            yield await latest.get()
    finally:
        await daemon.stop()


async def simulated(
    scenario: Scenario, on_scrape: Callable[[Scrape], None] = lambda _: None, seed: int = 1
) -> AsyncGenerator[Snapshot, None]:
    """Run a simulated fleet on free ports of loopback until closed, and yield what `watched` sees of it."""
    fleet = await start_fleet(scenario, 0, 1.0, seed)
    try:
        flags = (
            Flag("--prefill", ("prefill",), fleet.urls["prefill"]),
            Flag("--decode", ("decode",), fleet.urls["decode"]),
            Flag("--interval", ("scrape", "interval"), DEMO_INTERVAL),
            Flag("--service", ("service",), SERVICE),
        )
        async with aclosing(watched(load(None, {}, flags), on_scrape)) as snapshots:
            async for snapshot in snapshots:
                yield snapshot
    finally:
        await fleet.aclose()


async def last_within(snapshots: AsyncGenerator[Snapshot, None], seconds: float) -> Snapshot:
    """Return the last snapshot that comes within *seconds*, or the first one where none does."""
    async with aclosing(snapshots) as source:
        latest = await anext(source)
        try:
            async with asyncio.timeout(seconds):
                async for snapshot in source:
                    latest = snapshot
        except TimeoutError:
            pass
    return latest
