"""The daemon: discovery, scraping, the road and the faces, wired into one event loop."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import AsyncExitStack

from pdwatch.cli.wiring import loop_settings, road_settings, transport_settings
from pdwatch.config.model import Config
from pdwatch.discover.build import worker_discovery
from pdwatch.discover.discovery import Discovery
from pdwatch.model.page import Scrape
from pdwatch.model.snapshot import Snapshot
from pdwatch.model.target import Target
from pdwatch.road.road import DiscoveryStatus, Road
from pdwatch.scrape.credentials import CredentialsError
from pdwatch.scrape.loop import ScrapeLoop
from pdwatch.scrape.transport import Fetcher, Probe

log = logging.getLogger(__name__)

DISCOVERY_SECONDS = 1.0
"""How often sources are looked at; each is asked as often as it is configured."""


class Daemon:
    """Collects and judges from `start` to `stop`, and hands every snapshot and every scrape to those who listen.

    `start` raises `ConfigError` or `CredentialsError` for a configuration that cannot be used.
    """

    def __init__(
        self,
        config: Config,
        clock: Callable[[], float],
        on_snapshot: Callable[[Snapshot], None],
        on_scrape: Callable[[Scrape], None] = lambda _: None,
    ) -> None:
        self.config = config
        self._clock = clock
        self._on_snapshot = on_snapshot
        self._listener = on_scrape
        self.road = Road(road_settings(config))
        self._collecting: _Collecting | None = None

    async def start(self) -> None:
        """Find the targets and begin the first cycle."""
        self._collecting = await self._collect(self.config, None)

    async def reload(self, config: Config) -> None:
        """Go on with another configuration. When it cannot be used, this raises and the old one stays in use."""
        fresh = await self._collect(config, self._collecting)
        old, self._collecting = self._collecting, fresh
        self.config = config
        self.road.configure(road_settings(config))
        if old is not None:
            await old.stop()
            fresh.forget_others()  # the old one's last answers came after the new targets were known

    async def stop(self) -> None:
        """Stop collecting; no listener is called afterwards."""
        if self._collecting is not None:
            await self._collecting.stop()
            self._collecting = None

    async def _collect(self, config: Config, old: _Collecting | None) -> _Collecting:
        collecting = _Collecting(config, self._clock, self)
        if old is not None:
            collecting.inherit(old)
        try:
            await collecting.start()
        except CredentialsError:
            await collecting.stop()
            raise
        return collecting

    def scraped(self, scrape: Scrape) -> None:
        """Take the outcome of one scrape."""
        self._listener(scrape)
        self.road.observe(scrape)

    def probed(self, target: Target, probe: Probe, at: float) -> None:
        """Take what a worker says of itself."""
        self.road.probed(target, at, probe.health, probe.version, probe.error)

    def closed(self, now: float, loop: ScrapeLoop, discovery: Discovery) -> None:
        """Judge a cycle that is complete."""
        self._on_snapshot(self.road.tick(now, loop.stats.cycle_seconds, _status(discovery)))


def _status(discovery: Discovery) -> DiscoveryStatus:
    return DiscoveryStatus({state.name: len(state.targets) for state in discovery.states}, discovery.errors)


class _Collecting:
    """Discovery and scraping by one configuration."""

    def __init__(self, config: Config, clock: Callable[[], float], daemon: Daemon) -> None:
        self._clock = clock
        self._daemon = daemon
        self._discovery = worker_discovery(config)
        self._fetcher = Fetcher(transport_settings(config))
        self._loop = ScrapeLoop(
            self._fetcher,
            loop_settings(config),
            clock,
            on_scrape=daemon.scraped,
            on_probe=daemon.probed,
            on_cycle=lambda now: daemon.closed(now, self._loop, self._discovery),
        )
        self._stack = AsyncExitStack()
        self._discovering: asyncio.Task[None] | None = None
        self._targets: list[Target] = []

    def inherit(self, old: _Collecting) -> None:
        """Begin with what *old* found, so that a source which fails during a reload loses no worker."""
        found = {state.name: state.targets for state in old._discovery.states}
        for state in self._discovery.states:
            state.targets = found.get(state.name, ())

    async def start(self) -> None:
        await self._stack.enter_async_context(self._fetcher)
        await self._refresh()
        self._loop.start()
        self._discovering = asyncio.create_task(self._discover(), name="discovery")

    async def stop(self) -> None:
        if self._discovering is not None:
            self._discovering.cancel()
            await asyncio.gather(self._discovering, return_exceptions=True)
        await self._loop.aclose()
        await self._discovery.aclose()
        await self._stack.aclose()

    async def _discover(self) -> None:
        while True:
            await asyncio.sleep(DISCOVERY_SECONDS)
            await self._refresh()

    async def _refresh(self) -> None:
        targets = await self._discovery.refresh(self._clock())
        if targets is not self._targets:
            self._targets = targets
            self._loop.set_targets(targets)
            self.forget_others()

    def forget_others(self) -> None:
        """Forget every worker that is not among the targets."""
        self._daemon.road.keep(self._targets)
