"""The evidence for an advice and against it, and what else was looked at."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import isfinite

from pdwatch.catalog.thresholds import Thresholds
from pdwatch.model.snapshot import PoolState, ServiceState
from pdwatch.model.target import Role
from pdwatch.top import numbers
from pdwatch.top.gauges import GAUGES, gauge_key, load_of
from pdwatch.top.status import Status

Key = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Signal:
    """One number that was weighed. It presses from its limit on, or only above it where the limit is *strict*."""

    name: str
    scope: str
    value: float | None
    limit: float | None
    unit: str
    strict: bool = False
    floor: bool = False
    """Whether it presses below its limit."""
    key: Key | None = None
    """Of its trail."""

    @property
    def status(self) -> Status | None:
        """How it stands; `None` where nothing limits it."""
        if self.limit is None:
            return None
        if self.value is None or not isfinite(self.value):
            return Status.UNKNOWN
        if self.floor:
            return Status.BAD if self.value < self.limit else Status.OK
        presses = self.value > self.limit if self.strict else self.value >= self.limit
        return Status.BAD if presses else Status.OK

    @property
    def value_words(self) -> str:
        """The value with its unit."""
        return numbers.quantity(self.value, self.unit)

    @property
    def limit_words(self) -> str:
        """The limit with its comparison: `≥ 90 %`."""
        if self.limit is None:
            return numbers.DASH
        sign = "<" if self.floor else ">" if self.strict else "≥"
        return f"{sign} {numbers.quantity(self.limit, self.unit)}"


@dataclass(frozen=True, slots=True)
class Case:
    """What speaks for the advice, and what was looked at and does not press."""

    pressing: tuple[Signal, ...]
    """At or over a limit, and what the advice names beside it without a limit."""
    quiet: tuple[Signal, ...]
    unknown: tuple[Signal, ...]


_GAUGE_OF = {
    "utilization_ratio": "load",
    "pressure_ratio": "load",
    "kv_usage_p90": "kv",
    "requests_waiting": "queue",
    "preemptions_per_second": "preempt",
    "computed_tokens_per_second": "tokens",
}
_OF_BOUNDS = ("demand_tokens_per_second", "capacity_tokens_per_second")
"""Evidence that the bounds of the advice tell as well, of every bound."""


def case(service: ServiceState, thresholds: Thresholds) -> Case:
    """Sort the advice's own evidence and everything with a limit into pressing, quiet and unknown."""
    looked = {(signal.name, signal.scope): signal for signal in _looked_at(service, thresholds)}
    given = {(signal.name, signal.scope): signal for signal in _given(service)}
    limited = {place: signal for place, signal in given.items() if signal.limit is not None or place not in looked}
    both = (limited | {place: signal for place, signal in looked.items() if place not in limited}).values()
    return Case(
        tuple(signal for signal in both if signal.status in (Status.BAD, None)),
        tuple(signal for signal in both if signal.status is Status.OK),
        tuple(signal for signal in both if signal.status is Status.UNKNOWN),
    )


def _given(service: ServiceState) -> Iterator[Signal]:
    for evidence in service.advice.evidence:
        if evidence.signal in _OF_BOUNDS and service.advice.bounds:
            continue
        role, gauge = evidence.scope.get("role"), _GAUGE_OF.get(evidence.signal)
        key = ("pool", service.service, role, gauge) if role and gauge else None
        scope = "/".join(evidence.scope.values()) or "service"
        limit = evidence.threshold
        yield Signal(evidence.signal, scope, evidence.value, limit, evidence.unit, strict=limit == 0, key=key)


def _looked_at(service: ServiceState, thresholds: Thresholds) -> Iterator[Signal]:
    for role, pool in service.pools.items():
        yield from _of_pool(service, role, pool, thresholds)
    for name, met in service.slo.items():
        yield Signal(f"{name}_attainment", "service", met.ratio, met.target, "ratio", floor=True)
    state = service.transfer
    if state.reported_by is None:
        return
    looked = (
        (
            "kv_transfer_failures_per_second",
            state.failures_per_second,
            thresholds.transfer_failures_per_second,
            "per second",
        ),
        ("kv_transfer_prefill_ratio", state.prefill_ratio, thresholds.transfer_prefill_ratio, "ratio"),
        ("kv_recomputed_share", state.kv_recomputed_share, thresholds.kv_recomputed_share, "ratio"),
    )
    for name, value, limit, unit in looked:
        yield Signal(name, "service", value, limit, unit, strict=True)


def _of_pool(service: ServiceState, role: Role, pool: PoolState, thresholds: Thresholds) -> Iterator[Signal]:
    keys = {gauge.name: gauge_key(service.service, role, gauge) for gauge in GAUGES.get(role, ())}
    bound = any(load.role is role for load in service.advice.bounds)
    load_name = "utilization_ratio" if bound else "pressure_ratio"
    preemptions, imbalance = pool.preemptions_per_second, pool.queue_imbalance_ratio
    looked = (
        (load_name, load_of(service, pool)[0], thresholds.pressure_high, "ratio", "load"),
        ("kv_usage_p90", pool.kv_cache_usage_p90, thresholds.kv_usage_high, "ratio", "kv"),
        ("preemptions_per_second", preemptions, thresholds.preemptions_per_second, "per second", "preempt"),
        ("queue_imbalance_ratio", imbalance, thresholds.queue_imbalance, "ratio", ""),
    )
    for name, value, limit, unit, gauge in looked:
        yield Signal(name, role.value, value, limit, unit, key=keys.get(gauge))
