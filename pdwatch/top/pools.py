"""A pool as the screen compares it: the state of its workers, its numbers beside their limits, and what is left."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from pdwatch.catalog.thresholds import Thresholds
from pdwatch.model.snapshot import PoolState, ServiceState
from pdwatch.model.target import Role
from pdwatch.top import numbers
from pdwatch.top.gauges import GAUGES, Gauge, gauge_key, load_of
from pdwatch.top.status import Status
from pdwatch.top.trail import Trails
from pdwatch.top.workers import WorkerRow

MINUTE = 60.0


@dataclass(frozen=True, slots=True)
class PoolRow:
    """One number of a pool over time."""

    gauge: Gauge
    status: Status | None
    value: float | None
    before: float | None
    """A minute ago."""
    limit: float | None
    key: tuple[str, ...]
    """Of its trail."""

    @property
    def shown(self) -> str:
        """The value with its unit."""
        return self.gauge.show(self.value)


@dataclass(frozen=True, slots=True)
class PoolPanel:
    """One pool."""

    role: Role
    workers: int
    replicas: int
    guessed: bool
    counts: Mapping[Status, int]
    rows: tuple[PoolRow, ...]
    remark: str

    @property
    def status(self) -> Status:
        """The worst of its numbers."""
        return max((row.status for row in self.rows if row.status is not None), default=Status.UNKNOWN)

    def row(self, name: str) -> PoolRow | None:
        """Return the row of a gauge."""
        return next((row for row in self.rows if row.gauge.name == name), None)


def panels(
    service: ServiceState, workers: tuple[WorkerRow, ...], thresholds: Thresholds, trails: Trails, t: float
) -> tuple[PoolPanel, ...]:
    """Return the pools of *service*, prefill first; prefill and decode also where only one of them has workers."""
    shown = [role for role in (Role.PREFILL, Role.DECODE, Role.BOTH, Role.UNKNOWN) if role in service.pools]
    if Role.PREFILL in shown or Role.DECODE in shown:
        shown = [Role.PREFILL, Role.DECODE, *(role for role in shown if role in (Role.BOTH, Role.UNKNOWN))]
    found = []
    for role in shown:
        pool = service.pools.get(role, PoolState(role, 0, 0, 0, 0, role_guessed=False))
        rows = tuple(
            _row(service, pool, gauge, thresholds, trails.before(_key(service, role, gauge), t, MINUTE))
            for gauge in GAUGES[role]
        )
        counts = Counter(row.status for row in workers if row.role is role)
        remark = _remark(service, pool, thresholds)
        found.append(PoolPanel(role, pool.workers, pool.replicas, pool.role_guessed, counts, rows, remark))
    return tuple(found)


def _key(service: ServiceState, role: Role, gauge: Gauge) -> tuple[str, ...]:
    return gauge_key(service.service, role, gauge)


def _row(service: ServiceState, pool: PoolState, gauge: Gauge, thresholds: Thresholds, before: float | None) -> PoolRow:
    return PoolRow(
        gauge=gauge,
        status=gauge.status(service, pool, thresholds),
        value=gauge.pick(service, pool),
        before=before,
        limit=gauge.limit(service, thresholds),
        key=_key(service, pool.role, gauge),
    )


def _remark(service: ServiceState, pool: PoolState, thresholds: Thresholds) -> str:
    if pool.workers == 0:
        return "no worker of this role was found"
    load, bound = load_of(service, pool)
    if load is None:
        return "demand over capacity is not known yet"
    demand = f"{numbers.percent(load)} of capacity" + (f" ({bound})" if bound else "")
    planned = _planned(service, pool.role)
    if planned:
        return f"{demand}; {planned}"
    room = thresholds.pressure_high - load
    return f"{demand}; room for {numbers.percent(room)}" if room > 0 else demand


def _planned(service: ServiceState, role: Role) -> str:
    """Return what the advice predicts of a pool that it would resize."""
    replicas = {Role.PREFILL: service.advice.prefill, Role.DECODE: service.advice.decode}.get(role)
    predicted = service.decisions[-1].predicted.get(role) if service.decisions else None
    if replicas is None or not replicas.desired or replicas.desired == replicas.current or predicted is None:
        return ""
    return f"{numbers.percent(predicted)} predicted with {replicas.desired}"
