"""One Prometheus over an incident: pdwatch on a simulated fleet, the engines themselves, and pages that stand still.

The label `cluster` tells them apart, as it would in a Prometheus for several clusters:
`demo` is alive; `full` is a page of pdwatch that has every metric of the catalogue; `old` are pages of old vLLM.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from pdwatch.generate.options import Options
from pdwatch.generate.pages import write as generate

TESTS = Path(__file__).parents[3]
STANDING = {
    "full": ("pdwatch", TESTS / "golden" / "exposition.prom", {}),
    "old-prefill": ("vllm", TESTS / "pages" / "vllm" / "vllm-0.9.2-prefill.txt", {"role": "prefill"}),
    "old-decode": ("vllm", TESTS / "pages" / "vllm" / "vllm-0.9.2-decode.txt", {"role": "decode"}),
}
"""Pages by name: who would serve it, where it is, and what the scrape configuration adds."""
SCRAPES_BEFORE = 6
"""Scrapes before anything happens: enough for rates."""


class _Pages(BaseHTTPRequestHandler):
    """Serves each page at its name."""

    def do_GET(self) -> None:
        """Answer with the page."""
        body = STANDING[self.path.strip("/")][1].read_bytes()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def standing() -> Iterator[str]:
    """Address of the pages that stand still."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Pages)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def fleet(fleet_of: Callable[..., Any]) -> Any:
    """A fleet whose hosts have pages; one GPU is throttled and one link is degraded."""
    return fleet_of("sick_hosts", speed=8)


@pytest.fixture(scope="module")
def serve(serve_of: Callable[..., Any], fleet: Any, write: Callable[..., Path]) -> Any:
    """pdwatch on the fleet, its router and its hosts, with objectives."""
    agents = [url.removeprefix("http://") for url in fleet.urls["agents"]]
    workers = [
        group | {"labels": group["labels"] | {"replica": name, "host": f"host-{name}"}}
        for group, name in zip(fleet.groups(service="chat"), fleet.workers, strict=True)
    ]
    hosts = [
        {"targets": [agent], "labels": {"host": f"host-{name}"}}
        for agent, name in zip(agents, fleet.workers, strict=True)
    ]
    router = {"url": fleet.urls["router"], "metrics_url": f"{fleet.urls['router']}/metrics", "service": "chat"}
    config = {
        "services": {"chat": {"slo": {"ttft": "500ms", "itl": "50ms"}}},
        "discovery": [{"static": workers}, {"router": router}],
        "hosts": [{"static": hosts}],
    }
    return serve_of("--config", str(write(config)))


@pytest.fixture(scope="module")
def prometheus(
    start_prometheus: Callable[..., Any], serve: Any, fleet: Any, standing: str, tmp_path_factory: Any
) -> Any:
    """Prometheus with the rules of pdwatch, their waiting times cut to a hundredth."""
    folder = tmp_path_factory.mktemp("alerts")
    generate("alerts", folder, Options(scale_for=0.01))
    engines = [
        {"targets": group["targets"], "labels": group["labels"] | {"cluster": "demo"}}
        for group in fleet.groups(service="chat")
    ]
    jobs = [
        {"job_name": "pdwatch", "static_configs": [_target(urlsplit(serve.url).netloc, cluster="demo")]},
        {"job_name": "vllm", "static_configs": engines},
        *(
            {
                "job_name": f"{who}-{name}",
                "metrics_path": f"/{name}",
                "static_configs": [_target(standing, cluster=name.partition("-")[0], instance=name, **labels)],
            }
            for name, (who, _, labels) in STANDING.items()
        ),
    ]
    return start_prometheus(jobs, rule_files=sorted(folder.glob("pdwatch-*.yaml")))


def _target(address: str, **labels: str) -> dict[str, Any]:
    return {"targets": [address], "labels": labels}


@pytest.fixture(scope="module")
def incident(prometheus: Any, serve: Any, fleet: Any) -> tuple[float, float]:
    """Play it, and return when it began and ended in Unix seconds.

    Transfers that fail, slow links, prompts that decode computes itself, a worker that dies and comes back. It lasts
    until pdwatch knows what the engines can bear, which it learns once they are warm.
    """
    wait = prometheus.wait_for
    wait(f"sum_over_time(up{{job='pdwatch'}}[5m]) >= {SCRAPES_BEFORE}")
    began = time.time() - SCRAPES_BEFORE
    fleet.do("fail_transfers", factor=0.5)
    wait("pdwatch_kv_transfer_failures_per_second{cluster='demo'} > 0")
    fleet.do("bandwidth", factor=0.1)
    fleet.do("recompute", factor=0.5)
    wait("pdwatch_kv_recomputed_share_ratio{cluster='demo'} > 0")
    fleet.do("kill", "decode-1")
    wait("pdwatch_worker_up{cluster='demo', worker='decode-1'} == 0")
    wait("pdwatch_finding_active{cluster='demo', finding='worker_down'}")
    wait("ALERTS{alertstate='firing', alertname='PDWatchWorkerDown', service='chat'}")
    fleet.do("start", "decode-1")
    for what in ("fail_transfers", "recompute"):
        fleet.do(what, factor=0.0)
    fleet.do("bandwidth", factor=1.0)
    wait("pdwatch_worker_restarts{cluster='demo', worker='decode-1'} > 0")
    for metric in ("pool_pressure_ratio", "utilization_ratio", "capacity_tokens_per_second"):
        wait(f"pdwatch_{metric}{{cluster='demo', role='prefill'}}")
        wait(f"pdwatch_{metric}{{cluster='demo', role='decode'}}")
    wait("pdwatch_binding_bound_info{cluster='demo'}")
    return began, time.time()
