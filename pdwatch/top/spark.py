"""Small graphs on a fixed scale: nothing is stretched to fill, a gap stays a gap."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite, log10

LEVELS = "▁▂▃▄▅▆▇█"
_PARTS = " ▏▎▍▌▋▊▉"


def sparkline(values: Sequence[float | None], top: float | None, width: int) -> str:
    """Return one character per value, the last *width* of them, between 0 and *top*; without *top*, a round one."""
    shown = list(values)[-width:] if width > 0 else []
    scale = top if top is not None and isfinite(top) and top > 0 else round_top(shown)
    return " " * (width - len(shown)) + "".join(_level(value, scale) for value in shown)


def round_top(values: Sequence[float | None]) -> float:
    """Return the least 1, 2 or 5 times a power of ten that no value exceeds; 1 where nothing is above 0."""
    highest = max((value for value in values if value is not None and isfinite(value)), default=0.0)
    if highest <= 0:
        return 1.0
    power = 10.0 ** int(log10(highest) // 1)
    return next((step * power for step in (1.0, 2.0, 5.0) if highest <= step * power), 10.0 * power)


def _level(value: float | None, top: float) -> str:
    if value is None or not isfinite(value):
        return " "
    return LEVELS[min(7, max(0, int(8 * value / top)))]


def bar(value: float | None, top: float, width: int) -> str:
    """Return a bar of *width* cells, to an eighth of a cell."""
    if value is None or not isfinite(value) or top <= 0:
        return " " * width
    eighths = round(8 * width * min(1.0, max(0.0, value / top)))
    full, part = divmod(eighths, 8)
    return ("█" * full + (_PARTS[part] if part else "")).ljust(width)
