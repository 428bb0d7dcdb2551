"""Numbers as people read them, in findings and advice."""

from __future__ import annotations


def seconds(value: float) -> str:
    """Return a duration: `350 ms`, `12 s`, `4 min`, `2.5 h`."""
    if value < 1:
        return f"{value * 1000:.0f} ms"
    if value < 120:
        return f"{value:.0f} s" if value >= 10 else f"{value:.1f} s"
    return f"{value / 60:.0f} min" if value < 7200 else f"{value / 3600:.1f} h"


def percent(ratio: float) -> str:
    """Return a ratio as `93 %`."""
    return f"{ratio * 100:.0f} %"


def rate(per_second: float) -> str:
    """Return a rate per second, or per minute where that reads better."""
    return f"{per_second:.1f}/s" if per_second >= 1 else f"{per_second * 60:.1f}/min"


def times(count: int) -> str:
    """Return `once`, `twice`, `3 times`."""
    return {1: "once", 2: "twice"}.get(count, f"{count} times")
