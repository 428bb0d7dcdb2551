"""What each path of `serve` answers, asked over HTTP."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from pdwatch.export.reload import ReloadError
from pdwatch.model.encode import snapshot_from_json, snapshot_to_json
from pdwatch.model.target import Role

OPENMETRICS = "application/openmetrics-text; version=1.0.0"


def test_metrics_of_a_fleet(site, fleet):
    """Prometheus gets the text format, told so, and the fleet in it."""
    site.publish(fleet)
    answer = site.client.get("/metrics")

    assert "text/plain; version=0.0.4; charset=utf-8" == answer.headers["content-type"]
    assert 'pdwatch_worker_up{replica="d1",role="decode",service="deepseek-r1",worker="decode-1"} 0.0' in answer.text


def test_metrics_before_the_first_snapshot(site):
    """There is something to scrape from the first moment: pdwatch itself, and no fleet."""
    answer = site.client.get("/metrics")

    assert 200 == answer.status_code
    assert "pdwatch_build_info{" in answer.text
    assert "process_resident_memory_bytes" in answer.text
    assert not {"pdwatch_snapshot_age_seconds", "pdwatch_cycles_total"} & set(answer.text.split())


def test_openmetrics_by_accept(site, fleet):
    """A client that asks for OpenMetrics gets it, ended by EOF."""
    site.publish(fleet)
    answer = site.client.get("/metrics", headers={"Accept": OPENMETRICS})

    assert answer.headers["content-type"].startswith(OPENMETRICS)
    assert answer.text.endswith("# EOF\n")
    assert "Accept, Accept-Encoding" == answer.headers["vary"]


def test_metrics_are_gzipped_only_for_those_who_accept_it(site, fleet):
    """The same page, packed on request."""
    site.publish(fleet)
    plain = site.client.get("/metrics", headers={"Accept-Encoding": "identity"})
    packed = site.client.get("/metrics", headers={"Accept-Encoding": "gzip"})

    assert (None, "gzip") == (plain.headers.get("content-encoding"), packed.headers.get("content-encoding"))
    assert int(packed.headers["content-length"]) < int(plain.headers["content-length"]) / 5
    assert [line.split()[0] for line in plain.text.splitlines()] == [
        line.split()[0] for line in packed.text.splitlines()
    ]


def test_head_answers_without_a_body(site, fleet):
    """A load balancer may ask with HEAD."""
    site.publish(fleet)

    for path in ("/metrics", "/-/healthy", "/-/ready", "/api/v1/snapshot", "/"):
        answer = site.client.head(path)
        assert (200, b"") == (answer.status_code, answer.content), path


def test_snapshot_age_is_that_of_the_request(site, fleet):
    """The age grows between two scrapes of one snapshot, so that a stopped collection shows."""
    site.publish(fleet)
    site.now = fleet.t + 2
    first = site.client.get("/metrics").text
    site.now = fleet.t + 90
    second = site.client.get("/metrics").text

    assert "\npdwatch_snapshot_age_seconds 2.0\n" in first
    assert "\npdwatch_snapshot_age_seconds 90.0\n" in second


def test_a_worker_that_left_vanishes_from_the_next_scrape(site, fleet, with_workers, make_worker):
    """A new snapshot replaces the page as a whole."""
    site.publish(fleet)
    before = site.client.get("/metrics").text
    site.publish(with_workers(fleet, make_worker("prefill-0", Role.PREFILL)))
    after = site.client.get("/metrics").text

    assert (True, False) == ('worker="decode-0"' in before, 'worker="decode-0"' in after)


def test_healthy_at_once_and_ready_with_the_first_snapshot(site, fleet):
    """A process that answers is healthy; it is ready when there is something to show."""
    assert 200 == site.client.get("/-/healthy").status_code
    assert 503 == site.client.get("/-/ready").status_code

    site.publish(fleet)

    assert 200 == site.client.get("/-/ready").status_code


def test_reload_loads_the_configuration_and_says_when(open_site):
    """POST reloads; the metrics tell that it went well, and when."""
    loaded = []

    async def load() -> None:
        loaded.append(True)

    site = open_site(load)
    site.now = 1795239999.0
    answer = site.client.post("/-/reload")

    assert (200, [True]) == (answer.status_code, loaded)
    assert "pdwatch_config_last_reload_timestamp_seconds 1.795239999e+09" in site.client.get("/metrics").text


def test_a_bad_configuration_is_answered_in_one_line_and_shows_in_the_metrics(open_site):
    """The old configuration stays; the message and a gauge say so."""

    async def load() -> None:
        raise ReloadError("pdwatch.yaml: scrape.interval:\n 'often' is no duration; write 5s")

    site = open_site(load)
    answer = site.client.post("/-/reload")
    text = site.client.get("/metrics").text

    assert (500, "pdwatch.yaml: scrape.interval: 'often' is no duration; write 5s\n") == (
        answer.status_code,
        answer.text,
    )
    assert "pdwatch_config_last_reload_successful 0.0" in text
    assert f"pdwatch_config_last_reload_timestamp_seconds {1795237620 - 3600}" not in text
    assert "pdwatch_config_last_reload_timestamp_seconds 1.79523402e+09" in text


def test_reload_without_a_file_says_so(site):
    """Started with flags alone there is nothing to load again."""
    answer = site.client.post("/-/reload")

    assert 403 == answer.status_code
    assert "--config FILE" in answer.text


def test_reload_is_not_for_get(site):
    """A link must not change anything."""
    answer = site.client.get("/-/reload")

    assert 405 == answer.status_code
    assert "POST" in answer.headers["allow"]
    assert "/-/reload does not answer GET; use P" in answer.json()["error"]


def test_snapshot_as_json(site, fleet):
    """The body is the snapshot, from which it can be built again."""
    site.publish(fleet)
    answer = site.client.get("/api/v1/snapshot")

    assert "application/json" == answer.headers["content-type"]
    assert snapshot_to_json(fleet) == answer.json()
    assert fleet == snapshot_from_json(answer.json())


def test_snapshot_before_the_first_is_an_error_in_json(site):
    """A client can tell that it is too early from there being nothing."""
    answer = site.client.get("/api/v1/snapshot")

    assert 503 == answer.status_code
    assert "not ready" in answer.json()["error"]


def test_workers_for_prometheus(site, fleet):
    """Each worker is a target with its labels, those that are down too."""
    site.publish(fleet)
    answer = site.client.get("/sd/workers")
    groups = {group["labels"]["worker"]: group for group in answer.json()}

    assert "application/json" == answer.headers["content-type"]
    assert {"prefill-0", "prefill-1", "decode-0", "decode-1"} == set(groups)
    assert ["decode-1:8000"] == groups["decode-1"]["targets"]
    assert {
        "__scheme__": "http",
        "__metrics_path__": "/metrics",
        "service": "deepseek-r1",
        "role": "decode",
        "replica": "d1",
        "worker": "decode-1",
        "host": "node-1",
        "__meta_pdwatch_service": "deepseek-r1",
        "__meta_pdwatch_role": "decode",
        "__meta_pdwatch_replica": "d1",
        "__meta_pdwatch_worker": "decode-1",
        "__meta_pdwatch_host": "node-1",
        "__meta_pdwatch_model": "deepseek-r1",
        "__meta_pdwatch_version": "0.33.0",
        "__meta_pdwatch_family": "vllm",
    } == groups["decode-1"]["labels"]


def test_workers_keep_their_scheme_path_and_query_and_lose_their_password(site, fleet, with_workers, make_worker):
    """Prometheus asks for the page that pdwatch asks for; credentials are not handed on."""
    url = "https://user:secret@[fd00::1]:8443/engine/metrics?format=text&a[]=1"
    site.publish(with_workers(fleet, make_worker("decode-0", Role.DECODE, url=url)))
    answer = site.client.get("/sd/workers")
    (group,) = answer.json()

    assert ["[fd00::1]:8443"] == group["targets"]
    assert ("https", "/engine/metrics") == (group["labels"]["__scheme__"], group["labels"]["__metrics_path__"])
    assert ["__param_format"] == [label for label in group["labels"] if label.startswith("__param_")]
    assert "secret" not in answer.text + site.client.get("/api/v1/snapshot").text + site.client.get("/").text


def test_routers_are_targets_too(site, fleet, with_workers, make_worker):
    """A router has a page of its own, worth scraping."""
    site.publish(with_workers(fleet, make_worker("router-0", Role.ROUTER)))

    assert ["router"] == [group["labels"]["role"] for group in site.client.get("/sd/workers").json()]


def test_workers_before_the_first_snapshot_are_an_error(site):
    """An empty list would make Prometheus forget its targets; an error makes it keep them."""
    assert 503 == site.client.get("/sd/workers").status_code


def discovered(promtool: str, config: Path) -> list[dict[str, str]]:
    """What promtool finds; it waits for its whole time, so it is given little at first."""
    for seconds in (1, 4, 16):
        command = [promtool, "check", "service-discovery", f"--timeout={seconds}s", str(config), "engines"]
        done = subprocess.run(command, capture_output=True, check=False, text=True, timeout=60)
        if found := json.loads(done.stdout or "[]"):
            return [target["labels"] for target in found]
    return []


@pytest.mark.live
def test_promtool_reads_the_workers(site, fleet, tmp_path):
    """Prometheus's own service discovery takes the list and keeps the labels."""
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not installed")
    site.publish(fleet)
    config = tmp_path / "prometheus.yml"
    jobs = [{"job_name": "engines", "http_sd_configs": [{"url": f"{site.server.url}sd/workers"}]}]
    config.write_text(json.dumps({"scrape_configs": jobs}))
    found = {(labels["worker"], labels["role"], labels["instance"]) for labels in discovered(promtool, config)}

    assert {("decode-1", "decode", "decode-1:8000"), ("prefill-0", "prefill", "prefill-0:8000")} <= found


