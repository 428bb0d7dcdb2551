"""A Prometheus as a source of targets and of their pages."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs

import pytest
from aiohttp import web

from pdwatch.config.model import Config
from pdwatch.config.places import PrometheusSource
from pdwatch.config.sources import Source, StaticGroup
from pdwatch.discover.build import worker_discovery
from pdwatch.discover.discovery import Discovery
from pdwatch.discover.http import JsonClient
from pdwatch.discover.prometheus.source import PrometheusDiscovery
from pdwatch.discover.source import DiscoveryError, Found
from pdwatch.model.target import Role, RoleSource
from pdwatch.scrape.exposition import PageParser


class Prometheus:
    """Answers queries with the samples that a test puts there."""

    def __init__(self) -> None:
        self.result: list[Any] = []
        self.status = 200
        self.forms: list[Mapping[str, list[str]]] = []

    def scraped(
        self, at: float, instance: str = "10.0.0.1:8000", up: str = "1", spacing: float = 5.0, **labels: str
    ) -> None:
        """Put one scrape of a target there, with one value."""
        target = {"job": "vllm", "instance": instance, **labels}
        values = {"up": up, "scrape_duration_seconds": "0.25"} | (
            {"vllm:num_requests_running": "3"} if up == "1" else {}
        )
        self.result += [
            {"metric": {"__name__": name, **target}, "values": [[at - spacing, value], [at, value]]}
            for name, value in values.items()
        ]

    async def answer(self, request: web.BaseRequest) -> web.Response:
        """Answer `/api/v1/query`."""
        assert ("POST", "/api/v1/query") == (request.method, request.path)
        self.forms.append(parse_qs(await request.text()))
        if self.status != 200:
            told = {"status": "error", "errorType": "bad_data", "error": "too many samples"}
            return web.json_response(told, status=self.status)
        return web.json_response({"status": "success", "data": {"resultType": "matrix", "result": self.result}})


@pytest.fixture
def prometheus() -> Prometheus:
    """One that has scraped nothing."""
    return Prometheus()


@pytest.fixture
def asking(prometheus: Prometheus) -> Any:
    """Run a scenario with the URL of the Prometheus."""

    def run(scenario: Any) -> None:
        async def within() -> None:
            runner = web.ServerRunner(web.Server(prometheus.answer), shutdown_timeout=0.1)
            await runner.setup()
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            try:
                await scenario(f"http://127.0.0.1:{runner.addresses[0][1]}")
            finally:
                await runner.cleanup()

        asyncio.run(within())

    return run


def source(url: str, interval: float = 5.0, **entry: Any) -> PrometheusDiscovery:
    """Return the source of one entry."""
    given = PrometheusSource(url=url, **entry)
    return PrometheusDiscovery(given, JsonClient(given), ["vllm:num_requests_running"], interval)


def test_a_scrape_is_told_once(prometheus: Prometheus, asking: Any) -> None:
    """A question that comes before the next scrape brings no page twice; the target is there in any case."""

    async def scenario(url: str) -> None:
        prometheus.scraped(1000.0)
        one = source(url)
        first, again = await one.find(), await one.find()
        prometheus.result.clear()
        prometheus.scraped(1005.0)
        later = await one.find()
        await one.aclose()

        assert [1, 0, 1] == [len(found.scrapes) for found in (first, again, later)]
        assert [1, 1, 1] == [len(found.targets) for found in (first, again, later)]
        assert (1000.0, 0.25, 200) == (first.scrapes[0].at, first.scrapes[0].seconds, first.scrapes[0].status)
        assert "vllm:num_requests_running 3\n" in (first.scrapes[0].body or "")
        assert 1005.0 == later.scrapes[0].at

    asking(scenario)


def test_target_labels_place_a_worker(prometheus: Prometheus, asking: Any) -> None:
    """Labels of any scrape configuration, of pods as the Prometheus operator writes them, or none."""

    async def scenario(url: str) -> None:
        prometheus.scraped(1.0, service="chat", role="prefill", worker="p0", replica="r0", host="node0", rack="7")
        prometheus.scraped(1.0, "10.0.0.2:8000", pod="vllm-1", node="node1", llm_d_ai_role="decode", llm_d_ai_model="m")
        prometheus.scraped(1.0, "somewhere")
        one = source(url)
        found = await one.find()
        await one.aclose()
        name = url.removeprefix("http://")

        p0, pod, bare = found.targets
        assert ("chat", Role.PREFILL, "p0", "r0", "node0") == (p0.service, p0.role, p0.worker, p0.replica, p0.host)
        assert {"job": "vllm", "instance": "10.0.0.1:8000", "rack": "7"} == dict(p0.labels)
        assert f"http://10.0.0.1:8000/metrics#{name}" == p0.url
        assert ("m", Role.DECODE, "vllm-1", "node1") == (pod.service, pod.role, pod.worker, pod.host)
        assert ("default", Role.UNKNOWN, "somewhere", RoleSource.NONE) == (
            bare.service,
            bare.role,
            bare.worker,
            bare.role_source,
        )

    asking(scenario)


@pytest.mark.parametrize(
    ("entry", "service"),
    [({}, "vllm-decode"), ({"service": "chat"}, "chat"), ({"service_label": "llm_d_ai_model"}, "m")],
)
def test_service_of_the_entry(prometheus: Prometheus, asking: Any, entry: dict[str, str], service: str) -> None:
    """A ServiceMonitor calls each Kubernetes Service a service; the entry says what is one here."""

    async def scenario(url: str) -> None:
        prometheus.scraped(1.0, service="vllm-decode", llm_d_ai_model="m")
        one = source(url, **entry)
        found = await one.find()
        await one.aclose()

        assert [service] == [target.service for target in found.targets]

    asking(scenario)


def test_a_failed_scrape_is_the_workers(prometheus: Prometheus, asking: Any) -> None:
    """A target that Prometheus could not scrape is a worker without a page, once it had one."""

    async def scenario(url: str) -> None:
        prometheus.scraped(1000.0)
        prometheus.result[:1] = [{"metric": prometheus.result[0]["metric"], "values": [[1000.0, "1"], [1005.0, "0"]]}]
        one = source(url)
        (scrape,) = (await one.find()).scrapes
        await one.aclose()

        assert (None, "Prometheus could not scrape it", 1005.0) == (scrape.body, scrape.error, scrape.at)

    asking(scenario)


def test_a_worker_that_stays_down_is_not_forgotten(prometheus: Prometheus, asking: Any) -> None:
    """Once its series are older than the lookback, the word of Prometheus about each scrape is still there."""

    async def scenario(url: str) -> None:
        prometheus.scraped(1000.0)
        one = source(url)
        await one.find()
        prometheus.result.clear()
        prometheus.scraped(1065.0, up="0")
        down = await one.find()
        prometheus.result.clear()
        gone = await one.find()
        await one.aclose()

        assert ["Prometheus could not scrape it"] == [scrape.error for scrape in down.scrapes]
        assert Found(()) == gone

    asking(scenario)


def test_what_never_was_an_engine_is_no_worker(prometheus: Prometheus, asking: Any) -> None:
    """Without matchers the other targets of that Prometheus are left out: those that show no metric of an engine."""

    async def scenario(url: str) -> None:
        prometheus.scraped(1.0, "node:9100", up="0")
        prometheus.scraped(1.0, "other:1")
        prometheus.result[-1]["metric"]["__name__"] = "process_start_time_seconds"
        prometheus.scraped(1.0, "node:9100", up="0", job="again")
        one = source(url)
        found = await one.find()
        await one.aclose()

        assert Found(()) == found

    asking(scenario)


def test_names_beyond_ascii_are_no_hindrance(prometheus: Prometheus, asking: Any) -> None:
    """Prometheus 3 takes any text as the name of a label."""

    async def scenario(url: str) -> None:
        prometheus.scraped(1.0, **{"k8s:pod": "x"})
        prometheus.result[-1]["metric"]["service.name"] = 'a "b"'
        one = source(url)
        found = await one.find()
        await one.aclose()
        (series,) = PageParser().parse(found.scrapes[0].body or "").layout.series

        assert {"service.name": 'a "b"'} == dict(series.labels)
        assert {"job": "vllm", "instance": "10.0.0.1:8000"} == dict(found.targets[0].labels)

    asking(scenario)


def test_an_instance_in_two_jobs_is_named(prometheus: Prometheus, asking: Any) -> None:
    """The same worker scraped twice would count twice; the mend is a matcher, and the others go on."""

    async def scenario(url: str) -> None:
        prometheus.scraped(1.0)
        prometheus.scraped(1.0, job="other")
        prometheus.scraped(1.0, "10.0.0.2:8000")
        one = source(url)
        found = await one.find()
        await one.aclose()

        assert ["10.0.0.2:8000"] == [target.worker for target in found.targets]
        assert f"{url}: instance 10.0.0.1:8000 is in 2 jobs; name one of them with matchers" == found.problem

    asking(scenario)


@pytest.mark.parametrize(("spacing", "said"), [(15.0, True), (7.0, False), (5.0, False), (1.0, False)])
def test_a_prometheus_that_scrapes_less_often_is_named(
    prometheus: Prometheus, asking: Any, spacing: float, said: bool
) -> None:
    """Pages that are always older than an interval would be stale between two scrapes."""

    async def scenario(url: str) -> None:
        prometheus.scraped(1000.0, spacing=spacing)
        one = source(url)
        problem = (await one.find()).problem
        await one.aclose()

        assert (f"{url}: scrapes every 15s; set scrape.interval to 15s or more" if said else None) == problem

    asking(scenario)


def test_a_refused_query_is_told_in_its_own_words(prometheus: Prometheus, asking: Any) -> None:
    """Prometheus says why; the line is its."""
    prometheus.status = 422

    async def scenario(url: str) -> None:
        one = source(url, matchers=('job="vllm"',))
        with pytest.raises(DiscoveryError) as caught:
            await one.find()
        await one.aclose()

        assert f"{url}/api/v1/query: answers 422 Unprocessable Entity (too many samples); see" in str(caught.value)
        (query,) = prometheus.forms[0]["query"]
        assert query.endswith(',job="vllm"}[1m]')
        assert f'{url} job="vllm"' == one.name

    asking(scenario)


def test_a_worker_that_is_scraped_is_not_read_as_well(prometheus: Prometheus, asking: Any) -> None:
    """What another source names to be asked itself is asked, and Prometheus' word about it is left."""

    async def scenario(url: str) -> None:
        prometheus.scraped(1000.0)
        prometheus.scraped(1000.0, "10.0.0.2:8000")
        entries = (
            Source(prometheus=PrometheusSource(url=url, refresh=1.0)),
            Source(static=(StaticGroup(targets=("10.0.0.1:8000",)),)),
        )
        discovery: Discovery = worker_discovery(Config(discovery=entries), ["vllm:num_requests_running"])
        targets = await discovery.refresh(0)
        scrapes = discovery.take_scrapes()
        await discovery.aclose()

        assert {"10.0.0.1:8000": True, "10.0.0.2:8000": False} == {one.worker: one.is_asked for one in targets}
        assert ["10.0.0.2:8000"] == [scrape.target.worker for scrape in scrapes]
        assert [] == discovery.take_scrapes()

    asking(scenario)
