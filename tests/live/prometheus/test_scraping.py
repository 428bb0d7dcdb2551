"""A real Prometheus scrapes pdwatch, finds the engines by pdwatch's list, and alerts by what pdwatch finds."""

from __future__ import annotations

import subprocess
from urllib.parse import urlsplit

import pytest

pytestmark = pytest.mark.live

SCRAPES = 4
"""Scrapes of pdwatch after which rates can be asked for."""
RULES = {
    "groups": [
        {
            "name": "pdwatch",
            "rules": [{"alert": "Found", "expr": 'pdwatch_finding_active{severity="critical"} == 1'}],
        }
    ]
}


@pytest.fixture(scope="module")
def serve(serve_of, fleet, write):
    """pdwatch on a healthy fleet, each worker by its name."""
    discovery = [{"static": fleet.groups(service="demo")}]
    return serve_of("--config", str(write({"discovery": discovery, "services": {"demo": {"slo": {"ttft": "2s"}}}})))


@pytest.fixture(scope="module")
def alertmanager(start_alertmanager):
    """An Alertmanager without alerts."""
    return start_alertmanager()


@pytest.fixture(scope="module")
def prometheus(start_prometheus, alertmanager, serve, write):
    """Prometheus after some scrapes of pdwatch and of the engines."""
    serve.wait_for(lambda one: one["self"]["up"] == 4, "all workers up")
    jobs = [
        {"job_name": "pdwatch", "static_configs": [{"targets": [urlsplit(serve.url).netloc]}]},
        {"job_name": "engines", "http_sd_configs": [{"url": f"{serve.url}sd/workers", "refresh_interval": "1s"}]},
    ]
    prometheus = start_prometheus(jobs, rule_files=[write(RULES)], alertmanagers=[alertmanager.url])
    prometheus.wait_for(f"sum_over_time(up{{job='pdwatch'}}[5m]) >= {SCRAPES}")
    prometheus.wait_for("up{job='engines'} == 1", lambda series: len(series) == 4)
    return prometheus


def labelled(series, *names):
    """Return these labels of each series, in order."""
    return sorted(tuple(labels[name] for name in names) for labels, _ in series)


def test_every_engine_is_scraped_through_the_list(prometheus, fleet):
    """/sd/workers is http_sd: Prometheus scrapes the engines themselves, under the names that pdwatch uses."""
    up = prometheus.wait_for("up{job='engines'} == 1", lambda series: len(series) == 4)
    own = prometheus.query("vllm:num_requests_running")
    joined = prometheus.query("pdwatch_worker_up * on (service, role, worker) group_left () up{job='engines'}")

    names = [("demo", worker.partition("-")[0], worker) for worker in sorted(fleet.workers)]
    assert names == labelled(up, "service", "role", "worker")
    assert names == labelled(own, "service", "role", "worker")
    assert names == labelled(joined, "service", "role", "worker")


def test_workers_and_engines(prometheus, fleet):
    """A worker is known by service, role, replica and worker, an engine by its number beside them."""
    up = prometheus.wait_for("pdwatch_worker_up == 1", lambda series: len(series) == 4)
    running = prometheus.query("pdwatch_requests_running")
    usage = prometheus.query("pdwatch_kv_cache_usage_ratio")

    expected = [("demo", worker.partition("-")[0], worker) for worker in sorted(fleet.workers)]
    assert expected == labelled(up, "service", "role", "worker")
    assert [(*one, "0") for one in expected] == labelled(running, "service", "role", "worker", "engine")
    assert all(0 <= value <= 1 for _, value in usage)


def test_what_a_scaler_reads(prometheus):
    """KEDA and an HPA ask for one number of one role."""
    desired = prometheus.query("pdwatch_desired_replicas")
    one = prometheus.query("pdwatch_desired_replicas{service='demo', role='decode'}")
    advice = prometheus.query("pdwatch_advice == 1")

    assert [("demo", "decode"), ("demo", "prefill")] == labelled(desired, "service", "role")
    assert [2.0, 2.0] == [value for _, value in desired]
    assert [("demo", "hold")] == labelled(advice, "service", "action")
    assert [2.0] == [value for _, value in one]


def test_latencies_are_histograms(prometheus):
    """Quantiles of the fleet come from buckets, so that they can be taken over any time and any label."""
    query = "histogram_quantile({}, sum by (le) (rate(pdwatch_ttft_seconds_bucket{{service='demo'}}[1m])))"
    quantiles = [
        prometheus.wait_for(query.format(q), lambda series: series and series[0][1] == series[0][1])[0][1]
        for q in (0.5, 0.95)
    ]
    itl = prometheus.query("sum by (role) (rate(pdwatch_itl_seconds_count[1m]))")

    assert 0 < quantiles[0] <= quantiles[1] < 60
    assert {"decode"} <= {labels["role"] for labels, _ in itl}


def test_pdwatch_tells_of_itself(prometheus):
    """Its age, its cycles and its version are metrics like others."""
    age = prometheus.query("pdwatch_snapshot_age_seconds")
    build = prometheus.query("pdwatch_build_info")

    assert 1 == len(age)
    assert 1 == len(build)
    assert [1.0] == [value for _, value in build]


def test_no_scrape_is_refused(prometheus):
    """Prometheus takes every sample: none is a duplicate, out of order, or malformed."""
    assert [] == prometheus.query("scrape_samples_scraped{job='pdwatch'} == 0")
    assert "Error on ingesting" not in prometheus.log.read_text()
    assert "append failed" not in prometheus.log.read_text()


def test_promtool_has_no_complaint(serve, find_program):
    """The metrics follow the conventions that promtool knows."""
    command = [find_program("promtool"), "check", "metrics"]
    page = serve.client.get("/metrics").text
    checked = subprocess.run(command, input=page, capture_output=True, text=True, check=False, timeout=60)

    assert (0, "", "") == (checked.returncode, checked.stdout, checked.stderr)


def test_a_dead_worker_pages_somebody_and_its_series_end(prometheus, alertmanager, serve, fleet, eventually):
    """A finding becomes an alert in Alertmanager; stale series vanish at once, and all is well after a restart."""
    fleet.do("kill", "decode-1")
    held = eventually(alertmanager.alerts)
    down = prometheus.wait_for("pdwatch_worker_up{worker='decode-1'} == 0")
    gone = prometheus.wait_for("absent(pdwatch_requests_running{worker='decode-1'})")
    others = prometheus.query("pdwatch_requests_running")
    fleet.do("start", "decode-1")
    back = prometheus.wait_for("pdwatch_requests_running{worker='decode-1'}")
    calm = prometheus.wait_for("absent(pdwatch_finding_active{finding='worker_down'} == 1)")

    assert {("demo", "worker_down", "critical")} <= {
        (alert["labels"]["service"], alert["labels"]["finding"], alert["labels"]["severity"]) for alert in held
    }
    assert (1, 1, 1, 1) == (len(down), len(gone), len(back), len(calm))
    assert {"prefill-0", "prefill-1", "decode-0"} <= {labels["worker"] for labels, _ in others}
