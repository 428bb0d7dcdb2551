"""`pdwatch serve` on a healthy fleet: what it says, and in which forms."""

from __future__ import annotations

import gzip
import re

import httpx
import pytest
from prometheus_client.openmetrics import parser as openmetrics
from prometheus_client.parser import text_string_to_metric_families

pytestmark = pytest.mark.live

ROUNDS = 5
OPENMETRICS = {"Accept": "application/openmetrics-text; version=1.0.0"}


@pytest.fixture(scope="module")
def serve(serve_of, fleet):
    """pdwatch with the flags that routers take, after some rounds."""
    serve = serve_of(*fleet.flags)
    serve.wait_for(lambda snapshot: snapshot["self"]["cycles"] >= ROUNDS, f"{ROUNDS} rounds")
    return serve


def test_a_healthy_fleet_is_left_alone(serve):
    """In every round the advice is to hold and nothing is found above information."""
    services = [snapshot["services"]["default"] for snapshot in serve.snapshots[:ROUNDS]]

    assert ["hold"] * ROUNDS == [service["advice"]["action"] for service in services]
    assert [] == [f for service in services for f in service["findings"] if f["severity"] != "info"]
    assert {"prefill": 2, "decode": 2} == {role: pool["workers"] for role, pool in services[-1]["pools"].items()}


def test_numbers_of_every_worker_are_known(serve):
    """After some rounds there are rates of every engine, the pressure of each pool and latencies."""
    last = serve.wait_for(lambda one: one["self"]["up"] == 4 and one["self"]["cycles"] >= ROUNDS, "all workers up")
    service = last["services"]["default"]

    assert all(worker["up"] and worker["health"] == 200 for worker in service["workers"])
    assert all(engine["prompt_tokens_per_second"] > 0 for w in service["workers"] for engine in w["engines"])
    assert all(0 < pool["pressure_ratio"] < 1 for pool in service["pools"].values())
    assert service["latency"]["ttft_seconds"]["p50"] < service["latency"]["ttft_seconds"]["p99"]
    assert service["latency"]["itl_seconds"]["p50"] > 0


def test_openmetrics_by_accept(serve):
    """Who accepts OpenMetrics gets it, with the same samples as the text format gives."""
    page = serve.client.get("/metrics", headers=OPENMETRICS)
    samples = {s.name for family in openmetrics.text_string_to_metric_families(page.text) for s in family.samples}
    plain = serve.client.get("/metrics").text
    text = {s.name for family in text_string_to_metric_families(plain) for s in family.samples}

    assert "text/plain; version=0.0.4; charset=utf-8" == serve.client.get("/metrics").headers["content-type"]
    assert page.headers["content-type"].startswith("application/openmetrics-text; version=1.0.0")
    assert page.text.endswith("# EOF\n")
    assert "pdwatch_worker_up" in samples
    assert text == samples


def test_gzip_for_those_who_take_it(serve):
    """A page packed by gzip is the page; who does not ask for it gets it unpacked."""
    with serve.client.stream("GET", "/metrics", headers={"Accept-Encoding": "gzip"}) as answer:
        packed = b"".join(answer.iter_raw())
    plain = serve.client.get("/metrics", headers={"Accept-Encoding": "identity"})

    assert "gzip" == answer.headers["content-encoding"]
    assert "content-encoding" not in plain.headers
    assert b"pdwatch_worker_up{" in gzip.decompress(packed)
    assert len(packed) < len(plain.content) / 3


def test_the_landing_page_names_the_verdict(serve):
    """A person who opens the address reads the service, its verdict and why."""
    page = serve.client.get("/")
    words = re.sub(r"<[^>]+>", " ", page.text)

    assert "text/html; charset=utf-8" == page.headers["content-type"]
    assert "default" in words
    assert "hold" in words.lower()
    assert "Both pools have room." in words


def test_workers_are_offered_to_prometheus(serve, fleet):
    """/sd/workers lists every worker with its address and its role."""
    groups = serve.client.get("/sd/workers").json()

    assert {fleet.address(name): name.partition("-")[0] for name in fleet.workers} == {
        target: group["labels"]["role"] for group in groups for target in group["targets"]
    }
    assert all(group["labels"]["__metrics_path__"] == "/metrics" for group in groups)


def test_probes_of_a_service_manager(serve):
    """Liveness and readiness are plain answers."""
    assert [200, 200] == [serve.client.get(path).status_code for path in ("/-/healthy", "/-/ready")]


def test_the_snapshot_is_the_newest_of_the_stream(serve):
    """What /api/v1/snapshot answers is one of the snapshots that the stream gives."""
    snapshot = serve.client.get("/api/v1/snapshot").json()

    assert snapshot == serve.wait_for(lambda one: one["t"] >= snapshot["t"], "the same in the stream")


def test_it_says_where_it_is_and_what_it_advises(serve):
    """Standard error has the address and the first advice; standard output has nothing."""
    assert re.fullmatch(r"pdwatch serve: (http://\S+/) \(metrics at \1metrics\)\n", serve.program.err[0])
    assert re.fullmatch(r"\d\d:\d\d:\d\d default: hold: .+\n", serve.program.err[1])
    assert [] == serve.program.out


def test_an_unknown_path_tells_the_known_ones(serve):
    """A wrong path is answered with what there is."""
    answer = httpx.get(f"{serve.url}metric", trust_env=False)

    assert 404 == answer.status_code
    assert "/metrics" in answer.json()["paths"]
