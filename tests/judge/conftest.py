"""Services made by hand: workers in, signals out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from pdwatch.catalog.thresholds import Thresholds
from pdwatch.judge.definition import Hit, View
from pdwatch.judge.findings import BY_ID
from pdwatch.model.latency import LatencyState
from pdwatch.model.snapshot import EngineState, ServiceSignals, TransferState, WorkerState
from pdwatch.model.target import Role, RoleSource
from pdwatch.signals.pool import pool_state
from pdwatch.signals.pressure import with_pressure

MakeWorker = Callable[..., WorkerState]
MakeService = Callable[..., ServiceSignals]


@pytest.fixture
def worker() -> MakeWorker:
    """Build a healthy worker with one engine; `engine` changes its numbers, the rest changes the worker."""

    def make(role: Role, name: str | None = None, engine: dict[str, Any] | None = None, **changed: Any) -> WorkerState:
        name = name or f"{role.value}-0"
        calm = {
            "requests_waiting": 0.0,
            "requests_running": 2.0,
            "load": 2.0,
            "kv_cache_usage_ratio": 0.3,
            "requests_in_window": 100.0,
            "requests_per_second": 2.0,
            "errors_per_second": 0.0,
            "preemptions_per_second": 0.0,
            "prefill_tokens_per_second": 10_000.0,
            "prefill_demand_tokens_per_second": 4_000.0,
            "stuck_seconds": 0.0,
            "still_seconds": 0.0,
            "held_seconds": 0.0,
        }
        fields: dict[str, Any] = {
            "worker": name,
            "url": f"http://{name}/metrics",
            "role": role,
            "role_source": RoleSource.DECLARED,
            "replica": name,
            "host": None,
            "up": True,
            "age_seconds": 1.0,
            "health": 200,
            "behaviour": role,
            "engines": (EngineState("0", **(calm | (engine or {}))),),
        }
        return WorkerState(**(fields | changed))

    return make


@pytest.fixture
def service() -> MakeService:
    """Put workers together as one service."""

    def make(
        workers: Sequence[WorkerState], transfer: TransferState | None = None, itl_objective: float | None = None
    ) -> ServiceSignals:
        roles = dict.fromkeys(worker.role for worker in workers)
        pools = {}
        for role in roles:
            members = [worker for worker in workers if worker.role is role]
            pools[role] = with_pressure(pool_state(role, members), members, Thresholds(), itl_objective)
        return ServiceSignals("s", pools, transfer or TransferState(), {}, LatencyState(), {}, tuple(workers))

    return make


@pytest.fixture
def healthy(worker: MakeWorker, service: MakeService) -> ServiceSignals:
    """One prefill and one decode worker with nothing wrong."""
    return service([worker(Role.PREFILL), worker(Role.DECODE)])


@pytest.fixture
def hits() -> Callable[[str, ServiceSignals], list[Hit]]:
    """Evaluate the condition of one finding."""
    return lambda finding, signals: list(BY_ID[finding].detect(View(signals, Thresholds())))
