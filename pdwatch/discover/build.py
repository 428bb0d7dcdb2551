"""From the configuration to `Discovery`: one line of this file for each kind of entry."""

from __future__ import annotations

from collections.abc import Iterator

from pdwatch.config.errors import ConfigError, Place
from pdwatch.config.model import Config
from pdwatch.config.sources import RouterSource, StaticGroup
from pdwatch.config.sources import Source as SourceEntry
from pdwatch.discover.discovery import Discovery
from pdwatch.discover.file_sd import FileDiscovery
from pdwatch.discover.http import JsonClient
from pdwatch.discover.http_sd import HttpDiscovery
from pdwatch.discover.router import RouterDiscovery
from pdwatch.discover.source import Source
from pdwatch.discover.static import StaticSource, flag_source
from pdwatch.model.target import DEFAULT_SERVICE, Role


def worker_discovery(config: Config) -> Discovery:
    """Return what finds workers: the short form first, then the entries under `discovery` in their order.

    Raises `ConfigError` for a kind that is not supported.
    """
    return Discovery([*_short_form(config), *_sources(config.discovery, "discovery")])


def host_discovery(config: Config) -> Discovery:
    """Return what finds pages about hosts, the entries under `hosts`. Raises `ConfigError` like `worker_discovery`."""
    return Discovery(list(_sources(config.hosts, "hosts")))


def _short_form(config: Config) -> Iterator[Source]:
    if config.prefill:
        yield flag_source(Role.PREFILL, config.prefill, config.service)
    if config.decode:
        yield flag_source(Role.DECODE, config.decode, config.service)
    if config.router is not None:
        yield from _router(RouterSource(url=config.router, service=config.service))


def _sources(entries: tuple[SourceEntry, ...], key: str) -> Iterator[Source]:
    for index, entry in enumerate(entries):
        name = f"{key}[{index}]"
        if entry.static is not None:
            yield StaticSource(f"{name}.static", entry.static)
        if entry.file is not None:
            yield FileDiscovery(entry.file)
        if entry.http is not None:
            yield HttpDiscovery(entry.http, JsonClient(entry.http))
        if entry.router is not None:
            yield from _router(entry.router)
        if entry.kubernetes is not None:
            raise ConfigError(Place(f"{name}.kubernetes"), "", "is not supported yet", "name the pods by file or http")


def _router(entry: RouterSource) -> Iterator[Source]:
    if entry.metrics_url is not None:
        labels = {"role": str(Role.ROUTER), "service": entry.service or DEFAULT_SERVICE}
        yield StaticSource(f"{entry.url} itself", (StaticGroup(targets=(entry.metrics_url,), labels=labels),))
    yield RouterDiscovery(entry, JsonClient(entry))
