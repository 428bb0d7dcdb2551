"""The document behind `--kv-transfer-config`, with connectors nested inside a MultiConnector.

Keys as in vLLM's KVTransferConfig. Of the connector's extra configuration only the entries of `EXTRA` are kept: it is
free form and may hold storage credentials.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pdwatch.host.processes.values import Reader, address, integer, number, port, word
from pdwatch.model.process import KvTransfer

EXTRA = frozenset(
    {
        "backends",
        "block_size",
        "cpu_bytes_to_use",
        "decoder_kv_blocks_ttl",
        "device_name",
        "enforce_handshake_compat",
        "http_port",
        "kv_lease_duration",
        "mooncake_protocol",
        "nccl_num_channels",
        "num_cpu_blocks",
        "num_threads",
        "num_workers",
        "protocol",
        "proxy_ip",
        "proxy_port",
        "send_type",
        "spec_name",
    }
)
ROLES = frozenset({"kv_producer", "kv_consumer", "kv_both"})
POLICIES = frozenset({"fail", "recompute"})
_DEEPEST = 4


def _one_of(allowed: frozenset[str]) -> Reader:
    def read(text: str) -> str:
        if text not in allowed:
            raise ValueError(f"none of {', '.join(sorted(allowed))}")
        return text

    return read


_FIELDS: Mapping[str, tuple[str, Reader]] = {
    "kv_connector": ("connector", word),
    "kv_role": ("role", _one_of(ROLES)),
    "kv_rank": ("rank", integer),
    "kv_parallel_size": ("parallel_size", integer),
    "kv_buffer_device": ("buffer_device", word),
    "kv_buffer_size": ("buffer_bytes", number),
    "kv_ip": ("ip", address),
    "kv_port": ("port", port),
    "kv_load_failure_policy": ("load_failure_policy", _one_of(POLICIES)),
}


def kv_transfer(document: Mapping[str, object], notes: list[str], depth: int = 0) -> KvTransfer:
    """Return the typed form of *document*. What does not fit is left out and named in *notes*."""
    values: dict[str, Any] = {}
    for key, (target, reader) in _FIELDS.items():
        given = document.get(key)
        if given is None:
            continue
        if isinstance(given, (dict, list, bool)):
            notes.append(f"{key} is no scalar")
            continue
        try:
            values[target] = reader(str(given))
        except ValueError as error:
            notes.append(f"{key} is {error}")
    extra = document.get("kv_connector_extra_config")
    if not isinstance(extra, dict):
        return KvTransfer(**values)
    return KvTransfer(**values, extra=_extra(extra), children=_children(extra, notes, depth))


def _children(extra: Mapping[str, object], notes: list[str], depth: int) -> tuple[KvTransfer, ...]:
    nested = extra.get("connectors")
    if not isinstance(nested, list) or depth >= _DEEPEST:
        return ()
    return tuple(kv_transfer(child, notes, depth + 1) for child in nested if isinstance(child, dict))


def _extra(extra: Mapping[str, object]) -> dict[str, str]:
    kept = {key: _plain(extra[key]) for key in sorted(EXTRA & extra.keys())}
    return {key: text for key, text in kept.items() if text is not None}


def _plain(value: object) -> str | None:
    """Return a scalar or a list of plain words as text; `None` for anything else."""
    parts = value if isinstance(value, list) else [value]
    if not all(isinstance(part, (str, int, float)) for part in parts):
        return None
    try:
        return ",".join(word(str(part)) for part in parts)
    except ValueError:
        return None
