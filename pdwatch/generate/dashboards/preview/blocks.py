"""Stats, bars, tables, heatmaps and states."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from pdwatch.generate.dashboards.preview.canvas import Canvas
from pdwatch.generate.dashboards.preview.frames import Row, Series, columns
from pdwatch.generate.dashboards.preview.prometheus import Span
from pdwatch.generate.dashboards.preview.shapes import clock_marks, shortened, svg, tag, text
from pdwatch.generate.dashboards.preview.units import shown
from pdwatch.generate.dashboards.preview.values import color, mapped, settings, words

Json = Mapping[str, Any]
_DARK = "#111217"
_LABEL, _FOOT = 150.0, 18.0
_NOTHING = 1e-9
"""Below this a cell is what is left of subtracting sums."""
_BAND = ("#23171b", "#3f3da8", "#2f9df5", "#4df884", "#dedd32", "#f65f18", "#900c00")
"""From few to many."""


def stat(panel: Json, found: Sequence[Series], canvas: Canvas) -> str:
    """Return tiles with a value and, where it is asked for, name and course."""
    options, tiles = panel["options"], []
    for each in found:
        field = settings(panel["fieldConfig"], each.name)
        shade = color(each.last, field)
        filled = options["colorMode"] == "background"
        named = options["textMode"] == "value_and_name"
        inside = tag("small", escape(each.name)) if named else ""
        inside += tag("strong", escape(words(each.last, field)))
        if options["graphMode"] == "area":
            inside += _spark(each, canvas.span, canvas.width / len(found) - 16, canvas.height * 0.3, shade)
        style = f"background:{shade};color:{_DARK}" if filled else f"color:{shade}"
        tiles.append(tag("div", inside, class_="tile", style=style))
    return tag("div", "".join(tiles), class_="tiles")


def _spark(each: Series, span: Span, width: float, height: float, shade: str) -> str:
    points = each.answer.points
    top = max((value for _, value in points), default=0.0) or 1.0
    length = span.end - span.start
    places = [((at - span.start) / length * width, height - value / top * (height - 2)) for at, value in points]
    path = "M" + " L".join(f"{x:.1f},{y:.1f}" for x, y in places)
    area = f"{path} L{places[-1][0]:.1f},{height:.1f} L{places[0][0]:.1f},{height:.1f} Z"
    parts = tag("path", d=area, fill=shade, fill_opacity=0.2) + tag("path", d=path, fill="none", stroke=shade)
    return svg(width, height, parts)


def bars(panel: Json, found: Sequence[Series], _: Canvas) -> str:
    """Return a horizontal bar for each series."""
    field = panel["fieldConfig"]["defaults"]
    top = field.get("max", max((each.last for each in found), default=1.0)) or 1.0
    lines = [
        tag("span", escape(each.name), class_="name")
        + tag("span", tag("i", style=f"width:{_share(each.last, top):.1f}%;background:{color(each.last, field)}"))
        + tag("span", escape(words(each.last, field)), class_="value", style=f"color:{color(each.last, field)}")
        for each in found
    ]
    return tag("div", "".join(tag("div", each) for each in lines), class_="bars")


def _share(value: float, top: float) -> float:
    return 100 * min(1.0, max(0.0, value / top))


def table(panel: Json, found: Sequence[Row]) -> str:
    """Return a table with colored cells."""
    present = [(name, title) for name, title in columns(panel) if any(name in row for row in found)]
    head = "".join(tag("th", escape(title)) for _, title in present)
    body = "".join(
        tag("tr", "".join(_cell(row.get(name), settings(panel["fieldConfig"], name)) for name, _ in present))
        for row in found
    )
    return tag("table", tag("tr", head) + body)


def _cell(value: float | str | None, field: Json) -> str:
    if value is None:
        return tag("td")
    kind = field.get("custom.cellOptions", field["custom"]["cellOptions"])["type"]
    shade = color(value, field)
    plain = isinstance(value, str) and mapped(value, field) is None
    style = {
        "color-background": f"background:{shade};color:{_DARK}",
        "color-text": f"color:{shade}",
    }.get(kind, "")
    return tag("td", escape(words(value, field)), style="" if plain else style)


def heatmap(panel: Json, found: Sequence[Series], canvas: Canvas) -> str:
    """Return cells over time and buckets, from dark for few to bright for many."""
    buckets = sorted(found, key=lambda each: float(each.name))
    columns_at = sorted({at for each in buckets for at, _ in each.answer.points})
    counts = _counts(buckets, columns_at)
    shown_rows = [row for row, cells in enumerate(counts) if max(cells, default=0.0) > _NOTHING] or [0]
    rows = range(max(0, shown_rows[0] - 1), min(len(buckets), shown_rows[-1] + 2))
    most = max((cell for cells in counts for cell in cells), default=0.0) or 1.0
    span, width, height = canvas.span, canvas.width, canvas.height
    left, plot = 58.0, height - _FOOT
    cell_w, cell_h = (width - left - 8) / max(1, len(columns_at)), plot / len(rows)
    parts = []
    for line, row in enumerate(reversed(rows)):
        edge = (
            shown(float(buckets[row].name), panel["options"]["yAxis"]["unit"]) if buckets[row].name != "+Inf" else "∞"
        )
        parts.append(text(f"≤ {edge}", left - 6, line * cell_h + cell_h / 2 + 4, anchor="end", size=10))
        for at, cell in enumerate(counts[row]):
            if cell > _NOTHING:
                place = {"x": f"{left + at * cell_w:.1f}", "y": f"{line * cell_h:.1f}"}
                size = {"width": f"{max(0.5, cell_w - 0.5):.1f}", "height": f"{max(0.5, cell_h - 1):.1f}"}
                parts.append(tag("rect", **place, **size, fill=_shade(cell / most)))
    for instant, label in clock_marks(span):
        x = left + (instant - span.start) / (span.end - span.start) * (width - left - 8)
        parts.append(text(label, x, height - 4, anchor="middle"))
    return svg(width, height, "".join(parts))


def _counts(buckets: Sequence[Series], columns_at: Sequence[float]) -> list[list[float]]:
    """Return what lies in each bucket itself, by bucket and instant."""
    cumulative = [dict(each.answer.points) for each in buckets]
    return [
        [
            max(0.0, cumulative[row].get(at, 0.0) - (cumulative[row - 1].get(at, 0.0) if row else 0.0))
            for at in columns_at
        ]
        for row in range(len(buckets))
    ]


def _shade(share: float) -> str:
    return _BAND[min(len(_BAND) - 1, 1 + int(share**0.5 * (len(_BAND) - 1)))]


def states(panel: Json, found: Sequence[Series], canvas: Canvas) -> str:
    """Return a band for each series, in the color and the words of its value."""
    span, width, height = canvas.span, canvas.width, canvas.height
    field = panel["fieldConfig"]["defaults"]
    band = min(44.0, (height - _FOOT) / max(1, len(found)))
    scale = (width - _LABEL - 8) / (span.end - span.start)
    parts = []
    for line, each in enumerate(found):
        parts.append(text(shortened(each.name, _LABEL - 10), _LABEL - 8, line * band + band / 2 + 4, anchor="end"))
        for start, end, value in _held(each, span):
            x, wide = _LABEL + (start - span.start) * scale, (end - start) * scale
            place = {"x": f"{x:.1f}", "y": f"{line * band + 2:.1f}", "width": f"{wide:.1f}"}
            parts.append(tag("rect", **place, height=f"{band - 4:.1f}", fill=color(value, field)))
            said = shortened(words(value, field), wide)
            if wide > 24:
                parts.append(text(said, x + wide / 2, line * band + band / 2 + 4, anchor="middle", fill=_DARK))
    for instant, label in clock_marks(span):
        parts.append(text(label, _LABEL + (instant - span.start) * scale, height - 4, anchor="middle"))
    return svg(width, height, "".join(parts))


def _held(each: Series, span: Span) -> list[tuple[float, float, float]]:
    """Return from when to when which value was held."""
    runs: list[tuple[float, float, float]] = []
    for at, value in each.answer.points:
        end = min(at + span.step, span.end)
        if runs and runs[-1][2] == value and at - runs[-1][1] <= span.step / 2:
            runs[-1] = (runs[-1][0], end, value)
        else:
            runs.append((at, end, value))
    return runs
