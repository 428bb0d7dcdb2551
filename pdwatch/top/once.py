"""One look as text for a pager, as JSON, or as CSV of the worker table. Knows no terminal."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from math import isfinite
from typing import Literal

from pdwatch.catalog.thresholds import Thresholds
from pdwatch.model.encode import dumps, public_url
from pdwatch.model.judgement import Evidence
from pdwatch.model.snapshot import PoolState, ServiceState, Snapshot
from pdwatch.top import numbers
from pdwatch.top.cells import ascii_text, clean, crop, left, right, wrap
from pdwatch.top.columns import ALL, Value, ordered
from pdwatch.top.events import scope_of
from pdwatch.top.gauges import GAUGES
from pdwatch.top.status import Status, of_severity
from pdwatch.top.troubles import Trouble, troubles
from pdwatch.top.verdict import verdict
from pdwatch.top.workers import WorkerRow, worker_rows

Format = Literal["text", "json", "csv"]
FORMATS: tuple[Format, ...] = ("text", "json", "csv")
WIDTH = 100

_HEADING = "pool     workers   ok warn  bad unknown  load   KV   queue  latency p99       tokens"


def once(snapshot: Snapshot, fmt: Format = "text", width: int = WIDTH, *, unicode: bool = True) -> str:
    """Return *snapshot* as text of at most *width* cells a line, as one line of JSON, or its workers as CSV.

    Without *unicode* the text is ASCII.
    """
    if fmt == "json":
        return dumps(snapshot)
    if fmt == "csv":
        return workers_csv(snapshot)
    lines = [crop(clean(line), width) for line in _text(snapshot, width)]
    text = "\n".join(line.rstrip() for line in lines)
    return text if unicode else ascii_text(text)


def workers_csv(snapshot: Snapshot) -> str:
    """Return every worker with its numbers in base units; what is not known is empty."""
    columns = [column for column in ALL if column.name != "graph"]
    thresholds = Thresholds.as_told(snapshot.self_state.thresholds)
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["time", "service", "status", "url", *(column.name for column in columns)])
    for service in snapshot.services.values():
        for row in ordered(worker_rows(service, thresholds)):
            cells = [_field(column.value(row)) for column in columns]
            url, name = _field(public_url(row.state.url)), _field(service.service)
            head = [numbers.stamp(snapshot.t), name, row.status.name.lower(), url]
            writer.writerow([*head, *cells])
    return out.getvalue().rstrip("\n")


def _field(value: Value) -> str:
    """Return a value as CSV; a text that a spreadsheet would take for a formula is quoted as text."""
    if value is None or (isinstance(value, float) and not isfinite(value)):
        return ""
    if isinstance(value, str):
        safe = clean(value)
        return f"'{safe}" if safe.startswith(("=", "+", "-", "@")) else safe
    return f"{value:.10g}"


def _text(snapshot: Snapshot, width: int) -> Iterator[str]:
    thresholds = Thresholds.as_told(snapshot.self_state.thresholds)
    if not snapshot.services:
        yield f"{_nothing(snapshot)}  at {numbers.stamp(snapshot.t)}"
    for index, (name, service) in enumerate(sorted(snapshot.services.items())):
        if index:
            yield ""
        if len(snapshot.services) > 1:
            yield f"service {name}"
        yield from _service(service, snapshot, thresholds, width)
    for source, error in snapshot.self_state.discovery_errors.items():
        yield public_url(f"discovery {source}: {error}")


def _nothing(snapshot: Snapshot) -> str:
    idle = snapshot.self_state.idle
    return "? CANNOT TELL  no worker was found" if idle is None else f"{Status.OK.glyph} NOTHING TO WATCH  {idle}"


def _service(service: ServiceState, snapshot: Snapshot, thresholds: Thresholds, width: int) -> Iterator[str]:
    rows = worker_rows(service, thresholds)
    answer = verdict(service, thresholds, snapshot.t)
    parts = [f"{answer.status.glyph} {answer.words}"]
    parts += [f"confidence {answer.confidence}"] if answer.confidence else []
    parts += [f"held {answer.held}"] if answer.held else []
    parts += [f"tightest {answer.tightest}"] if answer.tightest else []
    yield "  ".join([*parts, f"at {numbers.stamp(snapshot.t)}"])
    yield from _indented("because  ", answer.reason, width)
    shown = [text for evidence in service.advice.evidence if (text := evidence_words(evidence))]
    if shown:
        yield from _indented("evidence ", "; ".join(shown), width)
    yield _HEADING
    for pool in service.pools.values():
        yield _pool(service, pool, rows)
    for trouble in troubles(service.findings):
        yield from _trouble(trouble, width)
    yield from _silent(rows)


def _trouble(trouble: Trouble, width: int) -> Iterator[str]:
    """Yield a root with what to do, and below it what comes from it."""
    root = trouble.root
    glyph = of_severity(root.severity).glyph
    yield from _indented(f"{glyph} ", f"{root.finding} {scope_of(root)}: {root.summary}", width)
    yield from _indented("  do: ", root.fix, width)
    for symptom in trouble.symptoms:
        head = f"    so also {of_severity(symptom.severity).glyph} "
        yield from _indented(head, f"{symptom.finding} {scope_of(symptom)}: {symptom.summary}", width)


def _indented(head: str, text: str, width: int) -> Iterator[str]:
    for index, line in enumerate(wrap(text, max(20, width - len(head)))):
        yield (head if index == 0 else " " * len(head)) + line


def evidence_words(evidence: Evidence) -> str:
    """Return one number behind an advice: `decode kv_usage_p90 96 % (limit 90 %)`; empty where it is not known."""
    if evidence.value is None:
        return ""
    scope = "/".join(evidence.scope.values())
    limit = "" if evidence.threshold is None else f" (limit {numbers.quantity(evidence.threshold, evidence.unit)})"
    return f"{scope} {evidence.signal} {numbers.quantity(evidence.value, evidence.unit)}{limit}".strip()


def _pool(service: ServiceState, pool: PoolState, rows: tuple[WorkerRow, ...]) -> str:
    statuses = [row.status for row in rows if row.role is pool.role]
    counts = [statuses.count(status) for status in (Status.OK, Status.WARN, Status.BAD, Status.UNKNOWN)]
    gauges = {gauge.name: gauge.show(gauge.pick(service, pool)) for gauge in GAUGES.get(pool.role, ())}
    latency = next((f"{name.upper()} {gauges[name]}" for name in ("ttft", "itl") if name in gauges), numbers.DASH)
    cells = [left(pool.role.value, 9), right(str(pool.workers), 7)]
    cells += [right(str(number), size) for number, size in zip(counts, (5, 5, 5, 8), strict=True)]
    cells += [right(gauges["load"], 7), right(gauges["kv"], 6), right(numbers.count(pool.requests_waiting), 7)]
    return "".join([*cells, "  ", left(latency, 16), right(gauges.get("tokens", numbers.DASH), 9)])


def _silent(rows: tuple[WorkerRow, ...]) -> Iterator[str]:
    unknown = [f"{row.worker} ({row.state.error or row.word})" for row in rows if row.status is Status.UNKNOWN]
    if unknown:
        yield f"unknown  {', '.join(unknown)}"
