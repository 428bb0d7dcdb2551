"""Which thresholds decide about a finding: read from the code of its condition, so that nobody has to keep a list."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields
from types import CodeType, FunctionType

from pdwatch.catalog.thresholds import Thresholds
from pdwatch.judge.definition import FindingDef

APPLIED_BEFORE: Mapping[str, tuple[str, ...]] = {
    "worker_stale": ("stale_intervals",),
    "gpu_unhealthy": ("host_event_seconds",),
    "rdma_init_failed": ("host_event_seconds",),
    "fabric_errors": (
        "fabric_symbol_errors_per_second",
        "fabric_recoveries_per_second",
        "fabric_receive_errors_per_second",
        "fabric_discards_per_second",
        "fabric_sequence_errors_per_second",
        "fabric_rnr_naks_per_second",
        "fabric_timeouts_per_second",
    ),
    "kv_transfer_slow": ("transfer_baseline_seconds",),
    "kv_leak": ("kv_idle_usage",),
}
"""Thresholds that the code of a condition does not name: those that its signals, or a table of it, have applied."""

_NAMES = frozenset(each.name for each in fields(Thresholds))


def thresholds_of(definition: FindingDef) -> list[str]:
    """Return the names of the thresholds that decide about a finding, in the order of the catalogue."""
    used = {*_named(definition.detect, set()), *APPLIED_BEFORE.get(definition.id, ())}
    return [each.name for each in fields(Thresholds) if each.name in used]


def _named(function: Callable[..., object], seen: set[FunctionType]) -> Iterator[str]:
    """Yield the thresholds that a function or a helper of its own package names."""
    if not isinstance(function, FunctionType) or function in seen:
        return
    seen.add(function)
    for name in _attributes(function.__code__):
        if name in _NAMES:
            yield name
        helper = function.__globals__.get(name)
        if isinstance(helper, FunctionType) and helper.__module__.startswith("pdwatch.judge."):
            yield from _named(helper, seen)


def _attributes(code: CodeType) -> Iterator[str]:
    """Yield every attribute and global that a function names, inner functions and generators too."""
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _attributes(constant)
