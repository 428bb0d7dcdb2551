"""Numbers as people read them. What is not known is a dash; every number has its unit."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from math import isfinite

DASH = "–"

_LARGE = ((1e12, " T"), (1e9, " G"), (1e6, " M"), (1e4, " k"))


def percent(ratio: float | None) -> str:
    """Return a ratio as `93 %`."""
    return DASH if ratio is None or not isfinite(ratio) else f"{_rounded(100 * ratio, 0)} %"


def seconds(value: float | None) -> str:
    """Return a latency: `38 ms`, `1.42 s`, `75 s`, `4m10s`."""
    if value is None or not isfinite(value):
        return DASH
    if value < 0.01:
        return f"{_rounded(1000 * value, 1)} ms"
    if value < 0.9995:
        return f"{_rounded(1000 * value, 0)} ms"
    if value < 100:
        return f"{value:.2f} s" if value < 9.995 else f"{value:.1f} s"
    return duration(value)


def duration(value: float | None) -> str:
    """Return how long: `12s`, `4m10s`, `2h04m`, `3d02h`."""
    if value is None or not isfinite(value):
        return DASH
    whole = max(0, round(value))
    minutes, second = divmod(whole, 60)
    hours, minute = divmod(minutes, 60)
    days, hour = divmod(hours, 24)
    if days:
        return f"{days}d{hour:02}h"
    if hours:
        return f"{hour}h{minute:02}m"
    return f"{minute}m{second:02}s" if minutes else f"{whole}s"


def count(value: float | None) -> str:
    """Return a number of things: `3`, `0.4`, `128`, `43.9 k`."""
    if value is None or not isfinite(value):
        return DASH
    for size, letter in _LARGE:
        if abs(value) >= size:
            scale = size if size > 1e4 else 1e3
            return f"{_three(value / scale)}{letter}"
    if value == int(value) or abs(value) >= 100:
        return f"{value:.0f}"
    return _rounded(value, 1 if abs(value) >= 0.1 else 2)


def rate(value: float | None) -> str:
    """Return how many a second, or a minute where that reads better: `212 k/s`, `3.1 /s`, `0.6 /min`."""
    if value is None or not isfinite(value):
        return DASH
    if 0 < abs(value) < 0.02:
        return f"{_rounded(60 * value, 1)} /min"
    text = count(value)
    return f"{text}/s" if text[-1].isalpha() else f"{text} /s"


def size(value: float | None) -> str:
    """Return bytes in decimal units: `412 MB`, `18.4 GB`."""
    if value is None or not isfinite(value):
        return DASH
    for scale, unit in ((1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if abs(value) >= scale:
            return f"{_three(value / scale)} {unit}"
    return f"{value:.0f} B"


def speed(value: float | None) -> str:
    """Return bytes a second: `3.9 GB/s`."""
    text = size(value)
    return text if text == DASH else f"{text}/s"


def factor(value: float | None) -> str:
    """Return how many times: `1.18 x`."""
    return DASH if value is None or not isfinite(value) else f"{value:.2f} x"


_BY_UNIT: Mapping[str, Callable[[float | None], str]] = {
    "ratio": percent,
    "seconds": seconds,
    "per second": rate,
    "requests": lambda value: with_unit(value, "req"),
    "tokens": lambda value: with_unit(value, "tokens"),
    "tokens per second": rate,
    "bytes": size,
    "bytes per second": speed,
    "bits per second": lambda value: _scaled(value, "b/s"),
    "hertz": lambda value: _scaled(value, "Hz"),
}


def with_unit(value: float | None, unit: str) -> str:
    """Return a count with the word for what is counted."""
    text = count(value)
    return text if text == DASH else f"{text} {unit}"


def _scaled(value: float | None, unit: str) -> str:
    """Return a number with its prefix before the unit: `400 Gb/s`."""
    text = with_unit(value, unit)
    head, _, tail = text.rpartition(" ")
    return f"{head}{tail}" if head[-1:].isalpha() else text


def quantity(value: float | None, unit: str) -> str:
    """Return a value in the unit that an evidence names."""
    known = _BY_UNIT.get(unit)
    return known(value) if known is not None else with_unit(value, unit)


def clock(t: float) -> str:
    """Return the time of day of Unix seconds, in UTC: `14:22:07`."""
    return _moment(t, "%H:%M:%S")


def stamp(t: float) -> str:
    """Return Unix seconds as `2026-08-21T14:22:07Z`."""
    return _moment(t, "%Y-%m-%dT%H:%M:%SZ")


def _moment(t: float, pattern: str) -> str:
    try:
        return datetime.fromtimestamp(t, UTC).strftime(pattern)
    except (ValueError, OverflowError, OSError):
        return DASH


def _rounded(value: float, digits: int) -> str:
    text = f"{value:.{digits}f}"
    return text.lstrip("-") if not float(text) else text


def _three(value: float) -> str:
    """Return three significant digits."""
    return f"{value:.0f}" if abs(value) >= 99.95 else f"{value:.1f}" if abs(value) >= 9.995 else f"{value:.2f}"
