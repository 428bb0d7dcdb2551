"""Snapshots built by hand, stories of the simulated fleet, and sessions that have seen them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

import pytest

from pdwatch.demo import SCENARIOS
from pdwatch.model.hostsignals import TransferPathSignals
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
from pdwatch.model.page import Scrape
from pdwatch.model.placement import Placement
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
from pdwatch.model.target import Role, RoleSource, Target
from pdwatch.road.road import Road, RoadSettings
from pdwatch.top.session import Session, Settings

T0 = 1_795_000_000.0
STEP = 10.0

MakeWorker = Callable[..., WorkerState]
MakeService = Callable[..., ServiceState]
MakeSnapshot = Callable[..., Snapshot]
MakeSession = Callable[..., Session]
States = dict[str, list[Snapshot]]
Story = Callable[..., Sequence[Snapshot]]


def make_worker(
    name: str, role: Role = Role.DECODE, engine: dict[str, Any] | None = None, **changed: Any
) -> WorkerState:
    """Return a healthy worker with one engine; `engine` changes its numbers, the rest changes the worker."""
    prefill = role is Role.PREFILL
    numbers: dict[str, Any] = {
        "requests_waiting": 0.0,
        "requests_running": 8.0,
        "load": 8.0,
        "kv_cache_usage_ratio": 0.34,
        "prefix_cache_hit_ratio": 0.48 if prefill else 0.0,
        "requests_per_second": 3.2,
        "prompt_tokens_per_second": 43_900.0 if prefill else 3_000.0,
        "computed_tokens_per_second": 42_000.0 if prefill else 0.0,
        "generation_tokens_per_second": 3.2 if prefill else 1_660.0,
        "preemptions_per_second": 0.0,
        "errors_per_second": 0.0,
        "itl_seconds": None if prefill else 0.024,
        "stuck_seconds": 0.0,
    }
    fields: dict[str, Any] = {
        "url": f"http://{name}:8000/metrics",
        "role": role,
        "role_source": RoleSource.DECLARED,
        "replica": name,
        "host": f"gpu-{name[-2:]}",
        "up": True,
        "age_seconds": 1.2,
        "health": 200,
        "version": "0.33.0",
        "family": "vllm",
        "model": "meta/llama-4-maverick",
        "scrape_seconds": 0.004,
        "behaviour": role,
        "engines": (EngineState("0", **(numbers | (engine or {}))),),
    }
    return WorkerState(worker=name, **(fields | changed))


def dead_worker(name: str, role: Role = Role.DECODE, failures: int = 8) -> WorkerState:
    """Return a worker whose port is closed."""
    changed = {"up": False, "stale": True, "age_seconds": 40.0, "error": "connection refused", "failures": failures}
    return make_worker(name, role, trouble=Trouble.UNREACHABLE, **changed)


def make_pool(role: Role, workers: Sequence[WorkerState], pressure: float | None = 0.62, **changed: Any) -> PoolState:
    """Return a pool of *workers*: sums, and the mean of KV use."""
    members = [worker for worker in workers if worker.role is role]
    engines = [engine for worker in members if worker.up for engine in worker.engines]
    usages = [engine.kv_cache_usage_ratio for engine in engines if engine.kv_cache_usage_ratio is not None]

    def total(name: str) -> float | None:
        values = [getattr(engine, name) for engine in engines if getattr(engine, name) is not None]
        return sum(values) if values else None

    pool = PoolState(
        role,
        replicas=len(members),
        workers=len(members),
        engines=len(engines),
        up=sum(worker.up for worker in members),
        role_guessed=False,
        requests_waiting=total("requests_waiting"),
        requests_running=total("requests_running"),
        kv_cache_usage_ratio=sum(usages) / len(usages) if usages else None,
        kv_cache_usage_p90=max(usages, default=None),
        pressure_ratio=pressure,
        pressure_bound=None if pressure is None else "prefill compute" if role is Role.PREFILL else "decode KV",
        prefix_cache_hit_ratio=0.48 if role is Role.PREFILL else 0.0,
        requests_per_second=total("requests_per_second"),
        computed_tokens_per_second=total("computed_tokens_per_second"),
        generation_tokens_per_second=total("generation_tokens_per_second"),
        preemptions_per_second=total("preemptions_per_second"),
        queue_imbalance_ratio=1.1,
    )
    return replace(pool, **changed)


def make_advice(action: Action = Action.HOLD, desired: tuple[int, int] | None = None, **changed: Any) -> Advice:
    """Return an advice on 5 prefill and 6 decode replicas."""
    prefill, decode = desired or (5, 6)
    advice = Advice(action, Replicas(5, prefill), Replicas(6, decode), 0.91, T0 - 250.0, "Both pools have room.", ())
    return replace(advice, **changed)


def make_bounds(decode: float = 0.71, prefill: float = 0.62) -> tuple[BoundLoad, ...]:
    """Return what 5 prefill and 6 decode replicas bear, and these shares of it as demand; the fullest first."""
    loads = [
        BoundLoad(Role.DECODE, Bound.DECODE_KV, 9_800.0 * decode, 9_800.0),
        BoundLoad(Role.DECODE, Bound.DECODE_ITL, 9_800.0 * decode, 13_100.0),
        BoundLoad(Role.PREFILL, Bound.PREFILL_COMPUTE, 212_000.0 * prefill, 212_000.0),
    ]
    return tuple(sorted(loads, key=lambda load: -load.utilization_ratio))


def make_decision(at: float, action: Action, decode: tuple[int, int], outcome: Outcome, **changed: Any) -> Decision:
    """Return a change of advice that would resize decode, *at* seconds from the first snapshot."""
    current, desired = decode
    predicted = {Role.PREFILL: 0.62, Role.DECODE: 0.7}
    decision = Decision(T0 + at, action, Replicas(5, 5), Replicas(current, desired), "", predicted, outcome)
    return replace(decision, **changed)


def make_service(workers: Sequence[WorkerState], advice: Advice | None = None, **changed: Any) -> ServiceState:
    """Return a service of *workers* with objectives that are met."""
    pressures: dict[Role, float | None] = changed.pop("pressures", {})
    roles = dict.fromkeys(worker.role for worker in workers)
    fields: dict[str, Any] = {
        "service": "prod-eu-1",
        "pools": {role: make_pool(role, workers, pressures.get(role, 0.62)) for role in roles},
        "transfer": TransferState(
            Role.DECODE, 0.038, 0.096, 18.4e9, 3.9e9, 31.0, 0.0, 0.0, 0.0, 0.21, kv_moving=True, kv_recomputed_share=0.0
        ),
        "experts": {},
        "latency": LatencyState(
            Quantiles(0.4, 1.1, 1.42, 0.5, 900.0),
            "prefill+decode",
            Quantiles(0.02, 0.04, 0.061, 0.024, 9e4),
            TtftChain(0.02, 0.31, 0.038, 0.06),
        ),
        "slo": {"ttft": Attainment(2.0, 0.97, 2.0, 0.95), "itl": Attainment(0.05, 0.96, 0.05, 0.95)},
        "workers": tuple(workers),
        "advice": advice or make_advice(),
        "findings": (),
    }
    return ServiceState(**(fields | changed))


def make_snapshot(*services: ServiceState, t: float = T0, **changed: Any) -> Snapshot:
    """Return a snapshot of *services*."""
    workers = [worker for service in services for worker in service.workers]
    up, stale = sum(worker.up for worker in workers), sum(worker.stale for worker in workers)
    state = SelfState(
        **({"workers": len(workers), "up": up, "stale": stale, "cycle_seconds": 0.012, "cycles": 60} | changed)
    )
    return Snapshot(t, {service.service: service for service in services}, {}, state)


def _fleet(decode: dict[str, Any] | None = None, last: WorkerState | None = None) -> list[WorkerState]:
    prefill = [make_worker(f"p-{n:02}", Role.PREFILL, {"kv_cache_usage_ratio": 0.26 + 0.03 * n}) for n in range(1, 6)]
    engine = decode or {}
    usage = engine.get("kv_cache_usage_ratio", 0.55)
    decoding = [
        make_worker(f"d-{n:02}", Role.DECODE, engine | {"kv_cache_usage_ratio": usage - 0.005 * n}) for n in range(1, 7)
    ]
    return [*prefill, *decoding[:5], last or decoding[5]]


def _decode_full(usage: float) -> ServiceState:
    full = {"kv_cache_usage_ratio": usage, "requests_waiting": 2.0, "preemptions_per_second": 0.5}
    scope = {"role": "decode"}
    evidence = (
        Evidence("utilization_ratio", 1.31, "ratio", 1.0, scope),
        Evidence("demand_tokens_per_second", 12_838.0, "tokens per second", None, scope),
        Evidence("kv_usage_p90", usage, "ratio", 0.9, scope),
        Evidence("requests_waiting", 12.0, "requests", None, scope),
    )
    reason = (
        "Decode is too small: 12,838 tokens/s arrive, 131 % of what 6 replicas bear within the objectives (decode KV)."
    )
    saturated = Finding(
        "kv_cache_saturated",
        Severity.WARNING,
        scope,
        T0 - 250.0,
        "The KV cache of decode is 96 % full, 12 requests wait.",
        "Add decode replicas.",
        evidence[2:3],
    )
    preempting = Finding(
        "preempting",
        Severity.WARNING,
        scope,
        T0 - 110.0,
        "Decode preempts requests, 3.0/s: each is computed again.",
        "Add decode replicas.",
        (Evidence("preemptions_per_second", 3.0, "per second", 0.05, scope),),
        because_of=Cause("kv_cache_saturated", scope),
    )
    advice = make_advice(
        Action.SCALE_DECODE,
        (5, 8),
        reason=reason,
        evidence=evidence,
        confidence=0.84,
        bounds=make_bounds(1.31),
        reconsider=("decode demand below 9,800 tokens/s",),
    )
    note = "The replicas were there after 5m20s: decode is at 71 % where 70 % was predicted, prefill at 62 %."
    return make_service(
        _fleet(full),
        advice,
        slo={"ttft": Attainment(2.0, 0.97, 2.0, 0.95), "itl": Attainment(0.05, 0.91, 0.05, 0.95)},
        findings=(saturated, preempting),
        decisions=(
            make_decision(-7200.0, Action.SCALE_DECODE, (4, 6), Outcome.FOLLOWED, note=note),
            make_decision(
                -6800.0,
                Action.HOLD,
                (6, 6),
                Outcome.PASSED,
                note="It stood for 1h49m.",
                observed={Role.PREFILL: 0.62, Role.DECODE: 1.31},
            ),
            make_decision(-250.0, Action.SCALE_DECODE, (6, 8), Outcome.PENDING, predicted={Role.DECODE: 0.98}),
        ),
    )


def _prefill_short() -> ServiceState:
    queued = [make_worker(f"p-{n:02}", Role.PREFILL, {"requests_waiting": 9.0}) for n in range(1, 6)]
    reason = "Prefill is too small: arriving and waiting prompts are 140 % of what it computes, 45 requests wait."
    advice = make_advice(Action.SCALE_PREFILL, (8, 6), reason=reason, confidence=0.77)
    return make_service([*queued, *_fleet()[5:]], advice, pressures={Role.PREFILL: 1.4, Role.DECODE: 0.3})


def _worker_down() -> ServiceState:
    down = Finding(
        "worker_down",
        Severity.CRITICAL,
        {"role": "decode", "worker": "d-06"},
        T0 - 40.0,
        "d-06 is down: connection refused, 8 times in a row.",
        "Restart the worker.",
        (Evidence("scrape_failures", 8.0, "scrapes", 2.0, {"role": "decode", "worker": "d-06"}),),
    )
    advice = make_advice(Action.FIX, reason=down.summary, since=T0 - 40.0, evidence=down.evidence)
    return make_service(_fleet(last=dead_worker("d-06")), advice, findings=(down,))


def _cannot_tell() -> ServiceState:
    silent = [dead_worker(f"d-{n:02}") for n in range(1, 7)]
    advice = make_advice(
        Action.CANNOT_TELL,
        confidence=0.0,
        since=T0 - 40.0,
        reason="No decode worker has given a page yet.",
        prefill=Replicas(5, None),
        decode=Replicas(6, None),
    )
    return make_service([*_fleet()[:5], *silent], advice, pressures={Role.DECODE: None}, transfer=TransferState())


def _fabric() -> ServiceState:
    """A link at half its rate below one prefill worker, and what comes from it."""
    port = {"host": "gpu-02", "port": "mlx5_0/1"}
    worker = {"role": "prefill", "worker": "p-02", "host": "gpu-02"}
    slow_port = Finding(
        "fabric_rate_degraded",
        Severity.WARNING,
        port,
        T0 - 95.0,
        "mlx5_0/1 of gpu-02 runs at 200 Gb/s; it has run at 400 Gb/s.",
        "Reseat or replace the cable, then look at the switch port.",
        (Evidence("rate_bits_per_second", 2e11, "bits per second", 4e11, port),),
    )
    slow = Finding(
        "kv_transfer_slow",
        Severity.CRITICAL,
        worker,
        T0 - 80.0,
        "KV leaves p-02 at 1.6 GB/s, 43 % of its own beginning.",
        "Look at the fabric between prefill and decode.",
        (Evidence("transfer_bandwidth", 1.6e9, "bytes per second", 1.85e9, worker),),
        because_of=Cause("fabric_rate_degraded", port),
    )
    waits = Finding(
        "transfer_dominates_prefill",
        Severity.WARNING,
        {"role": "prefill"},
        T0 - 60.0,
        "A transfer takes 61 % of the time that prefill computes.",
        "Look at what slows the transfer.",
        because_of=Cause("fabric_rate_degraded", port),
    )
    fine = TransferPathSignals(31.0, 1.9e9, 3.7e9, 4.1e8, 3.7e9, 4.1e8, 1.9e9)
    paths = {f"p-{n:02}": fine for n in range(1, 6)}
    advice = make_advice(
        Action.FIX,
        reason=slow_port.summary,
        since=T0 - 95.0,
        evidence=slow_port.evidence,
        bounds=make_bounds(0.66),
        reconsider=("fabric_rate_degraded clears",),
    )
    placed = tuple(Placement(f"p-{n:02}", f"gpu-{n:02}", gpus=(0,), ports=(("mlx5_0", 1),)) for n in (1, 2))
    return make_service(
        _fleet(),
        advice,
        findings=(slow_port, slow, waits),
        placements=placed,
        transfer_paths=paths | {"p-02": replace(fine, bandwidth_bytes_per_second=1.6e9, bytes_per_second=8e8)},
    )


def _restarted() -> ServiceState:
    """A decode worker that has just come back: no rates yet, and what was learned of it is kept."""
    fresh = {"kv_cache_usage_ratio": 0.0, "requests_running": 0.0, "load": 0.0, "generation_tokens_per_second": None}
    back = make_worker("d-06", engine=fresh | {"itl_seconds": None, "requests_per_second": None}, restarts=2)
    storm = Finding(
        "worker_restarted",
        Severity.WARNING,
        {"role": "decode", "worker": "d-06"},
        T0 - 20.0,
        "d-06 restarted twice within a minute.",
        "Read the end of its log.",
    )
    return make_service(_fleet(last=back), make_advice(bounds=make_bounds(0.78), since=T0 - 20.0), findings=(storm,))


def _many() -> ServiceState:
    prefill = [make_worker(f"p-{n:03}", Role.PREFILL) for n in range(64)]
    decode = [make_worker(f"d-{n:03}", Role.DECODE, {"kv_cache_usage_ratio": 0.3 + 0.0035 * n}) for n in range(191)]
    return make_service([*prefill, *decode, dead_worker("d-191")])


@cache
def _states() -> States:
    def over_time(*services: Callable[[], ServiceState]) -> list[Snapshot]:
        return [make_snapshot(make(), t=T0 + index * STEP) for index, make in enumerate(services)]

    def calm() -> ServiceState:
        reason = "Both pools have room. Nearest limit: decode KV at 71 %."
        limits = (
            "prefill demand above 212,000 tokens/s (now 131,440)",
            "decode demand above 9,800 tokens/s (now 6,958)",
        )
        return make_service(_fleet(), make_advice(bounds=make_bounds(), reason=reason, reconsider=limits))

    return {
        "healthy": over_time(calm, calm, calm),
        "decode": over_time(calm, calm, lambda: _decode_full(0.93), lambda: _decode_full(0.96)),
        "prefill": over_time(calm, _prefill_short),
        "down": over_time(calm, _worker_down),
        "fabric": over_time(calm, _fabric),
        "restart": over_time(calm, _restarted),
        "cannot_tell": over_time(calm, _cannot_tell),
        "empty": [
            make_snapshot(
                workers=0,
                up=0,
                stale=0,
                discovery_errors={"targets/*.yaml": "no such file"},
                discovery_targets={"targets/*.yaml": 0, "http://router:8123/workers": 0},
            )
        ],
        "idle": [make_snapshot(shard="2/2", services_elsewhere=3, discovery_targets={"targets/*.yaml": 24})],
        "many": over_time(_many),
    }


@pytest.fixture
def worker() -> MakeWorker:
    """Build a worker."""
    return make_worker


@pytest.fixture
def dead() -> MakeWorker:
    """Build a worker whose port is closed."""
    return dead_worker


@pytest.fixture
def service() -> MakeService:
    """Build a service."""
    return make_service


@pytest.fixture
def advice() -> Callable[..., Advice]:
    """Build an advice."""
    return make_advice


@pytest.fixture
def snapshot() -> MakeSnapshot:
    """Build a snapshot."""
    return make_snapshot


@pytest.fixture
def states() -> States:
    """The states that the screen is drawn in, each as the snapshots that lead there."""
    return _states()


@pytest.fixture
def session(states: States) -> MakeSession:
    """Build a session that has seen some snapshots, or those of a state, each at its own time."""

    def make(seen: str | Sequence[Snapshot] = (), **settings: Any) -> Session:
        made = Session(Settings(**({"source": "127.0.0.1:10077"} | settings)))
        for one in states[seen] if isinstance(seen, str) else seen:
            made.arrive(one, one.t - T0)
        return made

    return make


@cache
def _played(name: str, seconds: float, step: float) -> tuple[Snapshot, ...]:
    fleet, road = SCENARIOS[name].fleet(1), Road(RoadSettings(interval=step))
    found, at = [], 0.0
    while at < seconds:
        at += step
        fleet.run_until(at)
        now = fleet.epoch + at
        for member in fleet.workers.values():
            target = Target(
                f"http://{member.name}/metrics", member.name, "demo", Role(str(member.role)), RoleSource.DECLARED
            )
            page = fleet.page(member) if member.alive else None
            error = None if page is not None else "connection refused"
            road.observe(Scrape(target, now, 0.003, 200 if page is not None else None, page, error))
        found.append(road.tick(now))
    return tuple(found)


@pytest.fixture
def story() -> Story:
    """Play a scenario of the simulated fleet for some seconds; one snapshot each *step*."""
    return lambda name, seconds=90.0, step=2.0: _played(name, seconds, step)
