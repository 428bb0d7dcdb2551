"""What is known of hosts between ticks: by host and source, the newest reading and how the last look went."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from pdwatch.host.adapters import read, wants
from pdwatch.model.host import HostOrigin, HostReading, HostState
from pdwatch.model.page import Scrape
from pdwatch.model.target import Target
from pdwatch.scrape.errors import PageError
from pdwatch.scrape.exposition import PageParser
from pdwatch.scrape.series import PageLimits

LOCAL = "local"
"""Source of what the collectors of this process tell."""
LOOPBACK = ("127.0.0.1", "::1", "localhost")
_SHOWN_NAMES = 3
_OF_ANY_PROGRAM = ("python_", "process_", "go_", "promhttp_", "scrape_")


@dataclass(slots=True)
class _Source:
    """One page about a host, or the collectors of this process."""

    host: str
    addresses: tuple[str, ...]
    parser: PageParser | None = None
    reading: HostReading | None = None
    error: str | None = None


class HostRoad:
    """Pages about hosts and local readings in, states of hosts out."""

    def __init__(self, limits: PageLimits) -> None:
        self.limits = limits
        self._sources: dict[str, _Source] = {}

    def observe(self, reading: HostReading) -> None:
        """Take what the collectors of this process tell of its own host."""
        source = self._sources.get(LOCAL)
        if source is None or source.host != reading.host:
            source = self._sources[LOCAL] = _Source(reading.host, (*LOOPBACK, reading.host))
        source.reading = reading

    def scraped(self, scrape: Scrape) -> None:
        """Take the outcome of one scrape of a page about a host."""
        target = scrape.target
        source = self._source(target)
        if scrape.body is None:
            source.error = scrape.error or f"status {scrape.status}"
            return
        source.parser = source.parser or PageParser(wants, self.limits)
        try:
            page = source.parser.parse(scrape.body, scrape.content_type)
            reading = read(page, source.host, scrape.at)
        except (PageError, ValueError) as error:
            source.error = str(error)
            return
        if reading is None:
            source.error = unknown_page(target, scrape.body)
            return
        source.reading, source.error = reading, None

    def keep(self, targets: Iterable[Target]) -> None:
        """Forget every source that is not among *targets*; the collectors of this process stay."""
        urls = {target.url for target in targets} | {LOCAL}
        self._sources = {url: source for url, source in self._sources.items() if url in urls}

    def states(self, now: float, stale_after: float) -> dict[str, HostState]:
        """Return the state of every host at *now*; a reading older than *stale_after* seconds is stale."""
        by_host: dict[str, list[_Source]] = {}
        for source in self._sources.values():
            by_host.setdefault(source.host, []).append(source)
        return {host: _state(host, by_host[host], now, stale_after) for host in sorted(by_host)}

    def _source(self, target: Target) -> _Source:
        address = urlsplit(target.url).hostname or ""
        host = target.host or address
        source = self._sources.get(target.url)
        if source is None or source.host != host:
            source = self._sources[target.url] = _Source(host, (address,))
        return source


def unknown_page(target: Target, body: str) -> str:
    """Return what is wrong with a page that no adapter recognises, with what it holds."""
    lines = (line.partition("{")[0].partition(" ")[0] for line in body.splitlines() if line and line[0] != "#")
    every = list(dict.fromkeys(line for line in lines if line))
    names = [name for name in every if not name.startswith(_OF_ANY_PROGRAM)] or every
    held = f"{', '.join(names[:_SHOWN_NAMES])}{' and more' if len(names) > _SHOWN_NAMES else ''}" or "nothing"
    return (
        f"{target.worker} answers with {held}, which tells of no host; under hosts, "
        "name pdwatch agent, dcgm-exporter or node_exporter"
    )


def _state(host: str, sources: Collection[_Source], now: float, stale_after: float) -> HostState:
    readings = [source.reading for source in sources if source.reading is not None]
    errors = [source.error for source in sources if source.error is not None]
    age = min((max(0.0, now - reading.at) for reading in readings), default=None)
    merged = merge([r for r in readings if now - r.at <= stale_after] or readings)
    return HostState(
        host=host,
        origins=tuple(dict.fromkeys(reading.origin for reading in readings)),
        up=not errors and bool(readings),
        age_seconds=age,
        error="; ".join(errors) or None,
        reading=merged,
        stale=age is None or age > stale_after,
        addresses=tuple(dict.fromkeys(address for source in sources for address in source.addresses if address)),
    )


def merge(readings: Collection[HostReading]) -> HostReading | None:
    """Return one reading with, for each kind, the freshest that tells it; pdwatch's own before others' of that time."""
    if len(readings) < 2:
        return next(iter(readings), None)
    own = (HostOrigin.LOCAL, HostOrigin.AGENT)
    ordered = sorted(readings, key=lambda reading: (reading.origin in own, reading.at))
    newest = ordered[-1]
    merged = replace(newest, at=max(reading.at for reading in readings))
    for reading in reversed(ordered[:-1]):
        merged = replace(
            merged,
            gpus=merged.gpus or reading.gpus,
            fabric=merged.fabric or reading.fabric,
            processes=merged.processes or reading.processes,
            logs=merged.logs or reading.logs,
            nearest=merged.nearest or reading.nearest,
        )
    told = {"nvml": merged.gpus, "fabric": merged.fabric, "processes": merged.processes, "logs": merged.logs}
    return replace(merged, absent={name: why for name, why in merged.absent.items() if told.get(name) is None})
