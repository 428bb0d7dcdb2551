"""A whole serve as its fleet grows: three viewers attached, scraped as Prometheus does, beside Prometheus itself.

Run `python -m benchmarks.fleet [--targets 10 100 1000] [--cycles 12]`. Each program scrapes the same targets every 5 s
and is measured alone, in turn. CPU is of the measured process; `/metrics` is asked for once a second, packed, so that
requests meet every moment of a cycle. Needs the program `prometheus`.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.cycle import Cost, measured, pages, prometheus, serve

VIEWERS = 3
SCRAPE_SECONDS = 1.0
RETRY_SECONDS = 0.5


@dataclass(slots=True)
class Clients:
    """Who reads from a serve while it is measured."""

    address: str
    done: threading.Event = field(default_factory=threading.Event)
    waits: list[float] = field(default_factory=list)
    """Seconds that each page of `/metrics` took."""
    size: int = 0
    """Bytes of the last page, packed."""

    def persist(self, read: Callable[[], None]) -> None:
        """Do so until the end; the serve is not there yet at first, and no longer at last."""
        while not self.done.wait(RETRY_SECONDS):
            with contextlib.suppress(OSError, http.client.HTTPException):
                read()

    def view(self) -> None:
        """Read the stream of snapshots."""
        answer = self._ask("/api/v1/stream")
        while not self.done.is_set() and answer.read1():
            pass

    def scrape(self) -> None:
        """Ask for `/metrics` again and again; pages before the first snapshot do not count."""
        while not self.done.wait(SCRAPE_SECONDS):
            ready = self._ask("/-/ready").status == http.client.OK
            started = time.perf_counter()
            page = self._ask("/metrics").read()
            if ready:
                self.waits.append(time.perf_counter() - started)
                self.size = len(page)

    def _ask(self, path: str) -> http.client.HTTPResponse:
        connection = http.client.HTTPConnection(self.address, timeout=30)
        connection.request("GET", path, headers={"Accept-Encoding": "gzip"})
        return connection.getresponse()


def main() -> None:
    """Print a line for each size of fleet."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--targets", type=int, nargs="+", default=[10, 100, 1000])
    parser.add_argument("--cycles", type=int, default=12)
    args = parser.parse_args()
    print("targets  serve ms  a target  serve MB  prometheus ms  prometheus MB  ratio  page kB  median ms  p99 ms")
    for count in args.targets:
        print(line(count, args.cycles), flush=True)


def line(count: int, cycles: int) -> str:
    """Return the figures of one fleet, CPU a cycle."""
    with tempfile.TemporaryDirectory() as folder, pages(count) as targets:
        ours, clients = watched(serve(Path(folder), targets), cycles)
        theirs = measured(prometheus(Path(folder), targets), cycles)
    waits = sorted(clients.waits)
    return (
        f"{count:7}  {ours.cpu * 1e3:8.0f}  {ours.cpu / count * 1e3:8.2f}  {ours.memory:8.0f}  {theirs.cpu * 1e3:13.0f}"
        f"  {theirs.memory:13.0f}  {ours.cpu / theirs.cpu:5.2f}  {clients.size / 1e3:7.0f}"
        f"  {waits[len(waits) // 2] * 1e3:9.1f}  {waits[int(0.99 * len(waits))] * 1e3:6.1f}"
    )


def watched(command: list[str], cycles: int) -> tuple[Cost, Clients]:
    """Measure a serve while clients read from it; its address is the last word of *command*."""
    clients = Clients(command[-1])
    threads = [
        threading.Thread(target=clients.persist, args=(read,)) for read in (clients.scrape, *VIEWERS * [clients.view])
    ]
    for thread in threads:
        thread.start()
    try:
        return measured(command, cycles), clients
    finally:
        clients.done.set()
        for thread in threads:
            thread.join()


if __name__ == "__main__":
    main()
