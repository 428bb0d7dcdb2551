"""From the configuration to `Discovery`: one line of this file for each kind of entry."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from typing import Any

from pdwatch.config.errors import ConfigError, Place
from pdwatch.config.model import Config
from pdwatch.config.places import DynamoSource, KubernetesSource
from pdwatch.config.sources import RouterSource, StaticGroup
from pdwatch.config.sources import Source as SourceEntry
from pdwatch.discover.discovery import Discovery
from pdwatch.discover.dns_records import DnsDiscovery
from pdwatch.discover.dynamo.etcd import EtcdCards
from pdwatch.discover.dynamo.source import CardFiles, DynamoDiscovery
from pdwatch.discover.file_sd import FileDiscovery
from pdwatch.discover.http import JsonClient
from pdwatch.discover.http_sd import HttpDiscovery
from pdwatch.discover.kubernetes.source import KubernetesDiscovery
from pdwatch.discover.kubernetes.watch import reach
from pdwatch.discover.prometheus.source import MAX_ANSWER_BYTES, PrometheusDiscovery
from pdwatch.discover.ray import RayDiscovery
from pdwatch.discover.router import RouterDiscovery
from pdwatch.discover.sharding import Choice, everything, of_services
from pdwatch.discover.source import Source
from pdwatch.discover.static import StaticSource, flag_source
from pdwatch.model.target import DEFAULT_SERVICE, Role


def worker_discovery(config: Config, names: Collection[str] = ()) -> Discovery:
    """Return what finds workers: the short form first, then the entries under `discovery` in their order.

    *names* are those of the samples that are read of a worker's page. Of a shard, only its own services count.
    """
    choose = everything if config.shard is None else of_services(config.shard)
    return Discovery([*_short_form(config), *_sources(config, "discovery", names)], choose)


def host_discovery(config: Config, choose: Choice = everything) -> Discovery:
    """Return what finds pages about hosts, the entries under `hosts`; those that *choose* takes count.

    Raises `ConfigError` for a kind that finds workers only.
    """
    return Discovery(list(_sources(config, "hosts", ())), choose)


def _short_form(config: Config) -> Iterator[Source]:
    if config.prefill:
        yield flag_source(Role.PREFILL, config.prefill, config.service)
    if config.decode:
        yield flag_source(Role.DECODE, config.decode, config.service)
    if config.router is not None:
        yield from _router(RouterSource(url=config.router, service=config.service))


def _sources(config: Config, key: str, names: Collection[str]) -> Iterator[Source]:
    entries: tuple[SourceEntry, ...] = getattr(config, key)
    for index, entry in enumerate(entries):
        place = f"{key}[{index}]"
        if entry.static is not None:
            yield StaticSource(f"{place}.static", entry.static)
        if entry.prometheus is not None:
            if key == "hosts":
                mend = "name dcgm-exporter, node_exporter or pdwatch agent themselves"
                raise ConfigError(Place(f"{place}.prometheus"), "", "is read for workers only", mend)
            client = JsonClient(entry.prometheus, max_body=MAX_ANSWER_BYTES)
            yield PrometheusDiscovery(entry.prometheus, client, names, config.scrape.interval)
        for kind, sources in _KINDS.items():
            if (given := getattr(entry, kind)) is not None:
                yield from sources(given)


def _cluster_name(entry: KubernetesSource) -> str:
    """Return what messages call the pods of an entry."""
    where = f"in {', '.join(entry.namespaces)}" if entry.namespaces else "in all namespaces"
    parts = ("kubernetes pods", entry.selector, where, entry.context and f"of {entry.context}")
    return " ".join(part for part in parts if part)


def _dynamo(entry: DynamoSource) -> Source:
    if entry.path is not None:
        return DynamoDiscovery(entry, CardFiles(entry.path))
    return DynamoDiscovery(entry, EtcdCards(entry, entry.etcd or ""))


def _router(entry: RouterSource) -> Iterator[Source]:
    if entry.metrics_url is not None:
        labels = {"role": str(Role.ROUTER), "service": entry.service or DEFAULT_SERVICE}
        yield StaticSource(f"{entry.url} itself", (StaticGroup(targets=(entry.metrics_url,), labels=labels),))
    yield RouterDiscovery(entry, JsonClient(entry))


_KINDS: dict[str, Callable[[Any], Iterator[Source]]] = {
    "file": lambda entry: iter([FileDiscovery(entry)]),
    "http": lambda entry: iter([HttpDiscovery(entry, JsonClient(entry))]),
    "router": _router,
    "kubernetes": lambda entry: iter([KubernetesDiscovery(entry, _cluster_name(entry), lambda: reach(entry))]),
    "dns": lambda entry: iter([DnsDiscovery(entry)]),
    "dynamo": lambda entry: iter([_dynamo(entry)]),
    "ray": lambda entry: iter([RayDiscovery(entry, JsonClient(entry))]),
}
"""What each kind of entry is looked up by; `static` and `prometheus` need to know more than their entry."""
