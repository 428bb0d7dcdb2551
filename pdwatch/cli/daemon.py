"""The daemon: discovery, scraping, the road and the faces, wired into one event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from pdwatch.cli.collecting import Collecting, Listeners
from pdwatch.cli.localhost import LocalHost
from pdwatch.cli.sharding import Sharding
from pdwatch.cli.turns import RoadTurns
from pdwatch.cli.wiring import host_loop_settings, loop_settings, road_settings, transport_settings
from pdwatch.config.model import Config
from pdwatch.discover.build import host_discovery, worker_discovery
from pdwatch.discover.discovery import Discovery
from pdwatch.engines import wanted
from pdwatch.model.page import Scrape
from pdwatch.model.snapshot import Snapshot
from pdwatch.model.target import Target
from pdwatch.road.road import DiscoveryStatus, Road
from pdwatch.scrape.credentials import CredentialsError
from pdwatch.scrape.transport import Probe


class Daemon:
    """Collects and judges from `start` to `stop`, and hands every snapshot and every scrape to those who listen.

    With *local*, the host that it runs on is watched too. `start` raises `ConfigError` or `CredentialsError` for a
    configuration that cannot be used.
    """

    def __init__(
        self,
        config: Config,
        clock: Callable[[], float],
        on_snapshot: Callable[[Snapshot], None],
        on_scrape: Callable[[Scrape], None] = lambda _: None,
        local: LocalHost | None = None,
    ) -> None:
        self.config = config
        self._clock = clock
        self._on_snapshot = on_snapshot
        self._listener = on_scrape
        self._local = local
        self.road = Road(road_settings(config))
        self.turns = RoadTurns(self.road)
        """By which everything reaches the road."""
        self._collecting: _Both | None = None
        self._changing = asyncio.Lock()
        self._stopped = False

    async def start(self) -> None:
        """Find the targets and begin the first cycle."""
        if self._local is not None:
            await self._local.use(self.config)
        self._collecting = await self._collect(self.config, None)

    async def reload(self, config: Config) -> None:
        """Go on with another configuration. When it cannot be used, this raises and the old one stays in use."""
        async with self._changing:
            if self._stopped:
                return
            fresh = await self._collect(config, self._collecting)
            old, self._collecting = self._collecting, fresh
            self.config = config
            settings = road_settings(config)
            self.turns.do(lambda: self.road.configure(settings))
            if self._local is not None:
                await self._local.use(config)
            if old is not None:
                await old.stop()
                fresh.tell_targets()  # the old one's last answers came after the new targets were known

    async def stop(self) -> None:
        """Stop collecting; no listener is called afterwards. A reload under way is waited for, no other begins."""
        self._stopped = True
        async with self._changing:
            if self._collecting is not None:
                await self._collecting.stop()
                self._collecting = None
            if self._local is not None:
                await self._local.stop()
            await self.turns.close()

    async def _collect(self, config: Config, old: _Both | None) -> _Both:
        collecting = _Both(config, self._clock, self)
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
        self.turns.do(lambda: self._observe(scrape))

    def _observe(self, scrape: Scrape) -> None:
        self._listener(scrape)
        self.road.observe(scrape)

    def probed(self, target: Target, probe: Probe, at: float) -> None:
        """Take what a worker says of itself."""
        self.turns.do(lambda: self.road.probed(target, at, probe.health, probe.version, probe.error, role=probe.role))

    def found(self, targets: list[Target]) -> None:
        """Take all workers that there are."""
        self.turns.do(lambda: self.road.keep(targets))

    def host_scraped(self, scrape: Scrape) -> None:
        """Take the outcome of one scrape of a page about a host."""
        self.turns.do(lambda: self.road.hosts.scraped(scrape))

    def hosts_found(self, targets: list[Target]) -> None:
        """Take all pages about hosts that there are."""
        self.turns.do(lambda: self.road.hosts.keep(targets))

    async def closed(
        self, now: float, cycle_seconds: float, status: DiscoveryStatus, mark: Callable[[Snapshot], Snapshot]
    ) -> None:
        """Judge a cycle that is complete; *mark* adds to the snapshot of which shard it is."""
        reading = self._local.reading() if self._local is not None else None
        if reading is not None:
            self.turns.do(lambda: self.road.observe_host(reading))
        self._on_snapshot(mark(await self.turns.tick(now, cycle_seconds, status)))


class _Both:
    """Collecting from workers, whose cycles are the daemon's, and from pages about hosts."""

    def __init__(self, config: Config, clock: Callable[[], float], daemon: Daemon) -> None:
        transport, discovery = transport_settings(config), worker_discovery(config, wanted())
        self._sharding = Sharding(config.shard, discovery)
        needed = host_discovery(config, self._sharding.hosts())
        hosts = Listeners(scraped=daemon.host_scraped, found=daemon.hosts_found)
        self._hosts = Collecting(needed, transport, host_loop_settings(config), clock, hosts)
        workers = Listeners(
            scraped=daemon.scraped,
            found=daemon.found,
            probed=daemon.probed,
            closed=lambda now, workers: daemon.closed(
                now,
                workers.cycle_seconds,
                _status(discovery, self._hosts.discovery),
                self._sharding.mark,
            ),
        )
        self._workers = Collecting(discovery, transport, loop_settings(config), clock, workers)
        self._clock = clock

    def inherit(self, old: _Both) -> None:
        self._sharding.inherit(old._sharding)
        self._hosts.inherit(old._hosts)
        self._workers.inherit(old._workers)

    async def start(self) -> None:
        await self._workers.discovery.refresh(self._clock())  # where workers live tells which hosts a shard needs
        await self._hosts.start()
        await self._workers.start()

    async def stop(self) -> None:
        await asyncio.gather(self._workers.stop(), self._hosts.stop())

    def tell_targets(self) -> None:
        self._hosts.tell_targets()
        self._workers.tell_targets()


def _status(*discoveries: Discovery) -> DiscoveryStatus:
    states = [state for discovery in discoveries for state in discovery.states]
    errors = {name: error for discovery in discoveries for name, error in discovery.errors.items()}
    return DiscoveryStatus({state.name: len(state.targets) for state in states}, errors)