def test_an_unknown_path_names_those_that_are_known(site):
    """A typing mistake is answered with what there is."""
    answer = site.client.get("/api/v2/snapshot")

    assert 404 == answer.status_code
    assert "/api/v2/snapshot is not served here; see paths." == answer.json()["error"]
    assert {"/metrics", "/-/ready", "/api/v1/snapshot", "/sd/workers", "/"} <= set(answer.json()["paths"])


@pytest.mark.parametrize(
    "accept", ["application/openmetrics-text;version=x.y", "q", ";;;=,=;,", "text/plain;version=1.0.0"]
)
def test_a_strange_accept_header_gets_the_plain_text(site, fleet, accept):
    """No header makes the page fail."""
    site.publish(fleet)
    answer = site.client.get("/metrics", headers={"Accept": accept})

    assert (200, "text/plain; version=0.0.4; charset=utf-8") == (answer.status_code, answer.headers["content-type"])


def test_a_request_head_without_end_is_refused(site):
    """A head is bounded, so that a client cannot fill the memory."""
    with socket.create_connection(("127.0.0.1", site.server.port), timeout=20) as connection:
        connection.sendall(b"GET /metrics HTTP/1.1\r\nX-Long: " + 20_000 * b"x")
        answer = connection.recv(4096)

    assert answer.startswith(b"HTTP/1.1 400 ")
    assert 200 == site.client.get("/metrics").status_code


def test_a_name_from_outside_breaks_no_answer(site, fleet, with_workers, make_worker):
    """Half a surrogate pair, a script and a NUL in a name leave every path answering."""
    evil = "\ud800<script>alert(1)</script>\x00\n"
    worker = replace(make_worker("decode-0", Role.DECODE), worker=evil, model=evil)
    site.publish(with_workers(fleet, worker))

    for path in ("/metrics", "/api/v1/snapshot", "/sd/workers", "/"):
        assert 200 == site.client.get(path).status_code, path
    assert "<script" not in site.client.get("/").text
