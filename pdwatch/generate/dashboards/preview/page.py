"""One board as a page: panels on the grid, repeated rows written out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from html import escape
from typing import Any

from pdwatch.generate.dashboards.grafana import ALL
from pdwatch.generate.dashboards.panels import COLUMNS
from pdwatch.generate.dashboards.preview import blocks, lines
from pdwatch.generate.dashboards.preview.canvas import Canvas, Mark
from pdwatch.generate.dashboards.preview.frames import Series, Source, known, rows, series
from pdwatch.generate.dashboards.preview.prometheus import PreviewError
from pdwatch.generate.dashboards.preview.shapes import tag
from pdwatch.generate.dashboards.preview.style import GAP, PADDING, STYLE, UNIT, WIDTH
from pdwatch.generate.dashboards.preview.variables import put

Json = Mapping[str, Any]
_TITLE = 36
"""Height of a panel's title with the space around it, in pixels."""
_SERIES: Mapping[str, Callable[[Json, Sequence[Series], Canvas], str]] = {
    "timeseries": lines.draw,
    "stat": blocks.stat,
    "bargauge": blocks.bars,
    "heatmap": blocks.heatmap,
    "state-timeline": blocks.states,
}


def page(dashboard: Json, source: Source, links: Mapping[str, str]) -> str:
    """Return the page of a board. *links* names the pages of its set, by file. Raises `PreviewError`."""
    found = (_mark(each, source) for each in dashboard["annotations"]["list"])
    marks = tuple(mark for mark in found if mark is not None)
    body = "".join(_placed(panel, at, marks) for panel, at in _expanded(dashboard, source))
    menu = "".join(tag("a", escape(title), href=file) for file, title in links.items())
    head = tag("h1", escape(dashboard["title"])) + tag("p", escape(dashboard["description"])) + tag("p", menu)
    meta = '<meta charset="utf-8">' + tag("title", escape(dashboard["title"])) + tag("style", STYLE)
    return "<!doctype html>" + tag("html", tag("head", meta) + tag("body", head + tag("main", body)))


def _mark(annotation: Json, source: Source) -> Mark | None:
    if "expr" not in annotation or not annotation["enable"]:
        return None
    found = source.ask({"expr": annotation["expr"], "instant": False})
    begins = [
        at
        for each in found
        for index, (at, _) in enumerate(each.points)
        if not index or at - each.points[index - 1][0] > 1.5 * source.span.step
    ]
    return Mark(annotation["iconColor"], tuple(begins))


def _expanded(dashboard: Json, source: Source) -> Iterator[tuple[Json, Source]]:
    """Yield the panels with repeated rows written out below each other."""
    shift = 0
    for row in _rows(dashboard["panels"]):
        name = row[0].get("repeat")
        each = [source.where(name, value) for value in known(dashboard, name, source)] if name else [source]
        height = _height(row)
        for turn, own in enumerate(each):
            for panel in row:
                yield _moved(panel, shift + turn * height), own
        shift += (len(each) - 1) * height


def _rows(panels: Sequence[Json]) -> list[list[Json]]:
    found: list[list[Json]] = []
    for panel in panels:
        if panel["type"] == "row":
            found.append([panel])
        else:
            found[-1].append(panel)
    return found


def _height(row: Sequence[Json]) -> int:
    places = [panel["gridPos"] for panel in row]
    return int(max(place["y"] + place["h"] for place in places) - min(place["y"] for place in places))


def _moved(panel: Json, down: int) -> Json:
    return {**panel, "gridPos": {**panel["gridPos"], "y": panel["gridPos"]["y"] + down}}


def _placed(panel: Json, source: Source, marks: tuple[Mark, ...]) -> str:
    at = panel["gridPos"]
    style = f"grid-column: {at['x'] + 1} / span {at['w']}; grid-row: {at['y'] + 1} / span {at['h']}"
    named = {name: "All" if value == ALL else value for name, value in source.values.items()}
    title = escape(put(named, panel["title"]))
    if panel["type"] == "row":
        return tag("h3", f"▸ {title}, folded" if panel["collapsed"] else title, style=style)
    inside = tag("h2", title, title=panel["description"]) + _content(panel, source, marks)
    return tag("section", inside, style=style)


def _content(panel: Json, source: Source, marks: tuple[Mark, ...]) -> str:
    try:
        drawn = _drawn(panel, source, marks)
    except PreviewError as error:
        return tag("div", escape(str(error)), class_="none error")
    missing = panel["fieldConfig"]["defaults"].get("noValue", "no data")
    return drawn or tag("div", escape(missing), class_="none")


def _drawn(panel: Json, source: Source, marks: tuple[Mark, ...]) -> str:
    if panel["type"] == "table":
        found_rows = rows(panel, source)
        return blocks.table(panel, found_rows) if found_rows else ""
    found = series(panel, source)
    at, column = panel["gridPos"], (WIDTH + GAP) / COLUMNS
    width = at["w"] * column - GAP - 2 * PADDING - 2
    height = at["h"] * (UNIT + GAP) - GAP - _TITLE
    return _SERIES[panel["type"]](panel, found, Canvas(source.span, width, height, marks)) if found else ""
