"""Places that know where the workers of a simulated fleet run, each a program of its own on loopback."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

sys.path.insert(0, str(Path(__file__).parents[2] / "discover/kubernetes"))
import apiserver

DISCOVER = Path(__file__).parents[2] / "discover"
START_SECONDS = 30.0


class Cluster:
    """The API server of the tests of discovery, spoken to as kubectl does."""

    def __init__(self, program: Any) -> None:
        self.program = program
        self.url = program.line(r"^http://\S+", "out").group()

    def run(self, name: str, address: str, **more: Any) -> None:
        """Let a pod run at an address of loopback."""
        host, _, port = address.rpartition(":")
        notes = {"prometheus.io/port": port}
        self._ask("POST", "", apiserver.pod(name, ip=host, annotations=notes, **more))

    def delete(self, name: str) -> None:
        """Take a pod away."""
        self._ask("DELETE", f"/{name}")

    def kubeconfig(self, folder: Path) -> Path:
        """Write how to reach it."""
        path = folder / "kube.conf"
        content = {
            "current-context": "test",
            "contexts": [{"name": "test", "context": {"cluster": "test"}}],
            "clusters": [{"name": "test", "cluster": {"server": self.url}}],
        }
        path.write_text(yaml.safe_dump(content))
        return path

    def _ask(self, method: str, path: str, body: Any = None) -> None:
        url = f"{self.url}/api/v1/namespaces/llm/pods{path}"
        httpx.request(method, url, json=body, trust_env=False).raise_for_status()


@pytest.fixture(scope="module")
def cluster(start: Callable[..., Any]) -> Cluster:
    """A cluster without pods."""
    return Cluster(start(sys.executable, str(DISCOVER / "kubernetes" / "apiserver.py")))


@pytest.fixture(scope="module")
def name_server(start: Callable[..., Any]) -> Callable[..., str]:
    """Start a name server with these records, and return its address."""

    def begin(**records: list[str]) -> str:
        program = start(sys.executable, str(DISCOVER / "nameserver.py"), json.dumps(records))
        return str(program.line(r"^\S+:\d+$", "out").group())

    return begin


@pytest.fixture(scope="module")
def card() -> Callable[..., bytes]:
    """Return a card of Dynamo as recorded, for a worker at another address."""
    (path,) = (DISCOVER / "pages/dynamo/v1/mdc").glob("*prefill*")
    recorded = path.read_text()

    def make(address: str, role: str) -> bytes:
        record = json.loads(recorded.replace("192.0.2.2:27311", address))
        record["card_json"]["worker_type"] = role
        return json.dumps(record).encode()

    return make


@pytest.fixture(scope="module")
def etcd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real etcd on a free port."""
    program = shutil.which("etcd")
    if program is None:
        reason = "etcd is not installed; `make services` installs it"
        (pytest.fail if os.environ.get("REQUIRE_LIVE") == "1" else pytest.skip)(reason)
    folder = tmp_path_factory.mktemp("etcd")
    client, peer = (f"http://127.0.0.1:{port}" for port in _free_ports(2))
    flags = ("--data-dir", str(folder / "data"), "--listen-client-urls", client, "--advertise-client-urls", client)
    peers = ("--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer, "--initial-cluster", f"default={peer}")
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([program, *flags, *peers], stdout=log, stderr=log)
    try:
        _wait_for(client, folder / "log")
        yield client
    finally:
        process.terminate()
        process.wait(20)


def _free_ports(count: int) -> list[int]:
    probes = [socket.socket() for _ in range(count)]
    try:
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]
    finally:
        for probe in probes:
            probe.close()


def _wait_for(url: str, log: Path) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        try:
            if httpx.get(f"{url}/health", trust_env=False).is_success:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.05)
    pytest.fail(f"etcd does not answer: {log.read_text()[-2000:]}")
