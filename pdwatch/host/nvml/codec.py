"""Readings as JSON-ready objects and back. What is `None` is left out; what the reader does not know is ignored."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any

from pdwatch.model.gpu import (
    FabricHealth,
    FabricState,
    GpuFabric,
    GpuProcess,
    GpuReading,
    GpuState,
    GpuXid,
    MigInstance,
    NvmlReading,
)

Json = dict[str, Any]

_NAMES: dict[type, tuple[str, ...]] = {
    kind: tuple(field.name for field in fields(kind))
    for kind in (NvmlReading, GpuReading, GpuProcess, GpuXid, MigInstance, GpuFabric)
}


def encode(value: Any) -> Any:
    """Turn a reading, or a part of one, into what `json.dumps` takes."""
    names = _NAMES.get(type(value))
    if names is not None:
        items = ((name, getattr(value, name)) for name in names)
        return {name: encode(item) for name, item in items if item is not None}
    if isinstance(value, tuple):
        return [encode(item) for item in value]
    return value


def _known(kind: type, encoded: Mapping[str, Any]) -> Json:
    return {name: encoded[name] for name in _NAMES[kind] if name in encoded}


def _tuple_of(kind: Callable[..., Any], items: list[Json]) -> tuple[Any, ...]:
    return tuple(kind(**_known(kind, item)) for item in items)  # type: ignore[arg-type]


def decode_fabric(encoded: Mapping[str, Any]) -> GpuFabric:
    """Return the fabric facts of one GPU."""
    known = _known(GpuFabric, encoded)
    known["state"] = FabricState(known["state"])
    if "health" in known:
        known["health"] = FabricHealth(known["health"])
    if "faults" in known:
        known["faults"] = tuple(known["faults"])
    return GpuFabric(**known)


_GPU_PARTS: dict[str, Callable[[Any], object]] = {
    "state": GpuState,
    "clocks_event_reasons": tuple,
    "xids": lambda items: _tuple_of(GpuXid, items),
    "mig_instances": lambda items: _tuple_of(MigInstance, items),
    "processes": lambda items: _tuple_of(GpuProcess, items),
    "fabric": decode_fabric,
}


def decode_gpu(encoded: Mapping[str, Any]) -> GpuReading:
    """Return one GPU's reading."""
    known = _known(GpuReading, encoded)
    for name, part in _GPU_PARTS.items():
        if name in known:
            known[name] = part(known[name])
    return GpuReading(**known)


def decode(encoded: Mapping[str, Any]) -> NvmlReading:
    """Return the reading that `encode` was given. Raises `KeyError`, `TypeError` or `ValueError` for anything else."""
    known = _known(NvmlReading, encoded)
    known["gpus"] = tuple(decode_gpu(gpu) for gpu in known.get("gpus", ()))
    known["unattributed_xids"] = _tuple_of(GpuXid, known.get("unattributed_xids", []))
    return NvmlReading(**known)
