"""Roles, needs and cases made by hand; the benchmarks are imported from the root of the project."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pdwatch.catalog.thresholds import Thresholds
from pdwatch.judge.advice import ServiceLimits
from pdwatch.judge.advice.case import Case
from pdwatch.judge.advice.need import Need, Sign
from pdwatch.judge.advice.role import RoleLoad
from pdwatch.model.capacity import DecodeLoad, PrefillLoad, StepTime
from pdwatch.model.judgement import Bound
from pdwatch.model.snapshot import ServiceSignals, WorkerState
from pdwatch.model.target import Role

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

MakeLoad = Callable[..., RoleLoad]
MakeNeed = Callable[..., Need]
MakeCase = Callable[..., Case]
Signals = Callable[..., ServiceSignals]

EACH = {
    Role.PREFILL: {Bound.PREFILL_COMPUTE: 10_000.0},
    Role.DECODE: {Bound.DECODE_KV: 1_000.0, Bound.DECODE_ITL: 2_000.0},
}
"""Tokens a second that each replica bears, by bound."""


@pytest.fixture
def make_load() -> MakeLoad:
    """Build a role with two replicas of which each bears the same; nothing waits."""

    def make(role: Role = Role.PREFILL, replicas: int = 2, **changed: Any) -> RoleLoad:
        fields: dict[str, Any] = {
            "demand": 0.0,
            "arrivals": 1.0,
            "scv": 0.3,
            "waiting_seconds": 0.0,
            "lengths": None,
            "memory": 0.0,
            "even": True,
            "crowded": 0.0,
            "capacities": lambda count: {bound: able * count for bound, able in EACH[role].items()},
        }
        return RoleLoad(role=role, replicas=replicas, **(fields | changed))

    return make


@pytest.fixture
def make_need(make_load: MakeLoad) -> MakeNeed:
    """Build the need of a role that is half used; `wanted` above its replicas, and a `sign`, make it short."""

    def make(
        role: Role = Role.PREFILL, replicas: int = 2, load: Mapping[str, Any] | None = None, **changed: Any
    ) -> Need:
        fields: dict[str, Any] = {
            "utilization": 0.5,
            "error": 0.05,
            "wanted": replicas,
            "sign": Sign.DEMAND if changed.get("wanted", 0) > replicas else None,
            "over_seconds": 60.0,
            "patience": 40.0,
            "spare": 0,
            "lendable": 0,
            "idle": 0,
            "past": 300.0,
            "peak": 0.0,
            "drain": 0.0,
        }
        return Need(make_load(role, replicas, **(load or {})), **(fields | changed))

    return make


@pytest.fixture
def make_case(worker: Callable[..., WorkerState], service: Callable[..., ServiceSignals]) -> MakeCase:
    """Build a case of a service with as many workers of each role as its needs say, else two of each."""

    def make(*needs: Need, limits: ServiceLimits | None = None, waiting: float = 0.0, **changed: Any) -> Case:
        replicas = {Role.PREFILL: 2, Role.DECODE: 2} | {need.load.role: need.load.replicas for need in needs}
        busy = {"requests_waiting": waiting}
        workers: Sequence[WorkerState] = [
            worker(role, f"{role}-{n}", engine=busy if role is Role.PREFILL else None)
            for role, count in replicas.items()
            for n in range(count)
        ]
        case = Case(
            service(workers), (), Thresholds(), limits or ServiceLimits(), {need.load.role: need for need in needs}
        )
        return replace(case, **changed)

    return make


PREFILL = PrefillLoad(
    demand=9_000.0,
    arrivals=4.5,
    tokens=2_000.0,
    scv=0.3,
    speed=10_000.0,
    engines=2,
    backlog=40_000.0,
    longest=0.5,
)
DECODE = DecodeLoad(
    demand=1_000.0,
    arrivals=4.0,
    tokens=250.0,
    scv=0.4,
    generated=5_000.0,
    ended=20.0,
    context=2_000.0,
    step=StepTime(0.014, 0.00016, 3e-8),
    kv_tokens=288_000.0,
    usage=0.4,
    itl=0.02,
    waiting=0.0,
    longest=0.0,
    engines=2,
)
NOTHING_ELSE: Mapping[str, Any] = {}


@pytest.fixture
def signals(worker: Callable[..., WorkerState], service: Callable[..., ServiceSignals]) -> Signals:
    """Build a service of two replicas of each role whose loads differ in what is named; `None` is not known.

    Of each role *starting* more have never answered.
    """

    def build(
        prefill: Mapping[str, Any] | None = NOTHING_ELSE,
        decode: Mapping[str, Any] | None = NOTHING_ELSE,
        starting: int = 0,
        **changed: Any,
    ) -> ServiceSignals:
        workers = [worker(role, f"{role}-{n}") for role in (Role.PREFILL, Role.DECODE) for n in range(2)]
        silent = {"up": False, "age_seconds": None, "health": None, "engines": (), "error": "connection refused"}
        fresh = [
            worker(role, f"{role}-{2 + n}", **silent) for role in (Role.PREFILL, Role.DECODE) for n in range(starting)
        ]
        return replace(
            service([*workers, *fresh]),
            prefill_load=None if prefill is None else replace(PREFILL, **prefill),
            decode_load=None if decode is None else replace(DECODE, **decode),
            **changed,
        )

    return build
