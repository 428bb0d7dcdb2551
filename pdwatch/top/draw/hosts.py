"""The hosts: their GPUs and fabric ports; and where there are none, why."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from pdwatch.model.port import PortCounter, PortReading
from pdwatch.top import numbers
from pdwatch.top.cells import Line, Span, Tone, clean, left, right, width_of, wrap
from pdwatch.top.hardware import GpuRow, PortRow, gpu_rows, port_rows, silent_hosts
from pdwatch.top.scene import Scene
from pdwatch.top.spark import sparkline
from pdwatch.top.status import Status

_GRAPH = 12
_MEND = (
    "They come from the hosts: run `pdwatch agent` on each, and name it under `hosts` in the configuration of serve.",
    "dcgm-exporter and node_exporter are read there as well.",
)
Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class _Column(Generic[Row]):
    title: str
    width: int
    """Of its cells; of text, as wide as the longest, up to twice this."""
    show: Callable[[Row], str]
    right: bool = True


def gpus(scene: Scene, width: int) -> list[Line]:
    """Return every GPU, one line each."""
    snapshot = scene.snapshot
    rows = gpu_rows(snapshot, scene.service) if snapshot is not None else []
    if not rows:
        return _empty(scene, "GPUs", width)
    columns = _fitting(_GPU, rows, width)
    lines = [_headings(columns, "use 10 min")]
    for row in sorted(rows, key=lambda row: -row.status):
        graph = sparkline(scene.trails.columns(row.key, scene.t, _GRAPH), 1.0, _GRAPH)
        lines.append(_line(row.status, columns, row, graph))
    return [*lines, *_silent(scene)]


def ports(scene: Scene, width: int) -> list[Line]:
    """Return every fabric port, one line each."""
    snapshot = scene.snapshot
    rows = port_rows(snapshot, scene.service) if snapshot is not None else []
    if not rows:
        return _empty(scene, "fabric ports", width)
    columns = _fitting(_port_columns(scene), rows, width)
    lines = [_headings(columns, "rx 10 min")]
    for row in sorted(rows, key=lambda row: -row.status if row.status is not None else 1):
        top = row.port.rate_bits_per_second
        values = scene.trails.columns(row.key("rx"), scene.t, _GRAPH)
        lines.append(_line(row.status, columns, row, sparkline(values, top / 8 if top else None, _GRAPH)))
    return [*lines, *_silent(scene)]


def _empty(scene: Scene, what: str, width: int) -> list[Line]:
    known = len(scene.snapshot.hosts) if scene.snapshot is not None else 0
    counted = "1 host is" if known == 1 else f"{known} hosts are"
    said = f"{counted} known; none tells of {what}." if known else f"No host data: nothing is known of {what}."
    mend = _MEND if not known else ()
    head: Line = (Span(" "), Status.UNKNOWN.span, Span(f" {said}"))
    return [
        head,
        *((Span(f"   {text}", Tone.MUTED),) for part in mend for text in wrap(part, max(10, width - 6))),
        *_silent(scene),
    ]


def _silent(scene: Scene) -> list[Line]:
    hosts = silent_hosts(scene.snapshot) if scene.snapshot is not None else []
    return [
        (
            Span(" "),
            Status.UNKNOWN.span,
            Span(f" {state.host}: {state.error or 'no reading'}, last {numbers.duration(state.age_seconds)} ago"),
        )
        for state in hosts
    ]


_Placed = list[tuple[_Column[Row], int]]
"""Columns that fit, each with its width."""


def _fitting(columns: Sequence[_Column[Row]], rows: Sequence[Row], width: int) -> _Placed[Row]:
    room, kept = width - 3 - _GRAPH, []
    for column in columns:
        size = column.width if column.right else _longest(column, rows)
        room -= size + 2
        if room < 0:
            break
        kept.append((column, size))
    return kept


def _longest(column: _Column[Row], rows: Sequence[Row]) -> int:
    longest = max(width_of(clean(column.show(row))) for row in rows)
    return min(max(len(column.title), longest), 2 * column.width)


def _headings(columns: _Placed[Row], graph: str) -> Line:
    cells = [(right if column.right else left)(column.title, size) for column, size in columns]
    return (Span(f"   {'  '.join([*cells, graph])}", Tone.MUTED),)


def _line(status: Status | None, columns: _Placed[Row], row: Row, graph: str) -> Line:
    cells = [(right if column.right else left)(clean(column.show(row)), size) for column, size in columns]
    base = Tone.MUTED if status is None else Tone.PLAIN
    return (Span(" "), status.span if status is not None else Span(" "), Span(f" {'  '.join([*cells, graph])}", base))


def _memory(row: GpuRow) -> str:
    used, total = row.gpu.memory_used_bytes, row.gpu.memory_total_bytes
    return numbers.DASH if used is None or total is None else f"{used / 2**30:.0f}/{total / 2**30:.0f} GiB"


def _power(row: GpuRow) -> str:
    watts, limit = row.gpu.power_watts, row.gpu.power_limit_watts
    return numbers.DASH if watts is None else f"{watts:.0f}/{numbers.count(limit)} W"


def _clock(row: GpuRow) -> str:
    hertz = row.gpu.clock_sm_hertz
    return numbers.DASH if hertz is None else f"{hertz / 1e9:.2f} GHz"


def _celsius(row: GpuRow) -> str:
    degrees = row.gpu.temperature_celsius
    return numbers.DASH if degrees is None else f"{degrees:.0f} C"


def _nvlinks(row: GpuRow) -> str:
    links, up = row.gpu.nvlinks, row.gpu.nvlinks_active
    return numbers.DASH if not links or up is None else f"{up}/{links}"


_GPU: tuple[_Column[GpuRow], ...] = (
    _Column("gpu", 13, lambda row: f"{row.host}:{row.gpu.index}", right=False),
    _Column("use", 5, lambda row: numbers.percent(row.gpu.utilization_ratio)),
    _Column("memory", 11, _memory),
    _Column("worker", 10, lambda row: ", ".join(row.workers) or numbers.DASH, right=False),
    _Column("held back by", 16, lambda row: row.trouble or numbers.DASH, right=False),
    _Column("temp", 5, _celsius),
    _Column("power", 9, _power),
    _Column("SM clock", 8, _clock),
    _Column("NVLink", 6, _nvlinks),
)


def _gigabits(port: PortReading) -> str:
    rate = port.rate_bits_per_second
    return numbers.DASH if rate is None else f"{rate / 1e9:.0f} Gb/s"


def _counter(*counters: PortCounter) -> Callable[[PortRow], str]:
    def show(row: PortRow) -> str:
        values = [row.port.counters[counter] for counter in counters if counter in row.port.counters]
        return numbers.count(float(sum(values))) if values else numbers.DASH

    return show


def _rate(scene: Scene, way: str) -> Callable[[PortRow], str]:
    return lambda row: numbers.speed(scene.trails.before(row.key(way), scene.t, 0.0))


def _port_columns(scene: Scene) -> tuple[_Column[PortRow], ...]:
    return (
        _Column("port", 16, lambda row: f"{row.host} {row.port.device}/{row.port.port}", right=False),
        _Column("state", 6, lambda row: row.port.state.value if row.port.state else numbers.DASH, right=False),
        _Column("rate", 8, lambda row: _gigabits(row.port)),
        _Column("rx", 9, _rate(scene, "rx")),
        _Column("tx", 9, _rate(scene, "tx")),
        _Column("discards", 8, _counter(PortCounter.TX_DISCARDS, PortCounter.RX_DROPS)),
        _Column("symbol", 7, _counter(PortCounter.SYMBOL_ERRORS)),
        _Column("CNP", 7, _counter(PortCounter.CNP_HANDLED)),
        _Column("downs", 6, _counter(PortCounter.LINK_DOWNED)),
    )
