"""The generated rules on real programs: a fleet, pdwatch, Prometheus, Alertmanager, and somebody who is told."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import pytest
import yaml

from pdwatch.generate.alerts.alertmanager import alertmanager_config
from pdwatch.generate.alerts.files import alert_files
from pdwatch.generate.options import Options
from pdwatch.generate.rules.files import rule_files

WINDOW = "10s"
"""Of pdwatch and of the recording rules: a minute of the fleet, which runs faster than time."""
QUICK = Options(scale_for=0.05, window=WINDOW)
WAITS = {"group_wait": "1s", "group_interval": "1s"}


class Notification(NamedTuple):
    """One message of Alertmanager to a receiver."""

    at: float
    receiver: str
    group: dict[str, str]
    alerts: list[dict[str, Any]]

    def told(self, status: str) -> set[str]:
        """Return the names of the alerts that it tells as `firing` or `resolved`."""
        return {alert["labels"]["alertname"] for alert in self.alerts if alert["status"] == status}


class Inbox:
    """An HTTP server that keeps what it is sent."""

    def __init__(self) -> None:
        self.received: list[Notification] = []
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self._thread = threading.Thread(target=self.server.serve_forever)
        self._thread.start()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        received = self.received

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                received.append(Notification(time.time(), body["receiver"], body["groupLabels"], body["alerts"]))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        return Handler

    def to(self, *receivers: str) -> list[Notification]:
        """Return what these receivers were told, oldest first."""
        return [each for each in self.received if each.receiver in receivers]

    def close(self) -> None:
        """Stop listening."""
        self.server.shutdown()
        self._thread.join()
        self.server.server_close()


@pytest.fixture(scope="module")
def inbox() -> Iterator[Inbox]:
    """Whoever is told."""
    inbox = Inbox()
    yield inbox
    inbox.close()


@pytest.fixture(scope="module")
def alertmanager(start_alertmanager: Callable[..., Any], inbox: Inbox) -> Any:
    """Alertmanager with the generated example, which waits less and writes to the inbox."""
    config = alertmanager_config()
    for receiver in config["receivers"]:
        for webhook in receiver.get("webhook_configs", ()):
            webhook["url"] = f"{inbox.url}/{receiver['name']}"
    (route,) = config["route"]["routes"]
    route |= WAITS
    return start_alertmanager(config)


@pytest.fixture(scope="module")
def fleet(fleet_of: Callable[..., Any]) -> Any:
    """A healthy fleet, six times as fast as time."""
    return fleet_of(speed=6.0)


@pytest.fixture(scope="module")
def serve(serve_of: Callable[..., Any], fleet: Any, write: Callable[..., Any]) -> Any:
    """pdwatch on the fleet, with short windows."""
    slo = {"ttft": "2s", "itl": "50ms"}
    config = {
        "window": WINDOW,
        "services": {"demo": {"slo": slo}},
        "discovery": [{"static": fleet.groups(service="demo")}],
    }
    serve = serve_of("--config", str(write(config)))
    serve.wait_for(lambda one: one["self"]["up"] == len(fleet.workers), "all workers up")
    return serve


@pytest.fixture(scope="module")
def prometheus(start_prometheus: Callable[..., Any], alertmanager: Any, serve: Any, write: Callable[..., Any]) -> Any:
    """Prometheus that scrapes pdwatch and the engines every second, with every generated rule."""
    files = {name: text for made in (alert_files(QUICK), rule_files(QUICK)) for name, text in made.items()}
    rules = [write(yaml.safe_load(text)) for name, text in files.items() if name.startswith("pdwatch-")]
    jobs = [
        {"job_name": "pdwatch", "honor_labels": True, "static_configs": [{"targets": [urlsplit(serve.url).netloc]}]},
        {"job_name": "engines", "http_sd_configs": [{"url": f"{serve.url}sd/workers", "refresh_interval": "1s"}]},
    ]
    return start_prometheus(jobs, rule_files=rules, alertmanagers=[alertmanager.url])
