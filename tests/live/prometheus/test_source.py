"""A real Prometheus as the place where pages are read, in place of the workers that it scrapes."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable

import httpx
import pytest

from pdwatch.config.places import PrometheusSource
from pdwatch.discover.http import JsonClient
from pdwatch.discover.prometheus.source import PrometheusDiscovery
from pdwatch.engines import wanted, wants
from pdwatch.scrape.exposition import PageParser

pytestmark = pytest.mark.live


@pytest.fixture(scope="module")
def prometheus(start_prometheus, fleet):
    """Prometheus on the fleet's workers, with a label of the targets that the pages have as well."""
    groups = [
        {"targets": group["targets"], "labels": {**group["labels"], "engine": "of the target"}}
        for group in fleet.groups(service="chat")
    ]
    jobs = [{"job_name": "engines", "static_configs": groups}]
    prometheus = start_prometheus(jobs)
    prometheus.wait_for("sum_over_time(up{job='engines'}[5m]) >= 3", lambda series: len(series) == 4)
    return prometheus


@pytest.fixture(scope="module")
def serve(serve_of, prometheus, write):
    """pdwatch that asks Prometheus alone."""
    source = {"url": prometheus.url, "matchers": ['job="engines"']}
    return serve_of("--config", str(write({"discovery": [{"prometheus": source}]})))


def page(text: str) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """Return the value of each series that pdwatch reads of a page."""
    parsed = PageParser(wants).parse(text)
    series = ((one.name, frozenset(one.labels.items())) for one in parsed.layout.series)
    return dict(zip(series, parsed.values, strict=True))


def read_by(prometheus, names) -> Callable[[], dict]:
    """Return what reads all pages out of Prometheus, by worker, with the time of each scrape."""

    async def once() -> dict:
        entry = PrometheusSource(url=prometheus.url, matchers=('job="engines"',))
        source = PrometheusDiscovery(entry, JsonClient(entry), names, 1.0)
        try:
            found = await source.find()
        finally:
            await source.aclose()
        assert found.problem is None
        return {scrape.target.worker: (scrape.at, page(scrape.body or "")) for scrape in found.scrapes}

    return lambda: asyncio.run(once())


def rising(name: str) -> bool:
    """Tell whether a sample never falls: counters and the parts of histograms."""
    return bool(re.search(r"_(total|count|sum|bucket)$", name))


def test_pages_are_those_that_a_direct_scrape_gives(prometheus, fleet):
    """The same series as on the page itself, and each number between those of direct scrapes before and after."""
    read = read_by(prometheus, wanted())

    def direct():
        return {name: page(httpx.get(f"{url}/metrics", trust_env=False).text) for name, url in fleet.workers.items()}

    before, began = direct(), time.time()
    prometheus.wait_for(f"min(timestamp(up{{job='engines'}})) > {began}")
    told = read()
    after = direct()

    assert fleet.workers.keys() == told.keys()
    for name, (at, series) in told.items():
        assert began < at <= time.time()
        assert before[name].keys() == series.keys() == after[name].keys()
        wrong = [
            key
            for key, value in series.items()
            if rising(key[0]) and not before[name][key] <= value <= after[name][key]
        ]
        assert [] == wrong
        assert 20 < sum(rising(key[0]) for key in series)


def test_serve_judges_what_prometheus_tells(serve, fleet):
    """All workers are up with the roles and names of their target labels; rates and latencies are known."""

    def told(one):
        service = one["services"].get("chat", {})
        return one["self"]["up"] == 4 and (service["latency"]["ttft_seconds"] or {}).get("p50")

    last = serve.wait_for(told, "first tokens")
    workers = last["services"]["chat"]["workers"]

    assert {name: name.partition("-")[0] for name in fleet.workers} == {w["worker"]: w["role"] for w in workers}
    assert ["0"] * 4 == [engine["engine"] for worker in workers for engine in worker["engines"]]
    assert {2} == {last["services"]["chat"]["pools"][role]["replicas"] for role in ("prefill", "decode")}
    assert {} == last["self"]["discovery_errors"]
    assert [] == serve.client.get("/sd/workers").json()


def test_a_worker_that_prometheus_cannot_scrape_is_down_and_its_series_are_gone(serve, fleet):
    """The word of Prometheus about a scrape that failed is the worker's; other workers go on."""
    at = fleet.do("kill", "decode-1")

    def down(one):
        return [
            worker
            for worker in one["services"]["chat"]["workers"]
            if worker["worker"] == "decode-1" and not worker["up"]
        ]

    last = serve.wait_for(down, "the dead worker", after=at)
    (worker,) = down(last)
    fleet.do("start", "decode-1")
    serve.wait_for(lambda one: one["self"]["up"] == 4, "the worker again", after=last["t"])

    assert "Prometheus could not scrape it" == worker["error"]
    assert 3 == last["self"]["up"]


def test_a_prometheus_that_ends_is_told_and_its_workers_grow_old(prometheus, serve):
    """A source that fails keeps its workers, which are stale and not fresh, and is named in snapshot and metrics."""
    at = time.time()
    prometheus.post("/-/quit")
    serve.wait_for(lambda one: one["self"]["stale"] == 4, "four stale workers", after=at)
    (error,) = serve.snapshots[-1]["self"]["discovery_errors"].values()
    page = serve.client.get("/metrics").text

    assert f"{prometheus.url}/api/v1/query: cannot be reached; see whether it is up and reachable" == error
    assert re.search(r'^pdwatch_discovery_up\{source="http://127[^"]+job=\\"engines\\""\} 0\.0$', page, re.MULTILINE)
