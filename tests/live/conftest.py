"""Real programs on loopback, each in a process of its own: simulated fleets and pdwatch.

They are started once per module and stopped at its end. A `pdwatch serve` that does not end well fails the module.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any

import httpx
import pytest
import yaml

DEADLINE = 60.0
"""Seconds until a condition that must come true has failed; far more than it takes."""
LOOK_AGAIN = 0.05

Json = dict[str, Any]


def until(look: Callable[[], Any], what: str) -> Any:
    """Return the first true value of *look*; the test fails where none comes by the deadline."""
    end = time.monotonic() + DEADLINE
    while time.monotonic() < end:
        if value := look():
            return value
        time.sleep(LOOK_AGAIN)
    pytest.fail(f"{what}: not within {DEADLINE:g} s")


class Program:
    """A process whose lines are read as they come. Leaving the context ends it."""

    def __init__(self, *command: str, cwd: Path | None = None) -> None:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PDWATCH_")}
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=cwd, env=environment
        )
        self.out: list[str] = []
        self.err: list[str] = []
        pairs = ((self.process.stdout, self.out), (self.process.stderr, self.err))
        self._readers = [threading.Thread(target=_read, args=pair) for pair in pairs]
        for reader in self._readers:
            reader.start()

    def __enter__(self) -> Program:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def line(self, pattern: str, stream: str = "err", after: int = 0) -> re.Match[str]:
        """Return the first match in a line of *stream* from line *after* on; fails where the program ends first."""
        lines: list[str] = getattr(self, stream)

        def look() -> re.Match[str] | None:
            ended = not any(reader.is_alive() for reader in self._readers)
            found = next((m for line in lines[after:] if (m := re.search(pattern, line))), None)
            if found is None and ended:
                pytest.fail(f"{pattern!r} never came: {''.join(self.err)}")
            return found

        found: re.Match[str] = until(look, f"{pattern!r} on {stream}")
        return found

    def wait(self) -> int:
        """Return the exit status once the program has ended by itself and all its lines are read."""
        status = self.process.wait(DEADLINE)
        for reader in self._readers:
            reader.join()
        return status

    def stop(self) -> int:
        """End the program as a service manager does, and return its exit status."""
        if self.process.poll() is None:
            self.process.terminate()
        try:
            return self.wait()
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.wait()
            raise


def _read(stream: IO[str], lines: list[str]) -> None:
    with stream:
        lines.extend(stream)


class Fleet:
    """A simulated fleet. Worker `decode-1` is the second of `urls["decode"]`."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.urls: dict[str, Any] = json.loads(program.line(r"^\{.*", "out").group())
        self.workers = {f"{role}-{n}": url for role in ("prefill", "decode") for n, url in enumerate(self.urls[role])}

    @property
    def flags(self) -> tuple[str, ...]:
        """The workers as routers take them."""
        return ("--prefill", *self.urls["prefill"], "--decode", *self.urls["decode"])

    def address(self, worker: str) -> str:
        """`host:port` of a worker."""
        return self.workers[worker].removeprefix("http://")

    def groups(self, *workers: str, service: str = "default", prefix: str = "") -> list[Json]:
        """These workers, by default all, as target groups of Prometheus, each by its own name behind *prefix*."""
        return [
            {
                "targets": [self.address(name)],
                "labels": {"service": service, "role": name.partition("-")[0], "worker": f"{prefix}{name}"},
            }
            for name in workers or self.workers
        ]

    def do(self, what: str, worker: str = "", factor: float = 1.0) -> float:
        """Do something to a worker, and return the Unix time just before."""
        before = time.time()
        body = {"do": what, "worker": worker, "factor": factor}
        httpx.post(f"{self.urls['router']}/demo/fault", json=body, trust_env=False).raise_for_status()
        return before

    def wait_until_queued(self, worker: str, requests: int) -> None:
        """Wait until so many requests wait at a worker, by its own page."""

        def look() -> bool:
            page = httpx.get(f"{self.workers[worker]}/metrics", trust_env=False).text
            waiting = re.findall(r"^vllm:num_requests_waiting\{.*\} (\S+)$", page, re.MULTILINE)
            return sum(map(float, waiting)) >= requests

        until(look, f"{requests} requests at {worker}")


class Serve:
    """A running `pdwatch serve`, and every snapshot that it has streamed."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.url = program.line(r"^pdwatch serve: (http://\S+) ")[1]
        self.client = httpx.Client(base_url=self.url, timeout=20, trust_env=False)
        self.snapshots: list[Json] = []
        self._reader = threading.Thread(target=self._follow)
        self._reader.start()

    def _follow(self) -> None:
        try:
            with httpx.stream("GET", f"{self.url}api/v1/stream", timeout=None, trust_env=False) as answer:
                for line in answer.iter_lines():
                    if line.startswith("data: "):
                        self.snapshots.append(json.loads(line.removeprefix("data: ")))
        except httpx.TransportError:
            pass  # the server has ended

    def since(self, at: float) -> list[Json]:
        """Return the snapshots after a Unix time, oldest first."""
        return [snapshot for snapshot in self.snapshots if snapshot["t"] > at]

    def wait_for(self, matches: Callable[[Json], Any], what: str, after: float = 0.0) -> Json:
        """Return the first snapshot after a Unix time that *matches*."""

        def look() -> Json | None:
            return next((snapshot for snapshot in self.since(after) if matches(snapshot)), None)

        snapshot: Json = until(look, what)
        return snapshot

    def stop(self) -> int:
        """End it as a service manager does, and return its exit status."""
        status = self.program.stop()
        self._reader.join()
        self.client.close()
        return status


Start = Callable[..., Program]


@pytest.fixture(scope="module")
def start() -> Iterator[Start]:
    """Start a program that is ended with the module."""
    with ExitStack() as stack:
        yield lambda *command, cwd=None: stack.enter_context(Program(*command, cwd=cwd))


@pytest.fixture(scope="module")
def pdwatch(start: Start) -> Start:
    """Start a command of pdwatch."""
    return lambda *arguments, cwd=None: start(sys.executable, "-m", "pdwatch", *arguments, cwd=cwd)


@pytest.fixture(scope="module")
def fleet_of(start: Start) -> Callable[..., Fleet]:
    """Start a simulated fleet on free ports."""

    def begin(scenario: str = "healthy", speed: float = 5.0) -> Fleet:
        flags = ("--scenario", scenario, "--port", "0", "--speed", f"{speed:g}")
        return Fleet(start(sys.executable, "-m", "pdwatch.demo", *flags))

    return begin


@pytest.fixture(scope="module")
def fleet(fleet_of: Callable[..., Fleet]) -> Fleet:
    """A healthy fleet: two workers of each role."""
    return fleet_of()


@pytest.fixture(scope="module")
def serve_of(pdwatch: Start) -> Iterator[Callable[..., Serve]]:
    """Start `pdwatch serve` on a free port, with a scrape each second. Each must end with 0 and without a traceback."""
    running: list[Serve] = []

    def begin(*arguments: str) -> Serve:
        running.append(Serve(pdwatch("serve", "--listen", "127.0.0.1:0", "--interval", "1s", *arguments)))
        return running[-1]

    yield begin
    ends = [(serve.stop(), "Traceback" in "".join(serve.program.err)) for serve in reversed(running)]
    assert [(0, False)] * len(running) == ends


@pytest.fixture(scope="session")
def wait_until() -> Callable[[Callable[[], Any], str], Any]:
    """Wait for a condition that must come true."""
    return until


@pytest.fixture(scope="session")
def followed() -> Callable[[Program], Serve]:
    """Follow a `pdwatch serve` that was started in a way of its own; the test stops it."""
    return Serve


@pytest.fixture(scope="module")
def write(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Write YAML in one step, as configuration management does: into a new file, or over *path*."""

    def put(content: Mapping[str, Any] | Sequence[Any] | str, path: Path | None = None) -> Path:
        path = path or tmp_path_factory.mktemp("config") / "pdwatch.yaml"
        fresh = path.with_name("fresh.tmp")
        fresh.write_text(content if isinstance(content, str) else yaml.safe_dump(content))
        return fresh.replace(path)

    return put
