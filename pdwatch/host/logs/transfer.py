"""`KV Transfer metrics: …` lines (vllm/distributed/kv_transfer/kv_connector/v1/metrics.py), the same since 0.11.

One connector prints `key=number` pairs; a MultiConnector prints `Class={…}`, a Python dictionary, for each inside it.
What the line calls MB is MiB.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from typing import Any

from pdwatch.host.logs.numbers import finite
from pdwatch.model.logline import TransferSummaries, TransferSummary

_START = "KV Transfer metrics: "
_MIB = float(1 << 20)
_MILLI = 1e-3
_KEYS: Mapping[str, tuple[str, float]] = {
    "Num successful transfers": ("transfers", 1.0),
    "num_successful_transfers": ("transfers", 1.0),
    "Avg xfer time (ms)": ("seconds_mean", _MILLI),
    "P90 xfer time (ms)": ("seconds_p90", _MILLI),
    "Avg post time (ms)": ("post_seconds_mean", _MILLI),
    "P90 post time (ms)": ("post_seconds_p90", _MILLI),
    "Avg MB per transfer": ("bytes_mean", _MIB),
    "Throughput (MB/s)": ("bandwidth_bytes_per_second", _MIB),
    "Avg number of descriptors": ("descriptors_mean", 1.0),
    "Num failed transfers": ("failed_transfers", 1.0),
    "Num failed recvs": ("failed_receives", 1.0),
    "Num KV expired reqs": ("expired", 1.0),
    "Num notifs after expiry": ("notified_after_expiry", 1.0),
}
_MOST_OTHER = 64
_DEEPEST = 4
_CONNECTOR = re.compile(r"(?:^|, )(\w{1,64})=\{")
_BRACE = re.compile(r"[{}]")
_NUMPY = re.compile(r"\bnp\.\w{1,16}\(([^()]{0,64})\)")
_NO_NUMBER = re.compile(r"-?\b(?:nan|inf)\b")


def transfer_summaries(text: str) -> TransferSummaries | None:
    """Return what each connector of the line says; `None` for another line or one without a number."""
    if not text.startswith(_START):
        return None
    rest = text[len(_START) :]
    if "={" in rest:
        found = tuple(part for name, values in _documents(rest) for part in _flatten(name, values, _DEEPEST))
    else:
        pairs = (part.rpartition("=") for part in rest.split(", "))
        found = (_summary(None, {key: finite(value) for key, _, value in pairs}),)
    kept = tuple(summary for summary in found if summary not in (TransferSummary(), TransferSummary(summary.connector)))
    return TransferSummaries(kept) if kept else None


def _documents(text: str) -> Iterator[tuple[str, Mapping[Any, Any]]]:
    """Yield each `Class={…}` whose braces close and whose dictionary is a literal."""
    at = 0
    while (match := _CONNECTOR.search(text, at)) is not None:
        start = match.end() - 1
        at = _closing(text, start)
        if at < 0:
            return
        document = _literal(text[start:at])
        if isinstance(document, dict):
            yield match[1], document


def _closing(text: str, start: int) -> int:
    """Return the index after the brace that closes the one at *start*, -1 where none does."""
    depth = 0
    for brace in _BRACE.finditer(text, start):
        depth += 1 if brace[0] == "{" else -1
        if depth == 0:
            return brace.end()
    return -1


def _literal(text: str) -> object:
    plain = _NO_NUMBER.sub("None", _NUMPY.sub(r"\1", text))
    try:
        value: object = ast.literal_eval(plain)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return None
    return value


def _flatten(connector: str, values: Mapping[Any, Any], depth: int) -> Iterator[TransferSummary]:
    """Yield the connector's own numbers, then those of connectors nested in it."""
    yield _summary(connector, {key: _number(value) for key, value in values.items() if isinstance(key, str)})
    if depth:
        for key, value in values.items():
            if isinstance(key, str) and isinstance(value, dict):
                yield from _flatten(key[:64], value, depth - 1)


def _number(value: object) -> float | None:
    return finite(str(value)) if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def _summary(connector: str | None, values: Mapping[str, float | None]) -> TransferSummary:
    known: dict[str, Any] = {}
    other: dict[str, float] = {}
    for key, value in values.items():
        if value is None:
            continue
        if key in _KEYS:
            target, factor = _KEYS[key]
            known[target] = value * factor
        elif key and len(other) < _MOST_OTHER:
            other[key[:128]] = value
    return TransferSummary(connector, other=other, **known)
