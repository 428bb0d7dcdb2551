"""A whole serve as its fleet grows, with everything on: three viewers attached, `/metrics` asked for every 15 s.

Run `python -m benchmarks.fleet [--targets 10 100 1000] [--cycles 12] [--mixed]`. Each program scrapes the same targets
every 5 s and is measured alone, in turn: pdwatch, Prometheus, vmagent with a remote storage that takes all. CPU is of
the measured process. After that, a serve is asked for its page every second and whether it is healthy every 20 ms, so
that requests meet every moment of a cycle. Needs the programs `prometheus` and `vmagent` (Debian: victoria-metrics).
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import http.server
import json
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.cycle import INTERVAL_SECONDS, Cost, free_port, measured, pages, prometheus, serve

HEAD = """\
         ms CPU a cycle                  serve's share    resident MB            /metrics, ms     healthy, ms
targets  serve a target  prom.  vmagent  of prom. vmagent serve  prom.  vmagent     kB  p50  p99   p99  max"""
VIEWERS = 3
SCRAPE_SECONDS = 15.0
RETRY_SECONDS = 0.5
ASKING_SECONDS = 40.0
PAGE_SECONDS, HEALTH_SECONDS = 1.0, 0.02
"""Between two questions for `/metrics` and for `/-/healthy` once costs have been measured."""


@dataclass(slots=True)
class Clients:
    """Who reads from a serve."""

    address: str
    done: threading.Event = field(default_factory=threading.Event)
    pages: list[float] = field(default_factory=list)
    """Seconds that each page of `/metrics` took once costs had been measured."""
    health: list[float] = field(default_factory=list)
    """Seconds that each `/-/healthy` took: an upper bound of how long the event loop was blocked."""
    size: int = 0
    """Bytes of the last page, packed."""

    def persist(self, read: Callable[[], None]) -> None:
        """Do so until the end; the serve is not there yet at first, and no longer at last."""
        while not self.done.wait(RETRY_SECONDS):
            with contextlib.suppress(OSError, http.client.HTTPException):
                read()

    def view(self) -> None:
        """Read the stream of snapshots."""
        answer = self._connection("/api/v1/stream").getresponse()
        while not self.done.is_set() and answer.read1():
            pass

    def scrape(self) -> None:
        """Ask for `/metrics` as a Prometheus does."""
        while not self.done.wait(SCRAPE_SECONDS):
            self._connection("/metrics").getresponse().read()

    def ask(self) -> None:
        """Ask for pages and for health at once, for a while."""
        threads = [
            threading.Thread(target=self._timed, args=(path, seconds, waits))
            for path, seconds, waits in (
                ("/metrics", PAGE_SECONDS, self.pages),
                ("/-/healthy", HEALTH_SECONDS, self.health),
            )
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def _timed(self, path: str, pause: float, waits: list[float]) -> None:
        connection = self._connection(path)
        connection.getresponse().read()
        until = time.monotonic() + ASKING_SECONDS
        while time.monotonic() < until:
            started = time.perf_counter()
            connection.request("GET", path, headers={"Accept-Encoding": "gzip"})
            body = connection.getresponse().read()
            waits.append(time.perf_counter() - started)
            self.size = max(self.size, len(body))
            time.sleep(pause)

    def _connection(self, path: str) -> http.client.HTTPConnection:
        connection = http.client.HTTPConnection(self.address, timeout=30)
        connection.request("GET", path, headers={"Accept-Encoding": "gzip"})
        return connection


def main() -> None:
    """Print a line for each size of fleet."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--targets", type=int, nargs="+", default=[10, 100, 1000])
    parser.add_argument("--cycles", type=int, default=12)
    parser.add_argument(
        "--mixed", action="store_true", help="pages of 1, 8 and 16 ranks, of which 1 %% fail, 1 %% are slow"
    )
    args = parser.parse_args()
    options = ("--mixed",) if args.mixed else ()
    print(HEAD)
    for count in args.targets:
        print(line(count, args.cycles, options), flush=True)


def line(count: int, cycles: int, options: Sequence[str]) -> str:
    """Return the figures of one fleet."""
    with tempfile.TemporaryDirectory() as folder, pages(count, *options) as targets, storage() as url:
        ours, clients = watched(serve(Path(folder), targets), cycles)
        prom = measured(prometheus(Path(folder), targets), cycles)
        agent = measured(vmagent(Path(folder), targets, url), cycles)
    return _line(count, ours, prom, agent) + _waits(clients)


def _line(count: int, ours: Cost, prom: Cost, agent: Cost) -> str:
    cpu = [cost.cpu * 1e3 for cost in (ours, prom, agent)]
    memory = [cost.memory for cost in (ours, prom, agent)]
    return (
        f"{count:7}  {cpu[0]:5.0f} {cpu[0] / count:8.3f} {cpu[1]:6.0f} {cpu[2]:8.0f}"
        f"  {cpu[0] / cpu[1]:6.2f} {cpu[0] / cpu[2]:8.2f}  {memory[0]:5.0f} {memory[1]:6.0f} {memory[2]:8.0f}"
    )


def _waits(clients: Clients) -> str:
    page, health = sorted(clients.pages), sorted(clients.health)
    waits = (at(page, 0.5), at(page, 0.99), at(health, 0.99), at(health, 1))
    return f"  {clients.size / 1e3:5.0f} {waits[0]:5.0f} {waits[1]:4.0f}  {waits[2]:4.0f} {waits[3]:4.0f}"


def at(waits: Sequence[float], share: float) -> float:
    """Return the wait below which a share of the sorted *waits* lies, in ms."""
    return waits[min(len(waits) - 1, int(share * len(waits)))] * 1e3


def watched(command: list[str], cycles: int) -> tuple[Cost, Clients]:
    """Measure a serve while clients read from it; its address is the last word of *command*."""
    clients = Clients(command[-1])
    threads = [
        threading.Thread(target=clients.persist, args=(read,)) for read in (clients.scrape, *VIEWERS * [clients.view])
    ]
    for thread in threads:
        thread.start()
    try:
        return measured(command, cycles, clients.ask), clients
    finally:
        clients.done.set()
        for thread in threads:
            thread.join()


class _Sink(http.server.BaseHTTPRequestHandler):
    """Takes whatever is written to it."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        """Read and forget."""
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.send_response(http.HTTPStatus.NO_CONTENT)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextlib.contextmanager
def storage() -> Iterator[str]:
    """Serve a remote storage that keeps nothing; yields the URL to write to."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Sink)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/api/v1/write"
    finally:
        server.shutdown()


def vmagent(folder: Path, targets: list[str], url: str) -> list[str]:
    """Return the command line of a vmagent on *targets*."""
    job = {"job_name": "pages", "static_configs": [{"targets": targets}]}
    rhythm = {"scrape_interval": f"{INTERVAL_SECONDS}s", "scrape_timeout": "3s"}
    (folder / "vmagent.yml").write_text(json.dumps({"global": rhythm, "scrape_configs": [job]}))
    return [
        "vmagent",
        f"-promscrape.config={folder / 'vmagent.yml'}",
        f"-remoteWrite.url={url}",
        f"-remoteWrite.tmpDataPath={folder / 'vmagent'}",
        f"-httpListenAddr=127.0.0.1:{free_port()}",
        "-loggerLevel=ERROR",
    ]


if __name__ == "__main__":
    main()
