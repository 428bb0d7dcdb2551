"""Prometheus and Alertmanager on free loopback ports, started for the session and stopped at its end."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from urllib.error import URLError
from urllib.parse import urlencode
from urllib.request import ProxyHandler, Request, build_opener

import pytest
import yaml

DEADLINE_SECONDS = 60.0
POLL_SECONDS = 0.1
PORT_ATTEMPTS = 5
REQUIRE_LIVE = "REQUIRE_LIVE"

T = TypeVar("T")
_direct = build_opener(ProxyHandler({}))


def eventually(look: Callable[[], T], wanted: Callable[[T], bool] = bool, *, within: float = DEADLINE_SECONDS) -> T:
    """Return what *look* gives once it is *wanted*; fail with what it gave last. A refused connection is not yet."""
    deadline = time.monotonic() + within
    while True:
        try:
            seen: Any = look()
            if wanted(seen):
                return seen
        except (URLError, ConnectionError) as error:
            seen = error
        if time.monotonic() > deadline:
            pytest.fail(f"not within {within:.0f} s; last seen: {seen!r}")
        time.sleep(POLL_SECONDS)


def find_program(name: str) -> str:
    """Return the path of a program. Without it the test is skipped, or fails where REQUIRE_LIVE is 1."""
    path = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if path is None:
        reason = f"{name} is not installed; `make services` installs it"
        (pytest.fail if os.environ.get(REQUIRE_LIVE) == "1" else pytest.skip)(reason)
    return path


@dataclass(frozen=True)
class Server:
    """A program that answers HTTP on loopback."""

    url: str
    log: Path

    def get(self, path: str, **parameters: str) -> str:
        """Return the body of a page. Raises `urllib.error.HTTPError` for an error status."""
        return self._ask(Request(f"{self.url}{path}{'?' + urlencode(parameters) if parameters else ''}"))

    def post(self, path: str) -> str:
        """Return the answer to an empty POST."""
        return self._ask(Request(f"{self.url}{path}", method="POST"))

    def _ask(self, request: Request) -> str:
        with _direct.open(request, timeout=10) as response:
            return response.read().decode()


@dataclass(frozen=True)
class Prometheus(Server):
    """A running Prometheus."""

    config: Path

    def query(self, expression: str) -> list[tuple[dict[str, str], float]]:
        """Return labels and value of each series of an instant vector."""
        data = json.loads(self.get("/api/v1/query", query=expression))["data"]
        return [(series["metric"], float(series["value"][1])) for series in data["result"]]

    def wait_for(
        self, expression: str, wanted: Callable[[list[tuple[dict[str, str], float]]], bool] = bool
    ) -> list[tuple[dict[str, str], float]]:
        """Return the result of a query once it is *wanted*: by default, once there is any."""
        return eventually(lambda: self.query(expression), wanted)

    def alerts(self) -> list[dict[str, Any]]:
        """Return the alerts that are pending or firing."""
        return json.loads(self.get("/api/v1/alerts"))["data"]["alerts"]

    def reload(self) -> None:
        """Read the configuration file again. Raises `urllib.error.HTTPError` where it is refused."""
        self.post("/-/reload")


@dataclass(frozen=True)
class Alertmanager(Server):
    """A running Alertmanager."""

    def alerts(self) -> list[dict[str, Any]]:
        """Return the alerts it holds."""
        return json.loads(self.get("/api/v2/alerts"))


class Programs:
    """Starts programs and stops them all on exit."""

    def __init__(self, stack: ExitStack, folder: Callable[[], Path]) -> None:
        self._stack = stack
        self._folder = folder

    def prometheus(
        self,
        scrape_configs: Sequence[Mapping[str, Any]] = (),
        *,
        interval: str = "1s",
        rule_files: Sequence[Path] = (),
        alertmanagers: Sequence[str] = (),
        external_labels: Mapping[str, str] | None = None,
    ) -> Prometheus:
        """Start Prometheus with these jobs and an empty store, both scraping and evaluating every *interval*."""
        binary, folder = find_program("prometheus"), self._folder()
        config = folder / "prometheus.yml"
        hosts = [url.removeprefix("http://") for url in alertmanagers]
        document = {
            "global": {
                "scrape_interval": interval,
                "scrape_timeout": interval,
                "evaluation_interval": interval,
                "external_labels": dict(external_labels or {}),
            },
            "scrape_configs": [dict(job) for job in scrape_configs],
            "rule_files": [str(path) for path in rule_files],
            "alerting": {"alertmanagers": [{"static_configs": [{"targets": hosts}]}] if hosts else []},
        }
        config.write_text(yaml.safe_dump(document), encoding="utf-8")
        url, log = self._start(
            lambda port: [
                binary,
                f"--config.file={config}",
                f"--storage.tsdb.path={folder / 'data'}",
                f"--web.listen-address=127.0.0.1:{port}",
                "--web.enable-lifecycle",
                "--rules.alert.resend-delay=1s",  # the first alerts go out before Alertmanager is discovered
            ],
            folder,
        )
        return Prometheus(url, log, config)

    def alertmanager(self, config: Mapping[str, Any] | None = None) -> Alertmanager:
        """Start Alertmanager, by default with one receiver that tells nobody."""
        binary, folder = find_program("prometheus-alertmanager"), self._folder()
        path = folder / "alertmanager.yml"
        silent = {"route": {"receiver": "nobody"}, "receivers": [{"name": "nobody"}]}
        path.write_text(yaml.safe_dump(dict(config or silent)), encoding="utf-8")
        url, log = self._start(
            lambda port: [
                binary,
                f"--config.file={path}",
                f"--storage.path={folder / 'data'}",
                f"--web.listen-address=127.0.0.1:{port}",
                "--cluster.listen-address=",
            ],
            folder,
        )
        return Alertmanager(url, log)

    def _start(self, command: Callable[[int], list[str]], folder: Path) -> tuple[str, Path]:
        """Run a command on a free port until it is ready; on another port where somebody was faster."""
        for attempt in range(PORT_ATTEMPTS):
            port, log = _free_port(), folder / f"log.{attempt}"
            with log.open("wb") as output:
                process = subprocess.Popen(command(port), stdout=output, stderr=output, cwd=folder)
            self._stack.callback(_stop, process)
            server = Server(f"http://127.0.0.1:{port}", log)
            if eventually(lambda server=server, process=process: _state(server, process)) == "ready":
                return server.url, log
            if "address already in use" not in log.read_text():
                break
        pytest.fail(f"{command(0)[0]} stopped with {process.returncode}: {log.read_text()[-2000:]}")


def _state(server: Server, process: subprocess.Popen[bytes]) -> str:
    """Return `stopped` or `ready`; raise `URLError` while it is starting."""
    if process.poll() is not None:
        return "stopped"
    server.get("/-/ready")
    return "ready"


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(timeout=20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session", name="find_program")
def find_program_fixture() -> Callable[[str], str]:
    """Return the function that finds a program or skips."""
    return find_program


@pytest.fixture(scope="session", name="eventually")
def eventually_fixture() -> Callable[..., Any]:
    """Return the function that waits for a condition with a generous deadline."""
    return eventually


@pytest.fixture(scope="session")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Programs]:
    """Starter of real programs; everything it starts stops with the session."""
    with ExitStack() as stack:
        yield Programs(stack, lambda: tmp_path_factory.mktemp("program"))


@pytest.fixture(scope="session")
def start_prometheus(programs: Programs) -> Callable[..., Prometheus]:
    """Return the function that starts a Prometheus with given jobs, rules and Alertmanagers."""
    return programs.prometheus


@pytest.fixture(scope="session")
def start_alertmanager(programs: Programs) -> Callable[..., Alertmanager]:
    """Return the function that starts an Alertmanager."""
    return programs.alertmanager
