"""Numbers as people read them, in findings and advice."""

from __future__ import annotations


def seconds(value: float) -> str:
    """Return a duration: `42 µs`, `350 ms`, `12 s`, `4 min`, `2.5 h`."""
    if 0 < value < 0.001:
        return f"{value * 1e6:.0f} µs"
    if value < 1:
        return f"{value * 1000:.0f} ms"
    if value < 120:
        return f"{value:.0f} s" if value >= 10 else f"{value:.1f} s"
    return f"{value / 60:.0f} min" if value < 7200 else f"{value / 3600:.1f} h"


def percent(ratio: float) -> str:
    """Return a ratio as `93 %`, one below a hundredth as `0.4 %`."""
    return f"{ratio * 100:.0f} %" if ratio >= 0.0095 or ratio <= 0 else f"{ratio * 100:.1g} %"


def rate(per_second: float) -> str:
    """Return a rate per second, or per minute where that reads better."""
    return f"{per_second:.1f}/s" if per_second >= 1 else f"{per_second * 60:.1f}/min"


def times(count: int) -> str:
    """Return `once`, `twice`, `3 times`."""
    return {1: "once", 2: "twice"}.get(count, f"{count} times")


def gigabits(bits_per_second: float) -> str:
    """Return the rate of a link: `400 Gb/s`."""
    return f"{bits_per_second / 1e9:.4g} Gb/s"


def bandwidth(bytes_per_second: float) -> str:
    """Return a bandwidth: `3.2 GB/s`, `85 MB/s`."""
    if bytes_per_second >= 1e9:
        return f"{bytes_per_second / 1e9:.1f} GB/s"
    return f"{bytes_per_second / 1e6:.3g} MB/s"


def size(count: float) -> str:
    """Return a number of bytes: `1.5 GB`, `64 MB`, `64 kB`."""
    for factor, unit in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if count >= factor:
            return f"{count / factor:.3g} {unit}"
    return f"{count:.0f} bytes"
