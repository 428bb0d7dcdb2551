"""From a program's arguments to its `EngineConfig`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pdwatch.host.processes.arguments import Parsed, parse
from pdwatch.host.processes.identify import Program
from pdwatch.host.processes.kvtransfer import kv_transfer
from pdwatch.host.processes.values import Reader, integer, name, truth, word
from pdwatch.model.process import ROUTER_FAMILIES, EngineConfig, EngineFamily, Eplb, KvTransfer
from pdwatch.model.target import Role

DEFAULT_PORTS = {
    EngineFamily.VLLM: 8000,
    EngineFamily.SGLANG: 30000,
    EngineFamily.TENSORRT_LLM: 8000,
    EngineFamily.VLLM_ROUTER: 30000,
    EngineFamily.SGLANG_ROUTER: 30000,
    EngineFamily.DYNAMO_FRONTEND: 8000,
    EngineFamily.TENSORRT_LLM_ORCHESTRATOR: 8000,
}
"""Ports the programs listen on when none is given. A Dynamo worker has none unless `DYN_SYSTEM_PORT` is set."""

_MODES = {
    "prefill": Role.PREFILL,
    "context": Role.PREFILL,
    "decode": Role.DECODE,
    "generation": Role.DECODE,
    "null": Role.BOTH,
    "agg": Role.BOTH,
    "prefill_and_decode": Role.BOTH,
}
_KV_ROLES = {"kv_producer": Role.PREFILL, "kv_consumer": Role.DECODE}
_EPLB_KEYS: Mapping[str, tuple[str, Reader]] = {
    "window_size": ("window_size", integer),
    "step_interval": ("step_interval", integer),
    "num_redundant_experts": ("redundant_experts", integer),
    "log_balancedness": ("log_balancedness", truth),
    "log_balancedness_interval": ("log_balancedness_interval", integer),
    "use_async": ("use_async", truth),
    "policy": ("policy", word),
}


def engine_config(program: Program) -> EngineConfig:
    """Return what the arguments of *program* say. Never raises for what they hold; complaints are in `notes`."""
    parsed = parse(program.arguments, program.flags)
    flat = dict(parsed.values)
    eplb = _eplb(parsed, _pop_prefixed(flat, "eplb."))
    kv = _kv(parsed, _pop_prefixed(flat, "kv."))
    modes = {key: flat.pop(key, None) for key in ("mode", "mode_prefill", "mode_decode", "mode_changes")}
    values: dict[str, Any] = {**flat, **_speculative(parsed), **_model(program, parsed, flat)}
    if program.family is EngineFamily.SGLANG:
        values.setdefault("log_stats", False)
    served = values.get("served_model_name")
    if isinstance(served, tuple):
        values["served_model_name"] = served[0] if served else None
    if not values.get("headless"):
        values.setdefault("port", DEFAULT_PORTS.get(program.family))
    role = _role(program.family, modes, kv, parsed)
    notes = tuple(dict.fromkeys(parsed.notes))
    return EngineConfig(program.family, **values, eplb=eplb, kv=kv, role=role, notes=notes)


def _pop_prefixed(values: dict[str, object], prefix: str) -> dict[str, Any]:
    return {key[len(prefix) :]: values.pop(key) for key in list(values) if key.startswith(prefix)}


def _model(program: Program, parsed: Parsed, flat: Mapping[str, object]) -> dict[str, object]:
    """Return the positional model of `vllm serve MODEL`, unless a flag names one."""
    if "model" in flat or not program.positional_model or not parsed.positionals:
        return {}
    try:
        return {"model": name(parsed.positionals[0])}
    except ValueError as error:
        parsed.notes.append(f"the model is {error}")
        return {}


def _eplb(parsed: Parsed, values: dict[str, Any]) -> Eplb:
    for key, (target, reader) in _EPLB_KEYS.items():
        given = parsed.documents.get("eplb", {}).get(key)
        if given is None:
            continue
        try:
            values[target] = reader(str(given))
        except ValueError as error:
            parsed.notes.append(f"--eplb-config {key} is {error}")
    return Eplb(**values)


def _kv(parsed: Parsed, values: dict[str, Any]) -> KvTransfer | None:
    document = parsed.documents.get("kv")
    if document:
        return kv_transfer(document, parsed.notes)
    return KvTransfer(**values) if "connector" in values else None


def _speculative(parsed: Parsed) -> dict[str, object]:
    document = parsed.documents.get("speculative", {})
    found: dict[str, object] = {}
    rows: tuple[tuple[str, str, Reader], ...] = (
        ("method", "speculative_method", word),
        ("num_speculative_tokens", "speculative_tokens", integer),
    )
    for key, target, reader in rows:
        if key in document:
            try:
                found[target] = reader(str(document[key]))
            except ValueError as error:
                parsed.notes.append(f"--speculative-config {key} is {error}")
    return found


def _role(family: EngineFamily, modes: Mapping[str, object], kv: KvTransfer | None, parsed: Parsed) -> Role:
    """Return the role that the arguments state; `UNKNOWN` where they leave it open or can change at run time."""
    if family in ROUTER_FAMILIES:
        return Role.ROUTER
    if modes["mode_changes"]:
        return Role.UNKNOWN
    flagged = _flagged_role(modes)
    if flagged is not None:
        return flagged
    if kv is not None and family is not EngineFamily.SGLANG:
        return _KV_ROLES.get(kv.role or "", Role.UNKNOWN)
    alone = family is EngineFamily.SGLANG or (family is EngineFamily.VLLM and "kv" not in parsed.documents)
    return Role.BOTH if alone and "config_file" not in parsed.values else Role.UNKNOWN


def _flagged_role(modes: Mapping[str, object]) -> Role | None:
    """Return the role of a flag that exists to state it."""
    if modes["mode_prefill"]:
        return Role.PREFILL
    if modes["mode_decode"]:
        return Role.DECODE
    mode = modes["mode"]
    return _MODES.get(mode.lower(), Role.UNKNOWN) if isinstance(mode, str) else None
