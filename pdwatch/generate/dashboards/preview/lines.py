"""Time series as SVG."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from pdwatch.generate.dashboards.preview.canvas import Canvas, Mark
from pdwatch.generate.dashboards.preview.frames import Series
from pdwatch.generate.dashboards.preview.prometheus import Span
from pdwatch.generate.dashboards.preview.shapes import GRID, clock_marks, line, svg, tag, text, ticks
from pdwatch.generate.dashboards.preview.units import shown
from pdwatch.generate.dashboards.preview.values import PALETTE, color_of, settings, words

Json = Mapping[str, Any]
_LEFT, _TOP, _BOTTOM, _RIGHT = 62.0, 6.0, 18.0, 8.0
_LEGEND_LINE, _LETTER = 17.0, 6.6
_LONG = 40.0
"""Seconds beyond which durations are marked in minutes."""
_GAP_STEPS = 1.5
"""A hole of more steps than this breaks a line."""


@dataclass(frozen=True, slots=True)
class _Frame:
    span: Span
    width: float
    height: float
    low: float
    high: float

    def x(self, at: float) -> float:
        share = (at - self.span.start) / (self.span.end - self.span.start)
        return _LEFT + share * (self.width - _LEFT - _RIGHT)

    def y(self, value: float) -> float:
        share = (value - self.low) / (self.high - self.low)
        return self.height - _BOTTOM - share * (self.height - _BOTTOM - _TOP)


def draw(panel: Json, found: Sequence[Series], canvas: Canvas) -> str:
    """Return lines with axes, limits, marks and a legend."""
    config = panel["fieldConfig"]
    field = config["defaults"]
    stacked = field["custom"]["stacking"]["mode"] == "normal"
    looks = [_Look.of(config, each.name, index) for index, each in enumerate(found)]
    courses = _stacked(found) if stacked else [each.answer.points for each in found]
    legend_lines = min(3, 1 + sum(len(each.name) + 12 for each in found) // int(canvas.width / _LETTER))
    plot = canvas.height - legend_lines * _LEGEND_LINE - 6
    frame = _Frame(canvas.span, canvas.width, plot, *_extent(field, courses))
    floor = [courses[index - 1] if stacked and index else () for index in range(len(courses))]
    drawn = [
        _course(frame, points, below, look, field)
        for points, below, look in reversed(list(zip(courses, floor, looks, strict=True)))
    ]
    parts = (*_axes(frame, field), *_marks(frame, canvas.marks), *_limits(frame, field), *drawn)
    return svg(canvas.width, plot, "".join(parts)) + _legend(found, looks, config, legend_lines)


@dataclass(frozen=True, slots=True)
class _Look:
    color: str
    dash: str
    fill: float

    @staticmethod
    def of(config: Json, name: str, index: int) -> _Look:
        field = settings(config, name)
        fixed = field["color"].get("fixedColor")
        dashed = "custom.lineStyle" in field
        fill = 0 if dashed else field["custom"]["fillOpacity"] / 100
        return _Look(color_of(fixed) if fixed else PALETTE[index % len(PALETTE)], "6 5" if dashed else "none", fill)


def _stacked(found: Sequence[Series]) -> list[tuple[tuple[float, float], ...]]:
    height: dict[float, float] = {}
    courses = []
    for each in found:
        for at, value in each.answer.points:
            height[at] = height.get(at, 0.0) + value
        courses.append(tuple((at, height[at]) for at, _ in each.answer.points))
    return courses


def _extent(field: Json, courses: Sequence[Sequence[tuple[float, float]]]) -> tuple[float, float]:
    values = [value for points in courses for _, value in points]
    low = field.get("min", min([0.0, *values]))
    high = field.get("max", max(values, default=1.0))
    high = max([high, *values]) if "max" not in field else high
    return (low, high * 1.05) if high > low else (low, low + 1.0)


def _axes(frame: _Frame, field: Json) -> list[str]:
    parts = []
    least, of_time = float(field.get("decimals") == 0), field["unit"] == "s" and frame.high > _LONG
    for value in ticks(frame.low, frame.high, least=least, of_time=of_time):
        y = frame.y(value)
        parts.append(line(_LEFT, y, frame.width - _RIGHT, y, GRID))
        parts.append(text(shown(value, field["unit"], field.get("decimals")), _LEFT - 6, y + 4, anchor="end"))
    for at, label in clock_marks(frame.span):
        parts.append(line(frame.x(at), _TOP, frame.x(at), frame.height - _BOTTOM, GRID))
        parts.append(text(label, frame.x(at), frame.height - 4, anchor="middle"))
    return parts


def _limits(frame: _Frame, field: Json) -> list[str]:
    if field["custom"]["thresholdsStyle"]["mode"] == "off":
        return []
    steps = [step for step in field["thresholds"]["steps"] if step["value"] is not None]
    return [
        line(_LEFT, frame.y(s["value"]), frame.width - _RIGHT, frame.y(s["value"]), color_of(s["color"]), dash="8 6")
        for s in steps
        if frame.low <= s["value"] <= frame.high
    ]


def _marks(frame: _Frame, marks: Sequence[Mark]) -> list[str]:
    return [
        line(frame.x(at), _TOP, frame.x(at), frame.height - _BOTTOM, color_of(mark.color), dash="3 3")
        for mark in marks
        for at in mark.at
        if frame.span.start <= at <= frame.span.end
    ]


def _course(
    frame: _Frame,
    points: Sequence[tuple[float, float]],
    below: Sequence[tuple[float, float]],
    look: _Look,
    field: Json,
) -> str:
    stepped = field["custom"]["lineInterpolation"] == "stepAfter"
    ground = dict(below)
    parts = []
    for run in _runs(points, frame.span.step):
        path = _path(frame, run, stepped)
        edge = [(at, ground.get(at, max(0.0, frame.low))) for at, _ in run]
        area = f"{path} L" + " L".join(f"{frame.x(at):.1f},{frame.y(value):.1f}" for at, value in reversed(edge)) + "Z"
        parts.append(tag("path", d=area, fill=look.color, fill_opacity=look.fill))
        dash = {"stroke_dasharray": look.dash}
        parts.append(tag("path", d=path, fill="none", stroke=look.color, stroke_width=1.4, **dash))
        if len(run) == 1:
            at, value = run[0]
            parts.append(tag("circle", cx=f"{frame.x(at):.1f}", cy=f"{frame.y(value):.1f}", r=1.6, fill=look.color))
    return "".join(parts)


def _runs(points: Sequence[tuple[float, float]], step: float) -> list[list[tuple[float, float]]]:
    runs: list[list[tuple[float, float]]] = []
    for point in points:
        if runs and point[0] - runs[-1][-1][0] <= _GAP_STEPS * step:
            runs[-1].append(point)
        else:
            runs.append([point])
    return runs


def _path(frame: _Frame, run: Sequence[tuple[float, float]], stepped: bool) -> str:
    places = [(frame.x(at), frame.y(value)) for at, value in run]
    path = f"M{places[0][0]:.1f},{places[0][1]:.1f}"
    for x, y in places[1:]:
        path += f" H{x:.1f} V{y:.1f}" if stepped else f" L{x:.1f},{y:.1f}"
    return path


def _legend(found: Sequence[Series], looks: Sequence[_Look], config: Json, lines: int) -> str:
    entries = [
        tag("span", tag("i", style=f"background:{look.color}") + f"{escape(each.name)} <b>{_last(each, config)}</b>")
        for each, look in zip(found, looks, strict=True)
    ]
    return tag("div", "".join(entries), class_="legend", style=f"height:{lines * _LEGEND_LINE:.0f}px")


def _last(each: Series, config: Json) -> str:
    return escape(words(each.last, settings(config, each.name)))
