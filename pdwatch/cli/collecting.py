"""A discovery and the scrape loop over what it finds."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass

from pdwatch.discover.discovery import Discovery
from pdwatch.model.page import Scrape
from pdwatch.model.target import Target
from pdwatch.scrape.loop import ScrapeLoop
from pdwatch.scrape.settings import TransportSettings
from pdwatch.scrape.transport import Fetcher, Probe
from pdwatch.scrape.turns import LoopSettings

log = logging.getLogger(__name__)

DISCOVERY_SECONDS = 1.0
"""How often sources are looked at; each is asked as often as it is configured."""


async def _nobody(_now: float, _collecting: Collecting) -> None:
    """Hear that a cycle is complete."""


@dataclass(frozen=True, slots=True)
class Listeners:
    """Who hears of what. All are called on the event loop."""

    scraped: Callable[[Scrape], None]
    found: Callable[[list[Target]], None]
    """Gets all targets whenever they change."""
    probed: Callable[[Target, Probe, float], None] = lambda _target, _probe, _at: None
    closed: Callable[[float, Collecting], Awaitable[None]] = _nobody


class Collecting:
    """Finds targets and scrapes them from `start` to `stop`. `start` raises `CredentialsError`; stop it then too."""

    def __init__(
        self,
        discovery: Discovery,
        transport: TransportSettings,
        settings: LoopSettings,
        clock: Callable[[], float],
        listeners: Listeners,
    ) -> None:
        self.discovery = discovery
        self._clock = clock
        self._listeners = listeners
        self._fetcher = Fetcher(transport)
        self._loop = ScrapeLoop(
            self._fetcher,
            settings,
            clock,
            on_scrape=listeners.scraped,
            on_probe=listeners.probed,
            on_cycle=lambda now: listeners.closed(now, self),
        )
        self._stack = AsyncExitStack()
        self._discovering: asyncio.Task[None] | None = None
        self._targets: list[Target] = []

    @property
    def cycle_seconds(self) -> float:
        """Length of the last cycle."""
        return self._loop.stats.cycle_seconds

    def inherit(self, old: Collecting) -> None:
        """Begin with what *old* found, so that a source which fails during a reload loses no target."""
        self.discovery.inherit(old.discovery)

    async def start(self) -> None:
        """Find the targets and begin the first cycle."""
        await self._stack.enter_async_context(self._fetcher)
        await self._refresh()
        self._loop.start()
        self._discovering = asyncio.create_task(self._discover(), name="discovery")

    async def stop(self) -> None:
        """Stop: nobody hears anything afterwards."""
        if self._discovering is not None:
            self._discovering.cancel()
            await asyncio.gather(self._discovering, return_exceptions=True)
        await self._loop.aclose()
        await self.discovery.aclose()
        await self._stack.aclose()

    async def _discover(self) -> None:
        while True:
            await asyncio.sleep(DISCOVERY_SECONDS)
            await self._refresh()

    async def _refresh(self) -> None:
        targets = await self.discovery.refresh(self._clock())
        if targets is not self._targets:
            self._targets = targets
            self._loop.set_targets(target for target in targets if target.is_asked)
            self.tell_targets()
        for scrape in self.discovery.take_scrapes():
            self._tell(scrape)

    def _tell(self, scrape: Scrape) -> None:
        """Hand over a page that a source read; a listener that raises spoils nothing else."""
        try:
            self._listeners.scraped(scrape)
        except Exception:
            log.exception("a page of %s was not taken", scrape.target.worker)

    def tell_targets(self) -> None:
        """Tell the targets again."""
        self._listeners.found(self._targets)
