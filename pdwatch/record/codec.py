"""Events to lines of JSON and back. One line is one object; keys that a reader does not know are ignored."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from typing import Any

from pdwatch.model.page import Scrape
from pdwatch.model.secrets import without_secrets, without_user_info
from pdwatch.record.errors import LineSkipped, shown
from pdwatch.record.events import Advised, Event, Header, LogLine, Tick
from pdwatch.record.targets import decode_target, encode_target

_dumps = json.JSONEncoder(separators=(",", ":")).encode


def encode(event: Event) -> bytes:
    """Return the line of an event with its line break. Secrets in URLs are taken out."""
    return _dumps(_record(event)).encode("ascii") + b"\n"


def decode(line: bytes) -> Event:
    """Return the event of a line. Raises `LineSkipped` where it has none that this version knows."""
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        raise LineSkipped("not JSON; line skipped", foreign=True) from None
    kind = record.get("kind") if isinstance(record, dict) else None
    if not isinstance(kind, str):
        raise LineSkipped("no object with a 'kind'; line skipped", foreign=True)
    read = _READERS.get(kind)
    if read is None:
        raise LineSkipped(f"kind {shown(kind)} skipped")
    return read(record)


def _record(event: Event) -> dict[str, Any]:
    match event:
        case Scrape():
            return _scrape_record(event)
        case Tick(t):
            return {"kind": "tick", "t": t}
        case LogLine(t, target, line):
            return {"kind": "log", "t": t, "target": target, "line": without_user_info(line)}
        case Advised(t, service, decision):
            return {"kind": "decision", "t": t, "service": service, "decision": decision}
        case Header(version, started, config):
            record = {"kind": "header", "version": version, "started": started, "config": config}
            return {key: value for key, value in record.items() if value is not None}


def _scrape_record(scrape: Scrape) -> dict[str, Any]:
    record = {"kind": "scrape", "t": scrape.at, **encode_target(scrape.target), "seconds": scrape.seconds}
    if scrape.status is not None:
        record["status"] = scrape.status
    if scrape.content_type:
        record["content_type"] = scrape.content_type
    if scrape.body is not None:
        record["body"] = without_user_info(scrape.body)
    else:
        record["error"] = without_secrets(scrape.error or "failed")
    return record


def _read_header(record: Mapping[str, Any]) -> Header:
    version, config = record.get("version"), record.get("config")
    if type(version) is not int:
        raise LineSkipped("header without a version; line skipped")
    started = _number(record, "started") if "started" in record else None
    return Header(version, started, config if isinstance(config, dict) else None)


def _read_scrape(record: Mapping[str, Any]) -> Scrape:
    at, target = _number(record, "t"), decode_target(record)
    seconds = _number(record, "seconds") if "seconds" in record else 0.0
    status = record.get("status")
    if type(status) is not int:
        status = None
    body, error = record.get("body"), record.get("error")
    if error is None and status not in (None, 200):
        error = f"{status} instead of a page"
    if error is not None:
        return Scrape(target, at, seconds, status, error=str(error))
    if not isinstance(body, str):
        raise LineSkipped("scrape with neither 'body' nor 'error'; line skipped")
    return Scrape(target, at, seconds, status, body, content_type=str(record.get("content_type") or ""))


def _read_log(record: Mapping[str, Any]) -> LogLine:
    target, line = record.get("target"), record.get("line")
    if not isinstance(target, str) or not isinstance(line, str):
        raise LineSkipped("log without text in 'target' and 'line'; line skipped")
    return LogLine(_number(record, "t"), target, line)


def _read_decision(record: Mapping[str, Any]) -> Advised:
    service, decision = record.get("service"), record.get("decision")
    if not isinstance(service, str) or not isinstance(decision, dict):
        raise LineSkipped("decision without a service or what was decided; line skipped")
    return Advised(_number(record, "t"), service, decision)


def _read_tick(record: Mapping[str, Any]) -> Tick:
    return Tick(_number(record, "t"))


def _number(record: Mapping[str, Any], key: str) -> float:
    value = record.get(key)
    if isinstance(value, int | float) and not isinstance(value, bool):
        try:
            number = float(value)
        except OverflowError:
            number = math.inf
        if math.isfinite(number):
            return number
    raise LineSkipped(f"{record['kind']} without a number in {key!r}; line skipped")


_READERS: Mapping[str, Callable[[Mapping[str, Any]], Event]] = {
    "header": _read_header,
    "scrape": _read_scrape,
    "log": _read_log,
    "decision": _read_decision,
    "tick": _read_tick,
}
