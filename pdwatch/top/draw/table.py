"""The table of workers: only the rows in sight are drawn."""

from __future__ import annotations

from collections.abc import Sequence

from pdwatch.top.cells import Line, Span, Tone, left, right, width_of
from pdwatch.top.columns import GRAPH, SETS, Column, layout
from pdwatch.top.gauges import worker_key
from pdwatch.top.scene import Scene
from pdwatch.top.spark import sparkline
from pdwatch.top.status import Status
from pdwatch.top.workers import WorkerRow

_EDGE = 3
"""Cells before the first column: the cursor, the state and a blank."""


def table(scene: Scene, width: int, height: int) -> list[Line]:
    """Return headings and rows in at most *height* lines; a last line tells what is out of sight."""
    columns = SETS[scene.view.columns][1]
    placed = layout(columns, scene.workers, width - _EDGE)
    lines = [_headings(scene, placed)]
    if not scene.rows:
        return [*lines, (Span(f"   {_nothing(scene)}", Tone.MUTED),)][:height]
    first, last = window(scene, len(scene.rows), height - 1)
    lines += [
        _row(scene, row, placed, width, index == scene.cursor) for index, row in _between(scene.rows, first, last)
    ]
    if (first, last) != (0, len(scene.rows)):
        lines.append(_rest(scene.rows, first, last))
    return lines[:height]


def window(scene: Scene, rows: int, height: int) -> tuple[int, int]:
    """Return the first row in sight and the one behind the last; a line is left for what is not in sight."""
    if rows <= height:
        return 0, rows
    room = max(1, height - 1)
    first = min(max(0, scene.view.scroll), rows - room)
    if scene.view.follow:
        first = min(max(first, scene.cursor - room + 1), scene.cursor)
    return first, first + room


def _between(rows: Sequence[WorkerRow], first: int, last: int) -> list[tuple[int, WorkerRow]]:
    return list(enumerate(rows))[first:last]


def _nothing(scene: Scene) -> str:
    if scene.workers:
        return f"none of {len(scene.workers)} workers matches; {scene.key('back')} shows all"
    return "no worker was found"


def _headings(scene: Scene, placed: Sequence[tuple[Column, int]]) -> Line:
    spans = [Span(" " * _EDGE)]
    for column, width in placed:
        chosen = scene.view.sort == column.name
        mark = ("↑" if scene.view.reverse else "↓") if chosen else ""
        title = right(column.title + mark, width) if column.right else left(column.title + mark, width)
        spans += [Span(title, Tone.ACTIVE if chosen else Tone.MUTED, f"sort:{column.name}"), Span("  ")]
    return tuple(spans)


def _row(scene: Scene, row: WorkerRow, placed: Sequence[tuple[Column, int]], width: int, chosen: bool) -> Line:
    target = f"select:{row.state.url}"
    quiet = Tone.MUTED if row.state.stale or not row.state.up else Tone.PLAIN
    base = Tone.CURSOR if chosen else quiet
    spans = [
        Span("›" if chosen else " ", base, target),
        Span(row.status.glyph, row.status.tone, target),
        Span(" ", base, target),
    ]
    room = width - _EDGE
    for column, size in placed:
        if column.right and row.state.error and not row.state.up:
            failed = f"{row.state.error}, {row.state.failures} in a row"
            return (*spans, Span(left(failed, max(0, room)), base, target))
        tone = row.status.tone if column.name == "state" and row.status is not Status.OK and not chosen else base
        spans.append(Span(f"{_cell(scene, row, column, size)}  ", tone, target))
        room -= size + 2
    return tuple(spans)


def _cell(scene: Scene, row: WorkerRow, column: Column, width: int) -> str:
    if column.name == GRAPH and scene.service is not None:
        key = worker_key(scene.service.service, row.state.url)
        return sparkline(scene.trails.columns(key, scene.t, width), scene.thresholds.kv_usage_high, width)
    text = column.show(row)
    if column.right and width_of(text) > width:
        text = text.replace(" ", "")
    return right(text, width) if column.right else left(text, width)


def _rest(rows: Sequence[WorkerRow], first: int, last: int) -> Line:
    spans = [Span("   ")]
    for hidden, word in ((rows[:first], "above"), (rows[last:], "below")):
        if hidden:
            worst = max(row.status for row in hidden)
            count = sum(row.status is worst for row in hidden)
            spans += [
                Span(f"{len(hidden)} more {word}, ", Tone.MUTED),
                worst.span,
                Span(f" {count}   ", Tone.MUTED),
            ]
    return tuple(spans)
