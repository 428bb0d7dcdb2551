"""HTML and SVG as text, and the scales of axes."""

from __future__ import annotations

import math
import time
from html import escape

from pdwatch.generate.dashboards.preview.prometheus import Span

GRID, DIM = "#2c3235", "#8e8e9a"
FONT = 11
_TIMES = (10, 15, 20, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 28800, 86400)
"""Distances between round durations, in seconds."""


def tag(name: str, content: str = "", **attributes: object) -> str:
    """Return an element; `_` in attribute names becomes `-`, a trailing one is dropped. *content* is markup."""
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(str(value))}"' for key, value in attributes.items()
    )
    return f"<{name}{written}>{content}</{name}>"


def text(words: str, x: float, y: float, *, anchor: str = "start", fill: str = DIM, size: int = FONT) -> str:
    """Return a line of text in an SVG."""
    return tag("text", escape(words), x=f"{x:.1f}", y=f"{y:.1f}", fill=fill, text_anchor=anchor, font_size=size)


def line(x1: float, y1: float, x2: float, y2: float, color: str, *, dash: str = "none", width: float = 1) -> str:
    """Return a straight line."""
    places = {"x1": f"{x1:.1f}", "y1": f"{y1:.1f}", "x2": f"{x2:.1f}", "y2": f"{y2:.1f}"}
    return tag("line", **places, stroke=color, stroke_dasharray=dash, stroke_width=width)


def svg(width: float, height: float, content: str) -> str:
    """Return a drawing."""
    return tag("svg", content, width=f"{width:.0f}", height=f"{height:.0f}", xmlns="http://www.w3.org/2000/svg")


def ticks(low: float, high: float, wanted: int = 4, least: float = 0.0, of_time: bool = False) -> list[float]:
    """Return round values from *low* to *high*, about as many as wanted and at least so far from each other."""
    raw = max(least, (high - low) / max(1, wanted))
    if raw <= 0 or not math.isfinite(raw):
        return [low]
    size = 10 ** math.floor(math.log10(raw))
    step = next(factor * size for factor in (1, 2, 2.5, 5, 10) if factor * size >= raw)
    if of_time:
        step = next((each for each in _TIMES if each >= raw), step)
    first = math.ceil(low / step - 1e-9)
    return [index * step for index in range(first, math.floor(high / step + 1e-9) + 1)]


def clock_marks(span: Span, wanted: int = 5) -> list[tuple[float, str]]:
    """Return instants within a span with their time of day, in UTC."""
    length = span.end - span.start
    step = next((s for s in (5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200) if length / s <= wanted), 21600)
    form = "%H:%M:%S" if step < 60 else "%H:%M"
    first = math.ceil(span.start / step)
    return [
        (index * step, time.strftime(form, time.gmtime(index * step)))
        for index in range(first, int(span.end // step) + 1)
    ]


def shortened(words: str, width: float, size: int = FONT) -> str:
    """Return as much of the words as fits."""
    fits = max(1, int(width / (size * 0.56)))
    return words if len(words) <= fits else words[: fits - 1] + "…"
