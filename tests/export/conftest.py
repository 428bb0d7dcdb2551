"""A fleet built by hand, and the exporter running on a free port of loopback."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import Future
from dataclasses import replace
from math import inf
from pathlib import Path
from typing import Any

import httpx
import pytest

from pdwatch.export.app import create_app
from pdwatch.export.guard import protection
from pdwatch.export.hub import SnapshotHub
from pdwatch.export.reload import Reloader
from pdwatch.export.server import Server
from pdwatch.model.host import HostOrigin, HostReading, HostState
from pdwatch.model.judgement import (
    Action,
    Advice,
    Bound,
    BoundLoad,
    Cause,
    Decision,
    Evidence,
    Finding,
    Outcome,
    Replicas,
    Severity,
)
from pdwatch.model.latency import Attainment, LatencyState, Quantiles, TtftChain
from pdwatch.model.reading import Histogram, Missing, Quantity
from pdwatch.model.records import read_record
from pdwatch.model.snapshot import (
    EngineState,
    PoolState,
    SelfState,
    ServiceState,
    Snapshot,
    TransferState,
    Trouble,
    WorkerState,
)
from pdwatch.model.target import Role, RoleSource

DATA = Path(__file__).parent / "data"
NOW = 1_795_237_620.0


def whole_host() -> HostState:
    """A host of which everything is known, from `data/host.json`."""
    reading = read_record(HostReading, json.loads((DATA / "host.json").read_text()))
    return HostState("node0", (HostOrigin.LOCAL,), True, 1.0, reading=reading)


def engine(name: str = "0", **values: float) -> EngineState:
    """An engine of which everything is known."""
    known = {
        "requests_waiting": 4.0,
        "requests_running": 9.0,
        "load": 11.5,
        "kv_fetch_waiting": 1.0,
        "kv_cache_usage_ratio": 0.93,
        "kv_cache_tokens": 262144.0,
        "prefix_cache_hit_ratio": 0.25,
        "external_cache_hit_ratio": 0.125,
        "requests_per_second": 2.5,
        "prompt_tokens_per_second": 5120.0,
        "computed_tokens_per_second": 3840.0,
        "generation_tokens_per_second": 610.0,
        "preemptions_per_second": 0.5,
        "errors_per_second": 0.0,
        "kv_recomputed_share": 0.0,
        "generation_tokens_per_request": 244.0,
        "stuck_seconds": 0.0,
        "held_seconds": 0.0,
    }
    return EngineState(engine=name, **(known | values))


def worker(name: str, role: Role, **values: object) -> WorkerState:
    """A worker that answers, with two engines."""
    known: dict[str, object] = {
        "url": f"http://{name}:8000/metrics",
        "role_source": RoleSource.DECLARED,
        "replica": name[0] + name[-1],
        "host": "node-" + name[-1],
        "up": True,
        "age_seconds": 1.25,
        "health": 200,
        "version": "0.33.0",
        "family": "vllm",
        "model": "deepseek-r1",
        "scrape_seconds": 0.004,
        "router_healthy": True,
        "routed_requests_per_second": 4.5,
        "routed_errors_per_second": 0.25,
        "engines": (engine("0"), engine("1", requests_waiting=0.0)),
    }
    return WorkerState(worker=name, role=role, **(known | values))  # type: ignore[arg-type]


def pool(role: Role, **values: object) -> PoolState:
    """A pool of which everything is known."""
    known: dict[str, object] = {
        "replicas": 2,
        "workers": 2,
        "engines": 4,
        "up": 2,
        "role_guessed": False,
        "requests_waiting": 8.0,
        "requests_running": 36.0,
        "kv_cache_usage_ratio": 0.41,
        "kv_cache_usage_worst": 0.97,
        "kv_cache_usage_p90": 0.96,
        "kv_cache_tokens": 1048576.0,
        "kv_cache_tokens_used": 429916.0,
        "queue_imbalance_ratio": 1.25,
        "busiest_engine": (f"{role.value}-0", "0"),
        "busiest_requests": 13.0,
        "mean_requests": 11.0,
        "prefill_concurrency": 1.5,
        "pressure_ratio": 0.8,
        "pressure_bound": "decode KV",
        "prefix_cache_hit_ratio": 0.25,
        "external_cache_hit_ratio": 0.125,
        "requests_per_second": 10.0,
        "requests_in_window": 300.0,
    }
    return PoolState(role=role, **(known | values))  # type: ignore[arg-type]


def histogram(*counts: float, total: float) -> Histogram:
    """Cumulative counts up to 10 ms, 100 ms, 1 s and above."""
    return Histogram((0.01, 0.1, 1.0, inf), counts, total, counts[-1])


def _service() -> ServiceState:
    missing = Missing(Quantity.TRANSFER_TIME, "vllm:nixl_xfer_time_seconds", since="0.12")
    down = {"up": False, "stale": True, "age_seconds": 41.0, "error": "connection refused", "health": None}
    return ServiceState(
        service="deepseek-r1",
        pools={Role.PREFILL: pool(Role.PREFILL), Role.DECODE: pool(Role.DECODE, up=1, role_guessed=True)},
        transfer=TransferState(
            reported_by=Role.DECODE,
            seconds_mean=0.035,
            seconds_p95=0.09,
            bytes_per_second=1.2e9,
            bandwidth_bytes_per_second=3.9e9,
            transfers_per_second=9.5,
            failures_per_second=0.1,
            expired_per_second=0.0,
            after_expiry_per_second=0.0,
            prefill_ratio=0.12,
            kv_moving=True,
            kv_recomputed_share=0.02,
            waiting=3.0,
            failures_total=7.0,
            bytes_total=5.5e12,
            histogram=histogram(1, 80, 95, 95, total=3.25),
        ),
        experts={"d0": 0.84},
        latency=LatencyState(
            ttft_seconds=Quantiles(0.4, 1.42, 2.2, 0.5, 300.0),
            ttft_source="prefill+decode",
            itl_seconds=Quantiles(0.02, 0.05, 0.08, 0.025, 9000.0),
            chain=TtftChain(0.1, 0.25, 0.035, 0.05),
            ttft_by_role={Role.PREFILL: histogram(0, 100, 290, 300, total=120.5)},
            itl_by_role={Role.DECODE: histogram(500, 8900, 9000, 9000, total=225.0)},
        ),
        slo={"ttft": Attainment(2.0, 0.97, 2.5, 0.95), "itl": Attainment(0.05, 0.91, 0.05, 0.95)},
        workers=(
            worker("prefill-0", Role.PREFILL),
            worker("prefill-1", Role.PREFILL, missing=(missing,)),
            worker("decode-0", Role.DECODE, restarts=1),
            worker("decode-1", Role.DECODE, trouble=Trouble.UNREACHABLE, failures=8, **down),
        ),
        advice=Advice(
            Action.SCALE_DECODE,
            Replicas(2, 2),
            Replicas(2, 3),
            0.84,
            NOW - 220.0,
            "Decode is out of KV cache on 3 of 4 engines.",
            (Evidence("kv_usage_p90", 0.96, "ratio", 0.9, {"role": "decode"}),),
            (
                BoundLoad(Role.DECODE, Bound.DECODE_KV, 5400.0, 5000.0),
                BoundLoad(Role.DECODE, Bound.DECODE_ITL, 5400.0, 7200.0),
                BoundLoad(Role.PREFILL, Bound.PREFILL_COMPUTE, 21000.0, 40000.0),
            ),
            ("decode demand below 3,700 tok/s",),
        ),
        decisions=(
            Decision(
                NOW - 3600.0,
                Action.SCALE_PREFILL,
                Replicas(1, 2),
                Replicas(2, 2),
                "Prefill is too small.",
                {Role.PREFILL: 0.5},
                Outcome.FOLLOWED,
                NOW - 3300.0,
                {Role.PREFILL: 0.525},
                "Prefill got its replica after 5 min; it is at 53 % where 50 % was predicted.",
            ),
        ),
        findings=(
            Finding(
                "kv_cache_saturated",
                Severity.WARNING,
                {"role": "decode"},
                NOW - 300.0,
                "Decode engines have 96 % of their KV cache in use.",
                "Add decode replicas.",
                (Evidence("kv_usage_p90", 0.96, "ratio", 0.9, {"role": "decode"}),),
                because_of=Cause("worker_down", {"worker": "decode-1"}),
            ),
            Finding(
                "worker_down",
                Severity.CRITICAL,
                {"worker": "decode-1"},
                NOW - 41.0,
                "decode-1 refuses connections.",
                "Start it again.",
            ),
        ),
    )


@pytest.fixture
def fleet() -> Snapshot:
    """One service with two prefill and two decode workers; decode-1 is down."""
    return Snapshot(
        t=NOW,
        services={"deepseek-r1": _service()},
        hosts={"node0": whole_host()},
        self_state=SelfState(
            workers=4,
            up=3,
            stale=1,
            cycle_seconds=0.0125,
            cycles=120,
            discovery_targets={"static": 4},
            discovery_errors={"http://router:8123/workers": "timed out after 3s"},
            shard="1/2",
            services_elsewhere=3,
        ),
    )


@pytest.fixture
def bare() -> Snapshot:
    """One service with a worker of which nothing is known."""
    unknown = WorkerState("w", "http://w:1/metrics", Role.UNKNOWN, RoleSource.NONE, "w", None, False, None)
    service = ServiceState(
        service="default",
        pools={Role.UNKNOWN: PoolState(Role.UNKNOWN, 1, 1, 0, 0, True)},
        transfer=TransferState(),
        experts={},
        latency=LatencyState(),
        slo={},
        workers=(unknown,),
        advice=Advice(Action.CANNOT_TELL, Replicas(0, None), Replicas(0, None), 0.0, NOW, "No page was read yet."),
    )
    return Snapshot(NOW, {"default": service}, {}, SelfState(workers=1, up=0, stale=0))


@pytest.fixture
def with_workers() -> Callable[..., Snapshot]:
    """Put other workers into the first service of a snapshot."""

    def put(snapshot: Snapshot, *workers: WorkerState) -> Snapshot:
        name, service = next(iter(snapshot.services.items()))
        return replace(snapshot, services={name: replace(service, workers=workers)})

    return put


@pytest.fixture
def make_worker() -> Callable[..., WorkerState]:
    """Build a worker that answers, with two engines."""
    return worker


class Site:
    """The exporter on loopback, its event loop in a thread of its own."""

    def __init__(
        self,
        load: Callable[[], Awaitable[None]] | None = None,
        connections: int = 64,
        web: Path | None = None,
        new_loop: Callable[[], asyncio.AbstractEventLoop] = asyncio.new_event_loop,
    ) -> None:
        self.told: list[str] = []
        self._middleware, self._tls = protection(web, self.told.append)
        self.loop = new_loop()
        self.thread = threading.Thread(target=self.loop.run_forever)
        self.thread.start()
        self.now = NOW
        self.call(self._start, load, connections)
        self.client = httpx.Client(base_url=self.server.url, timeout=20, trust_env=False)

    async def _start(self, load: Callable[[], Awaitable[None]] | None, connections: int) -> None:
        self.hub = SnapshotHub()
        self.reloader = Reloader(load, lambda: self.now, NOW - 3600) if load is not None else None
        app = create_app(
            self.hub,
            reloader=self.reloader,
            clock=lambda: self.now,
            heartbeat_seconds=0.05,
            middleware=self._middleware,
        )
        self.server = Server(app, on_stop=self.hub.close, tls=self._tls, connections=connections)
        await self.server.start("127.0.0.1", 0)

    def call(self, function: Callable[..., Awaitable[None]], *arguments: object) -> None:
        """Run a coroutine function on the site's loop and wait for it."""
        future: Future[None] = asyncio.run_coroutine_threadsafe(function(*arguments), self.loop)  # type: ignore[arg-type]
        future.result(20)

    def publish(self, snapshot: Snapshot) -> None:
        """Make a snapshot the newest."""

        async def on_loop() -> None:
            self.hub.publish(snapshot)

        self.call(on_loop)

    def stop(self) -> None:
        """Stop the server as the program does at its end."""
        self.call(self.server.stop)

    def close(self) -> None:
        """Stop everything and wait for it."""
        self.client.close()
        self.stop()
        self.call(self.loop.shutdown_default_executor)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(20)
        self.loop.close()


@pytest.fixture
def open_site() -> Iterator[Callable[..., Site]]:
    """Start exporters that are stopped when the test ends."""
    sites: list[Site] = []

    def start(*arguments: Any, **named: Any) -> Site:
        sites.append(Site(*arguments, **named))
        return sites[-1]

    yield start
    for started in sites:
        started.close()


@pytest.fixture
def site(open_site: Callable[..., Site]) -> Site:
    """An exporter without a snapshot and without a configuration file."""
    return open_site()


@pytest.fixture
def host() -> HostState:
    """A host of which everything is known."""
    return whole_host()
