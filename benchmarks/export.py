"""What a page of `/metrics` costs, pdwatch's writer against prometheus_client's, and whom it stops.

Run `python -m benchmarks.export [--workers 100 1000 5000] [--engines 1] [--rounds 7]`. CPU time, medians: pdwatch goes
from a snapshot to the page, plain and packed; prometheus_client from families that are built already to the plain page.
Then a new snapshot is published for each of several requests to the real server: the longest that the client waits, and
the longest for which the event loop answered nobody.
"""

from __future__ import annotations

import argparse
import asyncio
import http.client
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from statistics import median

from prometheus_client.core import Metric
from prometheus_client.exposition import generate_latest
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

from benchmarks.pages import variants
from pdwatch.cli.commands.serve import spare_garbage_collection
from pdwatch.export.app import create_app
from pdwatch.export.dialect import Dialect
from pdwatch.export.exposition import body_of
from pdwatch.export.hub import SnapshotHub
from pdwatch.export.server import Server
from pdwatch.model.page import Scrape
from pdwatch.model.snapshot import Snapshot, WorkerState
from pdwatch.model.target import Role, RoleSource, Target
from pdwatch.road.road import Road, RoadSettings

INTERVAL_SECONDS = 5.0
HEARTBEAT_SECONDS = 0.002


class Families(Collector):
    """Families as they were read from a page."""

    def __init__(self, page: bytes) -> None:
        self._families = list(text_string_to_metric_families(page.decode()))

    def collect(self) -> Iterable[Metric]:
        return self._families


def main() -> None:
    """Print a line for each size of fleet."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workers", type=int, nargs="+", default=[100, 1000, 5000])
    parser.add_argument("--engines", type=int, default=1, help="engines of a worker")
    parser.add_argument("--rounds", type=int, default=7)
    args = parser.parse_args()
    print("workers  page MB  gzip MB  pdwatch ms  prometheus_client ms  times  answer ms  loop stopped ms")
    for count in args.workers:
        print(line(fleet(count, args.engines), count, args.rounds), flush=True)


def line(snapshot: Snapshot, count: int, rounds: int) -> str:
    """Return the figures of one fleet."""
    body = body_of(snapshot, Dialect.TEXT)
    families = Families(body.plain)
    assert generate_latest(families) == body.plain, "not what prometheus_client writes"
    reference = cpu_ms(lambda: generate_latest(families), rounds)
    ours = cpu_ms(lambda: body_of(snapshot, Dialect.TEXT), rounds)
    waited, stopped = asyncio.run(served(snapshot, rounds))
    return (
        f"{count:7}  {len(body.plain) / 1e6:7.2f}  {len(body.deflated) / 1e6:7.2f}  {ours:10.1f}  {reference:20.1f}"
        f"  {reference / ours:5.1f}  {waited:9.1f}  {stopped:15.1f}"
    )


def fleet(workers: int, engines: int) -> Snapshot:
    """Return what the road makes of *workers* pages, half of them prefill, in ten services."""
    road = Road(RoadSettings(INTERVAL_SECONDS))
    targets = [target(index) for index in range(workers)]
    for cycle, page in enumerate(variants(4)):
        at, text = cycle * INTERVAL_SECONDS, page.decode()
        for each in targets:
            road.observe(Scrape(each, at, 0.01, 200, text))
        snapshot = road.tick(at + 0.1)
    services = {
        name: replace(service, workers=tuple(with_engines(worker, engines) for worker in service.workers))
        for name, service in snapshot.services.items()
    }
    return replace(snapshot, services=services)


def target(index: int) -> Target:
    """Return one worker of the fleet."""
    role = (Role.PREFILL, Role.DECODE)[index % 2]
    return Target(f"http://w{index}:8000/metrics", f"w{index}:8000", f"s{index % 10}", role, RoleSource.DECLARED)


def with_engines(worker: WorkerState, count: int) -> WorkerState:
    """Return the worker with its engine *count* times."""
    return replace(worker, engines=tuple(replace(worker.engines[0], engine=str(index)) for index in range(count)))


def cpu_ms(write: Callable[[], object], rounds: int) -> float:
    """Return the CPU time of *write* in milliseconds."""
    taken = []
    for _ in range(rounds):
        started = time.process_time()
        write()
        taken.append(time.process_time() - started)
    return median(taken) * 1e3


async def served(snapshot: Snapshot, rounds: int) -> tuple[float, float]:
    """Return how long a client waits for a new page and for how long the event loop stood still, both the longest."""
    hub = SnapshotHub()
    server = Server(create_app(hub), on_stop=hub.close)
    await server.start("127.0.0.1", 0)
    spare_garbage_collection()
    heart = Heart()
    beating = asyncio.create_task(heart.beat())
    waits = []
    try:
        await asyncio.to_thread(ask, server.url)
        for _ in range(rounds):
            hub.publish(snapshot)
            waits.append(await asyncio.to_thread(ask, server.url))
    finally:
        beating.cancel()
        await server.stop()
    return max(waits) * 1e3, heart.longest * 1e3


class Heart:
    """Wakes often and keeps the longest time by which it was late."""

    def __init__(self) -> None:
        self.longest = 0.0

    async def beat(self) -> None:
        """Beat until cancelled."""
        while True:
            before = time.perf_counter()
            await asyncio.sleep(HEARTBEAT_SECONDS)
            self.longest = max(self.longest, time.perf_counter() - before - HEARTBEAT_SECONDS)


def ask(url: str) -> float:
    """Return the seconds that a page takes to arrive."""
    started = time.perf_counter()
    connection = http.client.HTTPConnection(url.removeprefix("http://").rstrip("/"))
    connection.request("GET", "/metrics", headers={"Accept-Encoding": "gzip"})
    connection.getresponse().read()
    connection.close()
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
