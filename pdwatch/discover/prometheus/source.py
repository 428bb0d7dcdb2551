"""The targets of a Prometheus, each with the page that it gave at its last scrape."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Collection, Mapping
from urllib.parse import quote, urlencode, urlsplit

from pdwatch.config.places import PrometheusSource
from pdwatch.config.sources import TargetGroup
from pdwatch.config.units import format_duration
from pdwatch.config.urls import worker_url
from pdwatch.discover.groups import found_in
from pdwatch.discover.http import JsonClient
from pdwatch.discover.kubernetes.labels import ROLE_LABELS, SERVICE_LABELS, first_of, role_of
from pdwatch.discover.prometheus.pages import LABEL, Instance, Key, instances
from pdwatch.discover.prometheus.query import read_answer, selector
from pdwatch.discover.source import Found
from pdwatch.model.page import Scrape
from pdwatch.model.target import Target

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
MAX_ANSWER_BYTES = 256 * 1024**2
_SPACING_FACTOR = 1.5

_WRITTEN = {re.sub(r"[^a-zA-Z0-9_]", "_", name): name for name in (*ROLE_LABELS, *SERVICE_LABELS)}
"""Labels of pods by the names that Prometheus gives them."""


class PrometheusDiscovery:
    """Reads one Prometheus. What it tells comes as scrapes, and only what is newer than the time before."""

    def __init__(self, entry: PrometheusSource, client: JsonClient, names: Collection[str], interval: float) -> None:
        self.name = " ".join([entry.url, *entry.matchers])
        self.refresh = entry.refresh or interval
        self._url = f"{entry.url}/api/v1/query"
        self._entry = entry
        self._client = client
        self._body = urlencode({"query": selector(names, entry.matchers, entry.lookback)}).encode()
        self._interval = interval
        self._read: dict[str, float] = {}
        self._engines: set[Key] = set()
        """What has shown a metric of an engine, as long as Prometheus has it as a target."""

    async def find(self) -> Found:
        """Return the targets that were scraped within the lookback. Raises `DiscoveryError`."""
        answer = await self._client.post(self._url, self._body, FORM)
        return await asyncio.to_thread(self._found, answer)  # of a large fleet it takes a while

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    def _found(self, answer: bytes) -> Found:
        known = [one for one in instances(read_answer(answer, self._url)) if one.is_engine or one.key in self._engines]
        self._engines = {one.key for one in known}
        jobs = Counter(one.key[1] for one in known)
        pairs = [(self._target(one), one) for one in known if jobs[one.key[1]] == 1]
        scrapes = tuple(_scrape(target, one) for target, one in pairs if one.at > self._read.get(target.url, 0.0))
        self._read = {target.url: one.at for target, one in pairs}
        return Found(tuple(target for target, _ in pairs), self._problem(known, jobs), scrapes)

    def _problem(self, known: list[Instance], jobs: Mapping[str, int]) -> str | None:
        """Return what keeps the targets from being read as they should."""
        twice = next((name for name, count in jobs.items() if count > 1), None)
        if twice is not None:
            return f"{self.name}: instance {twice} is in {jobs[twice]} jobs; name one of them with matchers"
        apart = min((one.up.spacing for one in known if one.up is not None and one.up.spacing), default=0.0)
        if apart > _SPACING_FACTOR * self._interval:
            spacing = format_duration(round(apart))
            return f"{self.name}: scrapes every {spacing}; set scrape.interval to {spacing} or more"
        return None

    def _target(self, instance: Instance) -> Target:
        """Return the target; its URL is the page's own, and behind # who told it."""
        labels = {name: value for name, value in instance.labels.items() if LABEL.fullmatch(name)}
        pod = labels | {name: labels[written] for written, name in _WRITTEN.items() if labels.get(written)}
        role, _ = role_of(pod)
        service = labels.get(self._entry.service_label or "service") or first_of(pod, SERVICE_LABELS)
        own = {
            "service": self._entry.service or service,
            "role": str(role),
            "worker": labels.get("worker") or labels.get("pod") or labels["instance"],
            "host": labels.get("host") or labels.get("node") or "",
        }
        group = TargetGroup(targets=(_address(labels["instance"]),), labels=labels | own)
        (target,) = found_in([group], self.name).targets
        return target.behind(urlsplit(self._entry.url).netloc)


def _address(instance: str) -> str:
    """Return the instance as an address; it may be any text, and then stands for itself."""
    try:
        worker_url(instance)
    except ValueError:
        return quote(instance, safe="").lower()
    return instance


def _scrape(target: Target, instance: Instance) -> Scrape:
    seconds = float(instance.duration.value) if instance.duration is not None else 0.0
    if instance.failed:
        return Scrape(target, instance.at, seconds, error="Prometheus could not scrape it")
    return Scrape(target, instance.at, seconds, status=200, body=instance.page())
