"""A snapshot read back from its JSON, by a terminal that attaches to a running serve.

Keys and words that this version does not know are skipped, so that either side may be the newer one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields
from enum import Enum
from math import inf, nan
from typing import Any, TypeVar

from pdwatch.model.host import HostState
from pdwatch.model.hostsignals import TransferPathSignals
from pdwatch.model.judgement import Action, Advice, BoundLoad, Cause, Decision, Evidence, Finding, Replicas, Severity
from pdwatch.model.latency import Attainment, LatencyState, Quantiles, TtftChain
from pdwatch.model.page import Repeated
from pdwatch.model.placement import Placement
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

Json = dict[str, Any]
T = TypeVar("T")
E = TypeVar("E", bound=Enum)

_SCOPE = ("role", "replica", "worker", "engine", "host", "gpu", "port")


def snapshot_from_json(data: Mapping[str, Any]) -> Snapshot:
    """Return the snapshot that *data* describes; what it leaves out is unknown.

    Raises `ValueError` with one line that names the key when a value is missing or of the wrong type.
    """
    if "t" not in _mapping(data, "a snapshot"):
        raise ValueError("the snapshot has no 't'; it was not written by pdwatch")
    return Snapshot(
        t=_number(data["t"]),
        services={name: _read_service(name, service) for name, service in _object(data, "services").items()},
        hosts={name: read_record(HostState, host) for name, host in _object(data, "hosts").items()},
        self_state=_read_self(_object(data, "self")),
    )


def _read_self(data: Json) -> SelfState:
    targets = {source: int(_number(count)) for source, count in _object(data, "discovery_targets").items()}
    errors = _texts(data, "discovery_errors")
    thresholds = {name: _number(value) for name, value in _object(data, "thresholds").items()}
    return _read(SelfState, data, discovery_targets=targets, discovery_errors=errors, thresholds=thresholds)


def _number(value: Any) -> float:
    if value is None:
        return nan
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError("a number is expected")
    return float(value)


def _typed(kind: type[Any]) -> Callable[[Any], Any]:
    def check(value: Any) -> Any:
        if type(value) is not kind:
            raise ValueError(f"{kind.__name__} is expected")
        return value

    return check


def _optional(check: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda value: None if value is None else check(value)


_CHECKS: dict[str, Callable[[Any], Any]] = {
    "float": _number,
    "str": _typed(str),
    "int": _typed(int),
    "bool": _typed(bool),
}
_CHECKS |= {f"{name} | None": _optional(check) for name, check in tuple(_CHECKS.items())}


def _mapping(value: Any, what: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise ValueError(f"{what} must be an object, not {value!r}")
    return value


def _object(data: Any, key: str) -> Json:
    value = _mapping(data, f"what holds {key!r}").get(key)
    return {} if value is None else dict(_mapping(value, f"{key!r} of a snapshot"))


def _objects(data: Any, key: str) -> list[Json]:
    value = _mapping(data, f"what holds {key!r}").get(key)
    if not isinstance(value, list | None) or not all(isinstance(item, dict) for item in value or ()):
        raise ValueError(f"{key!r} of a snapshot must be a list of objects")
    return value or []


def _numbers(data: Mapping[str, Any], key: str) -> list[Any]:
    value = data.get(key, [])
    if not isinstance(value, list):
        raise ValueError(f"{key!r} of a histogram must be a list of numbers")
    return value


def _read(kind: type[T], data: Mapping[str, Any], **given: Any) -> T:
    """Build a record from the keys of its plain fields and what is *given* for the others."""
    _mapping(data, kind.__name__)
    values = dict(given)
    for entry in fields(kind):  # type: ignore[arg-type]
        check = _CHECKS.get(str(entry.type))
        if entry.name in given or check is None or entry.name not in data:
            continue
        try:
            values[entry.name] = check(data[entry.name])
        except ValueError as error:
            raise ValueError(f"{kind.__name__}: {entry.name!r} is {data[entry.name]!r}; {error}") from None
    try:
        return kind(**values)
    except TypeError as error:
        raise ValueError(f"{kind.__name__}: {str(error).partition(' ')[2]}") from None


def _word(kind: type[E], value: Any, unknown: E) -> E:
    """Return the member for *value*, or *unknown* for a word that this version does not have."""
    return next((member for member in kind if member.value == value), unknown)


def _texts(data: Mapping[str, Any], key: str) -> dict[str, str]:
    return {name: str(value) for name, value in _object(data, key).items()}


def _read_service(name: str, data: Json) -> ServiceState:
    objectives = _object(data, "objectives")
    return ServiceState(
        service=name,
        pools={_role(role): _read_pool(_role(role), pool) for role, pool in _object(data, "pools").items()},
        transfer=_read_transfer(_object(data, "transfer")),
        experts={replica: _number(value) for replica, value in _object(data, "experts").items()},
        latency=_read_latency(_object(data, "latency")),
        slo={
            objective: _read_attainment(ratio, _object(objectives, objective))
            for objective, ratio in _object(data, "slo").items()
        },
        advice=_read_advice(_object(data, "advice")),
        workers=tuple(_read_worker(worker) for worker in _objects(data, "workers")),
        routers=tuple(_read_worker(router) for router in _objects(data, "routers")),
        findings=tuple(_read_finding(finding) for finding in _objects(data, "findings")),
        decisions=tuple(read_record(Decision, decision) for decision in _objects(data, "decisions")),
        placements=tuple(read_record(Placement, placement) for placement in _objects(data, "placements")),
        transfer_paths={
            worker: read_record(TransferPathSignals, path) for worker, path in _object(data, "transfer_paths").items()
        },
        expert_balance_estimate={
            replica: _number(value) for replica, value in _object(data, "expert_balance_estimate").items()
        },
    )


def _role(value: Any) -> Role:
    return _word(Role, value, Role.UNKNOWN)


def _read_pool(role: Role, data: Json) -> PoolState:
    busiest = _object(data, "busiest_engine")
    engine = (str(busiest.get("worker", "")), str(busiest.get("engine", ""))) if busiest else None
    return _read(PoolState, data, role=role, busiest_engine=engine)


def _read_transfer(data: Json) -> TransferState:
    reported_by = None if data.get("reported_by") is None else _role(data["reported_by"])
    return _read(TransferState, data, reported_by=reported_by, histogram=_read_histogram(data.get("histogram")))


def _read_histogram(data: Any) -> Histogram | None:
    if data is None:
        return None
    given = _mapping(data, "a histogram")
    bounds = tuple(inf if bound is None else _number(bound) for bound in _numbers(given, "bounds"))
    return _read(Histogram, given, bounds=bounds, buckets=tuple(map(_number, _numbers(given, "buckets"))))


def _read_latency(data: Json) -> LatencyState:
    def by_role(key: str) -> dict[Role, Histogram]:
        read = {_role(role): _read_histogram(item) for role, item in _object(data, key).items()}
        return {role: histogram for role, histogram in read.items() if histogram is not None}

    return _read(
        LatencyState,
        data,
        ttft_seconds=_read(Quantiles, _object(data, "ttft_seconds")),
        itl_seconds=_read(Quantiles, _object(data, "itl_seconds")),
        chain=_read(TtftChain, _object(data, "chain")),
        chain_usual=_read(TtftChain, _object(data, "chain_usual")),
        ttft_by_role=by_role("ttft_by_role"),
        itl_by_role=by_role("itl_by_role"),
    )


def _read_attainment(ratio: Any, data: Json) -> Attainment:
    unknown: Json = {"objective_seconds": None, "bucket_seconds": None, "target": None}
    return _read(Attainment, unknown | data | {"ratio": ratio})


def _read_advice(data: Json) -> Advice:
    unknown: Json = {"confidence": 0.0, "since": None, "reason": ""}
    return _read(
        Advice,
        unknown | data,
        action=_word(Action, data.get("action"), Action.CANNOT_TELL),
        prefill=_read(Replicas, {"current": 0, "desired": None} | _object(data, "prefill")),
        decode=_read(Replicas, {"current": 0, "desired": None} | _object(data, "decode")),
        evidence=_read_evidence(data),
        bounds=tuple(read_record(BoundLoad, bound) for bound in _objects(data, "bounds")),
        reconsider=_sentences(data, "reconsider"),
    )


def _sentences(data: Mapping[str, Any], key: str) -> tuple[str, ...]:
    value = data.get(key) or []
    if not isinstance(value, list):
        raise ValueError(f"{key!r} of an advice must be a list of texts")
    return tuple(map(str, value))


def _read_evidence(data: Json) -> tuple[Evidence, ...]:
    return tuple(
        _read(Evidence, item, scope={word: str(item[word]) for word in _SCOPE if item.get(word) is not None})
        for item in _objects(data, "evidence")
    )


def _read_worker(data: Json) -> WorkerState:
    known = set(Quantity)
    return _read(
        WorkerState,
        {"url": "", "host": None, "age_seconds": None} | data,
        role=_role(data.get("role")),
        role_source=_word(RoleSource, data.get("role_source"), RoleSource.NONE),
        behaviour=_role(data.get("behaviour")),
        trouble=next((trouble for trouble in Trouble if trouble.value == data.get("trouble")), None),
        engines=tuple(_read(EngineState, engine) for engine in _objects(data, "engines")),
        missing=tuple(
            _read(Missing, item, quantity=Quantity(item["quantity"]))
            for item in _objects(data, "missing")
            if item.get("quantity") in known
        ),
        repeated=None if data.get("repeated") is None else read_record(Repeated, data["repeated"]),
    )


def _read_finding(data: Json) -> Finding:
    severity = next((member for member in Severity if member.word == data.get("severity")), Severity.WARNING)
    cause = data.get("because_of")
    return _read(
        Finding,
        {"fix": ""} | data,
        severity=severity,
        scope=_texts(data, "scope"),
        evidence=_read_evidence(data),
        because_of=None if cause is None else read_record(Cause, cause),
    )
