"""A snapshot as JSON: the body of `/api/v1/snapshot` and one line a tick of a replay.

A number that is not known, or is not finite, is `null`; a limit that is unlimited says so. The counters that a host's
drivers have in their own names are left out.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from functools import cache
from math import inf, isfinite
from operator import attrgetter
from typing import Any

from pdwatch.model.decode import snapshot_from_json
from pdwatch.model.judgement import BoundLoad, Evidence, Severity
from pdwatch.model.port import DeviceReading, PortReading
from pdwatch.model.process import Limits
from pdwatch.model.records import UNLIMITED
from pdwatch.model.secrets import without_secrets
from pdwatch.model.snapshot import PoolState, SelfState, ServiceState, Snapshot, WorkerState

__all__ = ["dumps", "public_url", "snapshot_from_json", "snapshot_to_json"]

Json = dict[str, Any]


def dumps(snapshot: Snapshot) -> str:
    """Return the snapshot as one line of ASCII."""
    return json.dumps(snapshot_to_json(snapshot), separators=(",", ":"), allow_nan=False)


def snapshot_to_json(snapshot: Snapshot) -> Json:
    """Return the snapshot as the JSON types of the standard library."""
    return {
        "t": _plain(snapshot.t),
        "services": {name: _service(service) for name, service in snapshot.services.items()},
        "hosts": _plain(snapshot.hosts),
        "self": _plain(snapshot.self_state),
    }


def plain(record: Any) -> Any:
    """Return a record as the JSON types of the standard library."""
    return _plain(record)


def public_url(text: str) -> str:
    """Return the text without the user, the password and the secret parameters of any URL in it."""
    return without_secrets(text)


def _plain(value: Any) -> Any:
    kind: Any = type(value)
    if kind in _AS_IT_IS:
        return value
    if kind is float:
        return value if isfinite(value) else None
    return _writer(kind)(value)


@cache
def _writer(kind: type[Any]) -> Callable[[Any], Any]:
    if kind in _WRITERS:
        return _WRITERS[kind]
    if issubclass(kind, Enum):
        return lambda member: member.value
    if issubclass(kind, Mapping):
        return lambda items: {str(key): _plain(item) for key, item in items.items()}
    if is_dataclass(kind):
        return _record
    return (lambda items: [_plain(item) for item in items]) if issubclass(kind, Iterable) else str


def _record(value: Any, *without: str) -> Json:
    kind: Any = type(value)
    names, read = _shape(kind, without)
    return dict(zip(names, [item if type(item) in _AS_IT_IS else _plain(item) for item in read(value)], strict=True))


@cache
def _shape(kind: Any, without: tuple[str, ...]) -> tuple[tuple[str, ...], Callable[[Any], tuple[Any, ...]]]:
    """Return the names of a record's fields and what reads them all at once."""
    names = tuple(name for name in kind.__dataclass_fields__ if name not in without)
    return names, attrgetter(*names) if len(names) > 1 else lambda value: tuple(getattr(value, name) for name in names)


_WHILE_JUDGED = ("hosts", "host_signals", "prefill_load", "decode_load")


def _service(service: ServiceState) -> Json:
    record = _record(service, "service", "slo", *_WHILE_JUDGED)
    record["slo"] = {name: _plain(attainment.ratio) for name, attainment in service.slo.items()}
    record["objectives"] = {name: _record(attainment, "ratio") for name, attainment in service.slo.items()}
    return record


def _pool(pool: PoolState) -> Json:
    record = _record(pool, "role")
    busiest = pool.busiest_engine
    record["busiest_engine"] = busiest and {"worker": busiest[0], "engine": busiest[1]}
    return record


def _limits(limits: Limits) -> Json:
    return {
        entry.name: UNLIMITED if getattr(limits, entry.name) == inf else _plain(getattr(limits, entry.name))
        for entry in fields(limits)
    }


def _worker(worker: WorkerState) -> Json:
    return _record(worker) | {"url": public_url(worker.url)}


def _self(state: SelfState) -> Json:
    errors = {public_url(source): public_url(error) for source, error in state.discovery_errors.items()}
    targets = {public_url(source): count for source, count in state.discovery_targets.items()}
    return _record(state) | {"discovery_targets": targets, "discovery_errors": errors}


_AS_IT_IS = frozenset((str, int, bool, type(None)))
_WRITERS: dict[type[Any], Callable[[Any], Any]] = {
    Severity: lambda severity: severity.word,
    BoundLoad: lambda load: _record(load) | {"utilization_ratio": load.utilization_ratio},
    DeviceReading: lambda device: _record(device, "raw"),
    Limits: _limits,
    PoolState: _pool,
    PortReading: lambda port: _record(port, "raw"),
    WorkerState: _worker,
    SelfState: _self,
    Evidence: lambda evidence: _plain(evidence.scope) | _record(evidence, "scope"),
}
