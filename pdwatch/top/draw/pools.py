"""Both pools side by side, the same rows in the same order, because the decision is a comparison."""

from __future__ import annotations

from pdwatch.top import numbers
from pdwatch.top.cells import Line, Span, Tone, left
from pdwatch.top.draw.boxes import beside, box
from pdwatch.top.pools import PoolPanel, PoolRow
from pdwatch.top.scene import Scene
from pdwatch.top.spark import sparkline
from pdwatch.top.status import Status

GRAPH = 20
_COUNTED = (Status.OK, Status.WARN, Status.BAD, Status.UNKNOWN)
STRIP_FROM = 32
"""Workers of a service from which each is drawn as one glyph, since the table does not hold them all."""
SHORT_ROWS = ("load", "kv", "ttft", "itl")


def pool_panels(scene: Scene, width: int, *, tall: bool, graphs: bool = True) -> list[Line]:
    """Return the pools in boxes: *tall* with every row and a remark, else the few that decide."""
    pools = scene.pools[:2]
    if not pools:
        return []
    first = width if len(pools) == 1 else width // 2
    blocks = [
        _panel(scene, pool, size, tall=tall, graphs=graphs)
        for pool, size in zip(pools, (first, width - first), strict=False)
    ]
    return blocks[0] if len(blocks) == 1 else beside(blocks[0], blocks[1], first)


def _panel(scene: Scene, pool: PoolPanel, width: int, *, tall: bool, graphs: bool) -> list[Line]:
    inner = width - 2
    if not tall:
        rows = [row for row in pool.rows if row.gauge.name in SHORT_ROWS][:3]
        return box(_heading(pool, wide=False), [_short_row(scene, row, inner, graphs=graphs) for row in rows], width)
    lines = [_titles(inner), *(_row(scene, row, inner) for row in pool.rows), (Span(f" {pool.remark}", Tone.MUTED),)]
    if len(scene.workers) >= STRIP_FROM:
        lines.append(_strip(pool, inner - 2))
    return box(_heading(pool, wide=True), lines, width)


def _strip(pool: PoolPanel, width: int) -> Line:
    """Return a glyph for every worker, worst first; the last cell tells that there are more."""
    glyphs = [status.span for status in reversed(Status) for _ in range(pool.counts.get(status, 0))]
    more = [Span("…", Tone.MUTED)] if len(glyphs) > width else []
    return (Span(" "), *glyphs[: width - len(more)], *more)


def _heading(pool: PoolPanel, *, wide: bool) -> list[Span]:
    guessed = " (guessed)" if pool.guessed else ""
    number = f"{pool.workers} workers" if wide else str(pool.workers)
    spans = [Span(f" {pool.role.value.upper()}{guessed} ", Tone.STRONG), Span(f" {number} ")]
    gap = " " if wide else ""
    for status in _COUNTED:
        number_of = pool.counts.get(status, 0)
        spans.append(Span(f" {status.glyph}{gap}{number_of}", status.tone if number_of else Tone.MUTED))
    return [*spans, Span(" ")]


_CELLS = (11, 9, 9, 9)


def _titles(width: int) -> Line:
    names = [left(name, size) for name, size in zip(("", "now", "1m ago", "limit"), _CELLS, strict=True)]
    graph = "last 10 min" if width - 3 - sum(_CELLS) >= 10 else ""
    return (Span(f"   {''.join(names)}{graph}", Tone.MUTED),)


def _row(scene: Scene, row: PoolRow, width: int) -> Line:
    show = row.gauge.show
    limit = show(row.limit) if row.limit is not None else numbers.DASH
    room = min(GRAPH, width - 4 - sum(_CELLS))
    tone = row.status.tone if row.status in (Status.WARN, Status.BAD) else Tone.PLAIN
    return (
        Span(" "),
        row.status.span if row.status is not None else Span(" "),
        Span(f" {left(row.gauge.title, _CELLS[0])}"),
        Span(left(row.shown, _CELLS[1]), tone),
        Span(left(show(row.before), _CELLS[2]) + left(limit, _CELLS[3])),
        Span(_graph(scene, row, room), tone),
    )


def _short_row(scene: Scene, row: PoolRow, width: int, *, graphs: bool) -> Line:
    limit = f" lim {row.gauge.show(row.limit)}" if row.limit is not None else ""
    room = min(10, width - 16 - len(limit)) if graphs else 0
    tone = row.status.tone if row.status in (Status.WARN, Status.BAD) else Tone.PLAIN
    return (
        Span(" "),
        row.status.span if row.status is not None else Span(" "),
        Span(f" {left(row.gauge.short, 5)}"),
        Span(left(row.shown.replace(" ", ""), 7), tone),
        Span(f"{_graph(scene, row, room)} ", tone),
        Span(limit, Tone.MUTED),
    )


def _graph(scene: Scene, row: PoolRow, width: int) -> str:
    return sparkline(scene.trails.columns(row.key, scene.t, width), row.limit, width) if width > 0 else ""


def pool_lines(scene: Scene) -> list[Line]:
    """Return one line per pool for the smallest screens: `decode  ■ KV 93% ITL 61ms q 12`."""
    return [_pool_line(pool) for pool in scene.pools]


def _pool_line(pool: PoolPanel) -> Line:
    def short(name: str) -> str:
        row = pool.row(name)
        return row.shown.replace(" ", "") if row is not None else numbers.DASH

    latency = "ttft" if pool.row("ttft") is not None else "itl"
    queue = pool.row("queue")
    waiting = numbers.count(queue.value if queue is not None else None)
    text = f" {short('load')} KV {short('kv')} {latency.upper()} {short(latency)} q {waiting}"
    return (Span(left(pool.role.value, 8)), pool.status.span, Span(text))
