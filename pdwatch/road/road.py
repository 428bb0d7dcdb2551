"""Pages in, snapshots out. Knows neither network nor clock: it is handed both as values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pdwatch.catalog.thresholds import Thresholds
from pdwatch.engines import read, wants
from pdwatch.engines.sense import NonsenseError
from pdwatch.judge.advice import ServiceLimits
from pdwatch.judge.judge import Judge
from pdwatch.model.host import HostReading, HostState
from pdwatch.model.hostsignals import HostSignals
from pdwatch.model.page import Scrape
from pdwatch.model.reading import PageReading
from pdwatch.model.snapshot import SelfState, ServiceState, Snapshot
from pdwatch.model.target import Role, Target
from pdwatch.road.behind import WorkersBehind
from pdwatch.road.hosts import HostRoad
from pdwatch.road.roles import Roles
from pdwatch.scrape.errors import PageError
from pdwatch.scrape.exposition import PageParser
from pdwatch.scrape.series import DEFAULT_LIMITS, PageLimits
from pdwatch.signals.host import HostSignalsWatch
from pdwatch.signals.joined import with_hosts
from pdwatch.signals.routed import RoutedWatch
from pdwatch.signals.service import Objectives, ServiceWatch
from pdwatch.signals.worker import WorkerWatch


@dataclass(frozen=True, slots=True)
class ServicePolicy:
    """What the configuration says of one service."""

    objectives: Objectives = Objectives()
    limits: ServiceLimits = field(default_factory=ServiceLimits)
    connector: str | None = None


@dataclass(frozen=True, slots=True)
class RoadSettings:
    """How the road judges. Times in seconds."""

    interval: float = 5.0
    window: float = 60.0
    thresholds: Thresholds = Thresholds()
    page_limits: PageLimits = DEFAULT_LIMITS
    services: Mapping[str, ServicePolicy] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DiscoveryStatus:
    """By source, how many targets it yields, and what went wrong with its last refresh."""

    targets: Mapping[str, int] = field(default_factory=dict)
    errors: Mapping[str, str] = field(default_factory=dict)


NO_DISCOVERY = DiscoveryStatus()


class Road:
    """State between ticks: per target its parser and watch, per service its judge."""

    def __init__(self, settings: RoadSettings) -> None:
        self.settings = settings
        self.hosts = HostRoad(settings.page_limits)
        """What is known of hosts."""
        self._host_signals = HostSignalsWatch(settings.thresholds, settings.window)
        self._parsers: dict[str, PageParser] = {}
        self._services: dict[str, tuple[ServiceWatch, Judge]] = {}
        self._roles = Roles()
        self._behind = WorkersBehind()
        self._recalled: dict[str, Any] = {}
        self._cycles = 0

    def configure(self, settings: RoadSettings) -> None:
        """Judge by other settings from now on; what is known of workers and findings stays."""
        self.settings = settings
        self.hosts.limits = settings.page_limits
        self._host_signals.configure(settings.thresholds, settings.window)
        for name, (service, judge) in self._services.items():
            policy = settings.services.get(name, ServicePolicy())
            service.configure(policy.objectives, policy.connector, settings.thresholds, settings.window)
            judge.configure(settings.thresholds, settings.window, policy.limits)

    def memory(self) -> dict[str, Any]:
        """Return what is worth keeping over a restart of pdwatch, as JSON has it: by service, what was learned."""
        kept = {name: service.memory() | judge.memory() for name, (service, judge) in self._services.items()}
        return {**self._recalled, **kept}

    def recall(self, kept: Mapping[str, Any]) -> None:
        """Go on from what `memory` returned; a service takes what is its own once a worker of it is seen.

        Raises `ValueError` where it is something else; nothing is recalled then.
        """
        for name, service in kept.items():
            try:
                ServiceWatch(name, Objectives(), None, self.settings.thresholds).recall(service)
                Judge(self.settings.thresholds, self.settings.window, ServiceLimits()).recall(service)
            except (AttributeError, KeyError, TypeError, ValueError) as error:
                raise ValueError(f"what it keeps of service {name!r} is not readable: {error!r}") from error
        self._recalled = dict(kept)

    def observe(self, scrape: Scrape) -> None:
        """Take the outcome of one scrape. A page that nobody can read is a failure of its worker only."""
        if scrape.body is None:
            self._failed(scrape)
            return
        try:
            reading = read(self._parser(scrape.target).parse(scrape.body, scrape.content_type), scrape.at)
        except (PageError, NonsenseError) as error:
            self._failed(scrape, str(error))
        else:
            self._read(scrape, reading)

    def _failed(self, scrape: Scrape, page_error: str | None = None) -> None:
        """Take a scrape without a page: of the worker itself, and of those that its page speaks for."""
        for target in (scrape.target, *self._behind.of(scrape.target.url)):
            self._worker(target).failed(scrape, page_error)

    def _read(self, scrape: Scrape, reading: PageReading) -> None:
        target, thresholds = scrape.target, self.settings.thresholds
        if reading.routed:
            routers = self._service(target.service).routers
            routers.setdefault(target.url, RoutedWatch(self.settings.window)).push(scrape.at, reading.routed)
        self._roles.page(target.url, reading)
        self._worker(target).read(scrape, reading, thresholds)
        if reading.behind:
            direct = self._service(target.service).workers
            for worker, own in self._behind.read(target, reading, lambda url: url in direct):
                self._roles.page(worker.url, own)
                self._worker(worker).read(scrape, own, thresholds)

    def probed(
        self,
        target: Target,
        at: float,
        health: int | None,
        version: str | None,
        error: str | None,
        *,
        role: Role | None = None,
    ) -> None:
        """Take the answers of a worker's `/health` and `/version`, or why there was none, and the role it gives."""
        if role is not None:
            self._roles.probe(target.url, role)
        known = self._worker(target).health
        status = health if self._roles.health_counts(target.url) else None
        known.at, known.status, known.error, known.version = at, status, error, version or known.version

    def observe_host(self, reading: HostReading) -> None:
        """Take what the collectors of this process tell of its own host."""
        self.hosts.observe(reading)

    def keep(self, targets: Iterable[Target]) -> None:
        """Forget every worker that is not among *targets*."""
        urls = {target.url: target.service for target in targets}
        urls |= self._behind.keep(urls)
        for name, (service, _) in self._services.items():
            for url in [url for url in service.workers if urls.get(url) != name]:
                service.remove(url)
                self._parsers.pop(url, None)
                self._roles.forget(url)

    def tick(
        self, now: float, cycle_seconds: float | None = None, discovery: DiscoveryStatus = NO_DISCOVERY
    ) -> Snapshot:
        """Close a round at *now* and return its snapshot."""
        self._cycles += 1
        for target in list(self._roles.unsure.values()):
            self._worker(target)
        stale_after = self.settings.thresholds.stale_intervals * self.settings.interval
        hosts = self.hosts.states(now, stale_after)
        host_signals = self._compare(hosts, now)
        services = {
            name: judge.judge(with_hosts(service.signals(now, stale_after), hosts, host_signals), now)
            for name, (service, judge) in self._services.items()
            if service.workers
        }
        return Snapshot(now, services, hosts, self._self_state(services, cycle_seconds, discovery))

    def _compare(self, hosts: Mapping[str, HostState], now: float) -> Mapping[str, HostSignals]:
        """Return what the hosts tell in comparison with earlier ticks."""
        self._host_signals.keep(hosts)
        for state in hosts.values():
            self._host_signals.observe(state)
        return self._host_signals.signals(now)

    def _self_state(
        self, services: Mapping[str, ServiceState], cycle_seconds: float | None, discovery: DiscoveryStatus
    ) -> SelfState:
        workers = [worker for service in services.values() for worker in service.workers]
        return SelfState(
            workers=len(workers),
            up=sum(worker.up for worker in workers),
            stale=sum(worker.stale for worker in workers),
            cycle_seconds=cycle_seconds,
            cycles=self._cycles,
            discovery_targets=discovery.targets,
            discovery_errors=discovery.errors,
            thresholds=self.settings.thresholds.changed(),
        )

    def _parser(self, target: Target) -> PageParser:
        parser = self._parsers.get(target.url)
        if parser is None:
            parser = self._parsers[target.url] = PageParser(wants, self.settings.page_limits)
        return parser

    def _worker(self, target: Target) -> WorkerWatch:
        service = self._service(target.service)
        watch = service.workers.get(target.url)
        if watch is None:
            watch = service.workers[target.url] = WorkerWatch(target, self.settings.window)
            self._forget_elsewhere(target)
        watch.target = self._roles.applied(target)
        return watch

    def _forget_elsewhere(self, target: Target) -> None:
        """A worker that moved to another service is no longer in the one before."""
        for name, (service, _) in self._services.items():
            if name != target.service and target.url in service.workers:
                service.remove(target.url)

    def _service(self, name: str) -> ServiceWatch:
        held = self._services.get(name)
        if held is None:
            policy = self.settings.services.get(name, ServicePolicy())
            thresholds, window = self.settings.thresholds, self.settings.window
            watch = ServiceWatch(name, policy.objectives, policy.connector, thresholds)
            held = self._services[name] = (watch, Judge(thresholds, window, policy.limits))
            if name in self._recalled:
                kept = self._recalled.pop(name)
                held[0].recall(kept)
                held[1].recall(kept)
        return held[0]
