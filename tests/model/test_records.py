"""Records as plain data and back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from enum import Enum
from math import inf
from types import NoneType, UnionType
from typing import Any, get_args, get_origin, get_type_hints

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pdwatch.model.encode import dumps, snapshot_from_json
from pdwatch.model.host import HostOrigin, HostReading, HostState
from pdwatch.model.port import FabricReading, PortReading, PortState
from pdwatch.model.process import EngineConfig, EngineFamily, EngineGroup, KvTransfer, Limits
from pdwatch.model.records import UNLIMITED, flat, read_flat, read_record
from pdwatch.model.snapshot import SelfState, Snapshot

SCALARS = {
    bool: st.booleans(),
    int: st.integers(0, 1 << 53),
    float: st.floats(allow_nan=False, allow_infinity=False),
    str: st.text(min_size=1, max_size=6),
}


def anything(hint: Any, depth: int = 0) -> st.SearchStrategy[Any]:
    """Any value of a type, small."""
    origin, arguments = get_origin(hint), get_args(hint)
    if depth > 5 and origin is not None:
        return st.none() if origin is UnionType else st.builds(origin if origin is not Mapping else dict)
    parts = [anything(argument, depth + 1) for argument in arguments if argument not in (NoneType, Ellipsis)]
    if origin is UnionType:
        found = st.none() | parts[0]
    elif origin is tuple and arguments[-1] is not Ellipsis:
        found = st.tuples(*parts)
    elif origin in (tuple, frozenset):
        found = st.lists(parts[0], max_size=2).map(origin)
    elif origin is not None:
        found = st.dictionaries(*parts, max_size=2)
    elif isinstance(hint, type) and issubclass(hint, Enum):
        found = st.sampled_from(list(hint))
    else:
        found = records(hint, depth + 1) if is_dataclass(hint) else SCALARS[hint]
    return found


def records(kind: type[Any], depth: int = 0) -> st.SearchStrategy[Any]:
    """Any record of a kind."""
    hints = get_type_hints(kind)
    return st.builds(kind, **{entry.name: anything(hints[entry.name], depth) for entry in fields(kind)})


def without_raw(state: HostState) -> HostState:
    """What JSON leaves out of a host."""
    reading = state.reading
    if reading is None or reading.fabric is None:
        return state
    fabric = FabricReading(
        reading.fabric.at,
        tuple(replace(device, raw={}) for device in reading.fabric.devices),
        tuple(replace(port, raw={}) for port in reading.fabric.ports),
    )
    return replace(state, reading=replace(reading, fabric=fabric))


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(records(HostState))
def test_a_host_is_read_back_from_the_json_of_a_snapshot(state: HostState) -> None:
    """A terminal that attaches to a running serve sees the same host."""
    snapshot = Snapshot(1.0, {}, {"node0": state}, SelfState(0, 0, 0))

    assert {"node0": without_raw(state)} == snapshot_from_json(json.loads(dumps(snapshot))).hosts


@settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))
@given(records(EngineConfig))
def test_a_configuration_is_read_back_from_flat_texts(config: EngineConfig) -> None:
    """Dotted keys and texts hold everything, connectors inside connectors included."""
    assert config == read_flat(EngineConfig, dict(flat(config)))


def test_flat_texts_leave_out_what_is_the_default() -> None:
    """Only what was given is written."""
    config = EngineConfig(EngineFamily.VLLM, kv=KvTransfer("NixlConnector", extra={"a.b%": "1"}), log_stats=False)

    assert {
        "family": "vllm",
        "kv.connector": "NixlConnector",
        "kv.extra.a%2Eb%25": "1",
        "log_stats": "false",
    } == dict(flat(config))


def test_a_limit_may_be_infinite() -> None:
    """JSON has no infinity, so it is a word."""
    group = EngineGroup(7, EngineFamily.VLLM, None, (), limits=Limits(inf, 1024.0))

    assert {"limits.locked_memory_bytes": UNLIMITED, "limits.open_files": "1024.0"}.items() <= dict(flat(group)).items()
    assert group == read_flat(EngineGroup, dict(flat(group)) | {"processes": {}})


def test_an_unlimited_limit_survives_json() -> None:
    """It is neither unknown nor zero on the other side."""
    group = EngineGroup(7, EngineFamily.VLLM, None, (), limits=Limits(inf))
    data = {"pid": 7, "family": "vllm", "config": None, "processes": [], "limits": {"locked_memory_bytes": "unlimited"}}

    assert group == read_record(EngineGroup, data)


def test_unknown_words_and_keys_are_skipped() -> None:
    """Either side may be the newer one."""
    data = {"device": "mlx5_0", "port": 1, "state": "dancing", "mood": 3, "counters": {"rx_bytes": 4, "rx_hugs": 5}}

    assert PortReading("mlx5_0", 1, counters={"rx_bytes": 4}) == read_record(PortReading, data)  # type: ignore[dict-item]


def test_a_word_is_its_member() -> None:
    """What is read compares as an enumeration, not as text."""
    assert PortState.ACTIVE is read_record(PortReading, {"device": "d", "port": 1, "state": "active"}).state


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"host": "n", "at": 1.0}, "HostReading: missing 1 required positional argument: 'origin'"),
        (
            {"host": "n", "origin": "local", "at": "noon"},
            "HostReading: 'at': could not convert string to float: 'noon'",
        ),
        ({"host": 3, "origin": "local", "at": 1.0}, "HostReading: 'host': text is expected, not 3"),
        ({"host": "n", "origin": "local", "at": 1.0, "absent": []}, "HostReading: 'absent': an object is expected"),
    ],
)
def test_a_wrong_value_is_named_in_one_line(data: dict[str, Any], message: str) -> None:
    """The line says which record, which key and what is expected."""
    with pytest.raises(ValueError, match="^" + message.replace("(", r"\(")) as caught:
        read_record(HostReading, data)

    assert "\n" not in str(caught.value)


def test_an_origin_that_this_version_does_not_know_is_left_out() -> None:
    """The rest of the host is still shown."""
    state = read_record(HostState, {"host": "n", "origins": ["agent", "crystal ball"], "up": True, "age_seconds": 1})

    assert HostState("n", (HostOrigin.AGENT,), True, 1.0) == state
