"""The columns of the worker table: how each is shown, sorted by and written as CSV; and which rows are kept."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from math import isfinite

from pdwatch.top import numbers
from pdwatch.top.cells import width_of
from pdwatch.top.status import Status
from pdwatch.top.workers import WorkerRow

SEVERITY = "severity"
"""The order of the table when no column is chosen."""
GRAPH = "graph"
GRAPH_WIDTH = (10, 20)

Value = float | str | None


@dataclass(frozen=True, slots=True)
class Column:
    """One column. `width` is that of its cells; a heading may not be wider."""

    name: str
    title: str
    width: int
    value: Callable[[WorkerRow], Value]
    """In base units, for sorting and CSV."""
    show: Callable[[WorkerRow], str]
    right: bool = True
    rank: int = 5
    """What is left out first where there is no room: the highest."""
    grows: bool = False
    """Whether it takes the width of its longest cell, up to twice its own."""


def _text(name: str, title: str, width: int, of: Callable[[WorkerRow], str | None], rank: int = 5) -> Column:
    return Column(name, title, width, of, lambda row: of(row) or numbers.DASH, right=False, rank=rank, grows=True)


def _number(
    name: str,
    title: str,
    width: int,
    of: Callable[[WorkerRow], float | None],
    show: Callable[[float | None], str] = numbers.count,
    *,
    rank: int = 5,
) -> Column:
    return Column(name, title, width, of, lambda row: show(of(row)), rank=rank)


def _percent(ratio: float | None) -> str:
    return numbers.percent(ratio).removesuffix(" %")


WORKER = _text("worker", "worker", 10, lambda row: row.worker, rank=0)
POOL = _text("pool", "pool", 8, lambda row: row.role_word, rank=2)
HOST = _text("host", "host", 7, lambda row: row.state.host, rank=8)
STATE = Column("state", "state", 14, lambda row: row.word, lambda row: row.word, right=False, rank=1)
KV = _number("kv", "KV%", 4, lambda row: row.kv, _percent, rank=1)
RUNNING = _number("running", "run", 4, lambda row: row.total(lambda engine: engine.requests_running), rank=4)
WAITING = _number("waiting", "wait", 4, lambda row: row.total(lambda engine: engine.requests_waiting), rank=2)
PREEMPT = _number(
    "preempt", "preempt", 8, lambda row: row.total(lambda engine: engine.preemptions_per_second), numbers.rate, rank=6
)
ITL = _number("itl", "ITL", 7, lambda row: row.mean(lambda engine: engine.itl_seconds), numbers.seconds, rank=3)
TOKENS = _number("tokens", "tok/s", 7, lambda row: row.tokens, rank=3)
HIT = _number("hit", "hit%", 4, lambda row: row.mean(lambda engine: engine.prefix_cache_hit_ratio), _percent, rank=7)
GRAPH_COLUMN = Column(GRAPH, "KV 10 min", GRAPH_WIDTH[0], lambda row: row.kv, lambda _: "", right=False, rank=3)
REQUESTS = _number("requests", "req/s", 7, lambda row: row.total(lambda engine: engine.requests_per_second), rank=2)
ERRORS = _number(
    "errors", "errors", 8, lambda row: row.total(lambda engine: engine.errors_per_second), numbers.rate, rank=2
)
PROMPT = _number("prompt", "prompt/s", 8, lambda row: row.total(lambda engine: engine.prompt_tokens_per_second))
COMPUTED = _number("computed", "comp/s", 8, lambda row: row.total(lambda engine: engine.computed_tokens_per_second))
GENERATED = _number("generated", "gen/s", 8, lambda row: row.total(lambda engine: engine.generation_tokens_per_second))
LOAD = _number("load", "load", 6, lambda row: row.total(lambda engine: engine.load))
REPLICA = _text("replica", "replica", 8, lambda row: row.state.replica, rank=6)
ENGINES = _number("engines", "engines", 7, lambda row: float(len(row.state.engines)), rank=3)
VERSION = _text("version", "version", 8, lambda row: row.state.version, rank=2)
FAMILY = _text("family", "family", 8, lambda row: row.state.family, rank=6)
AGE = _number("age", "page", 6, lambda row: row.state.age_seconds, numbers.duration, rank=2)
SCRAPE = _number("scrape", "scrape", 7, lambda row: row.state.scrape_seconds, numbers.seconds, rank=4)
RESTARTS = _number("restarts", "restarts", 8, lambda row: float(row.state.restarts), rank=4)
MODEL = _text("model", "model", 20, lambda row: row.state.model, rank=7)

SETS: tuple[tuple[str, tuple[Column, ...]], ...] = (
    ("load", (WORKER, POOL, HOST, STATE, KV, RUNNING, WAITING, PREEMPT, ITL, TOKENS, HIT, GRAPH_COLUMN)),
    ("traffic", (WORKER, POOL, STATE, LOAD, REQUESTS, ERRORS, PROMPT, COMPUTED, GENERATED, GRAPH_COLUMN)),
    ("build", (WORKER, POOL, REPLICA, HOST, STATE, ENGINES, VERSION, FAMILY, AGE, SCRAPE, RESTARTS, MODEL)),
)
ALL: tuple[Column, ...] = tuple({column.name: column for _, columns in SETS for column in columns}.values())


def layout(columns: Sequence[Column], rows: Sequence[WorkerRow], width: int) -> list[tuple[Column, int]]:
    """Return the columns that fit into *width* cells with two between them, and the width of each.

    A column of words that no row has is left out.
    """
    columns = [column for column in columns if not (column.grows and rows and all(_empty(column, row) for row in rows))]
    widths = {column.name: _width(column, rows) for column in columns}
    kept: list[Column] = []
    room = width
    for column in sorted(columns, key=lambda column: column.rank):
        if widths[column.name] + 2 <= room or not kept:
            kept.append(column)
            room -= widths[column.name] + 2
    if GRAPH_COLUMN in kept:
        widths[GRAPH] += max(0, min(room, GRAPH_WIDTH[1] - GRAPH_WIDTH[0]))
    return [(column, min(widths[column.name], width)) for column in columns if column in kept]


def _empty(column: Column, row: WorkerRow) -> bool:
    return column.value(row) is None


def _width(column: Column, rows: Sequence[WorkerRow]) -> int:
    if not column.grows:
        return column.width
    longest = max((width_of(column.show(row)) for row in rows), default=0)
    return min(max(len(column.title), longest), 2 * column.width)


def ordered(rows: Iterable[WorkerRow], name: str = SEVERITY, reverse: bool = False) -> list[WorkerRow]:
    """Return the rows by a column: highest first and names from A; what is not known comes last, either way round.

    Severity is the worst first and, among equals, who gives no page, then the fullest KV cache.
    """
    column = next((column for column in ALL if column.name == name), None)
    if column is None:
        by_severity = sorted(rows, key=_by_severity)
        return by_severity[::-1] if reverse else by_severity
    kept = sorted(rows, key=lambda row: (row.worker, row.state.url))
    known = [row for row in kept if _known(column.value(row))]
    unknown = [row for row in kept if not _known(column.value(row))]
    falls = any(not isinstance(column.value(row), str) for row in known)
    return sorted(known, key=lambda row: _key(column.value(row)), reverse=falls != reverse) + unknown


def _by_severity(row: WorkerRow) -> tuple[int, bool, str, float, str]:
    return (-row.status, row.state.up, row.role.value, -(row.kv or 0.0), row.worker)


def _known(value: Value) -> bool:
    return value is not None and not (isinstance(value, float) and not isfinite(value))


def _key(value: Value) -> tuple[float, str]:
    return (0.0, value) if isinstance(value, str) else (float(value or 0.0), "")


def kept_by(rows: Iterable[WorkerRow], text: str, unhealthy_only: bool = False) -> list[WorkerRow]:
    """Return the rows that contain every word of *text*; a word behind `!` must be absent."""
    words = text.casefold().split()
    return [
        row
        for row in rows
        if not (unhealthy_only and row.status is Status.OK) and all(_matches(row, word) for word in words)
    ]


def _matches(row: WorkerRow, word: str) -> bool:
    state = row.state
    shown = (row.worker, row.role_word, row.word, state.replica, state.host, state.version, state.model, state.family)
    haystack = " ".join(text for text in shown if text).casefold()
    return word[1:] not in haystack or word == "!" if word.startswith("!") else word in haystack
