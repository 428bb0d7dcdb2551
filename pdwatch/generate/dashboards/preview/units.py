"""Numbers as Grafana writes them, for the units that the boards use."""

from __future__ import annotations

from collections.abc import Callable

_BINARY = ("", "Ki", "Mi", "Gi", "Ti", "Pi")
_DECIMAL = ("", "k", "M", "G", "T", "P")
_MINUTE, _HOUR, _DAY = 60.0, 3600.0, 86400.0


def shown(value: float, unit: str, decimals: int | None = None) -> str:
    """Return a value in a unit of Grafana's."""
    return _FORMATS[unit](value, decimals)


def _number(value: float, decimals: int | None) -> str:
    if decimals is None and 0 < abs(value) < 0.1:
        return f"{value:.2g}"
    if decimals is None:
        decimals = 0 if abs(value) >= 100 or value == int(value) else 1 if abs(value) >= 10 else 2
    return f"{value:.{decimals}f}"


def _scaled(base: float, prefixes: tuple[str, ...], suffix: str) -> Callable[[float, int | None], str]:
    def scale(value: float, decimals: int | None) -> str:
        exponent = 0
        while abs(value) >= base and exponent < len(prefixes) - 1:
            value, exponent = value / base, exponent + 1
        return f"{_number(value, decimals)} {prefixes[exponent]}{suffix}".strip()

    return scale


def _with(suffix: str) -> Callable[[float, int | None], str]:
    return lambda value, decimals: f"{_number(value, decimals)} {suffix}"


def _percent(value: float, decimals: int | None) -> str:
    return f"{_number(100 * value, decimals)} %"


def _seconds(value: float, decimals: int | None) -> str:
    size = abs(value)
    for limit, factor, unit in (
        (1e-3, 1e6, "µs"),
        (1.0, 1e3, "ms"),
        (_MINUTE, 1.0, "s"),
        (_HOUR, 1 / _MINUTE, "min"),
        (_DAY, 1 / _HOUR, "h"),
    ):
        if size < limit:
            return "0 s" if value == 0 else f"{_number(value * factor, decimals)} {unit}"
    return f"{_number(value / _DAY, decimals)} d"


_FORMATS: dict[str, Callable[[float, int | None], str]] = {
    "none": _number,
    "short": _scaled(1000, _DECIMAL, ""),
    "percentunit": _percent,
    "s": _seconds,
    "bytes": _scaled(1024, _BINARY, "B"),
    "Bps": _scaled(1000, _DECIMAL, "B/s"),
    "cps": _with("/s"),
    "reqps": _with("req/s"),
    "watt": _scaled(1000, _DECIMAL, "W"),
    "celsius": _with("°C"),
    "hertz": _scaled(1000, _DECIMAL, "Hz"),
}
