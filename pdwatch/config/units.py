"""Durations as in Prometheus and sizes with decimal or binary units, from text and back."""

from __future__ import annotations

import re

_DURATION_MS = {"y": 31_536_000_000, "w": 604_800_000, "d": 86_400_000, "h": 3_600_000, "m": 60_000, "s": 1000, "ms": 1}
_DURATION = re.compile("".join(rf"(?:(?P<{unit}>\d+){unit})?" for unit in _DURATION_MS))

_SIZE = re.compile(r"(?P<number>\d+(?:\.\d+)?)\s*(?P<unit>[A-Za-z]*)")
_SIZE_BYTES = {
    "": 1,
    "b": 1,
    "kb": 1000,
    "mb": 1000**2,
    "gb": 1000**3,
    "tb": 1000**4,
    "kib": 1024,
    "mib": 1024**2,
    "gib": 1024**3,
    "tib": 1024**4,
}


def parse_duration(text: object) -> float:
    """Return the seconds of a Prometheus duration such as `500ms`, `5s` or `1h30m`; 0 needs no unit.

    Raises `ValueError` with the mend. Grammar: https://prometheus.io/docs/prometheus/latest/configuration/configuration/
    """
    word = str(text).strip() if isinstance(text, str | int | float) else "a list or mapping"
    if word == "0":
        return 0.0
    match = _DURATION.fullmatch(word)
    if match and word:
        return sum(int(match[unit] or 0) * factor for unit, factor in _DURATION_MS.items()) / 1000
    if re.fullmatch(r"\d+(\.\d+)?", word):
        raise ValueError(f"{word!r} has no unit; write {word}s for seconds")
    raise ValueError(f"{word[:40]!r} is not a duration; write it like 500ms, 5s or 1h30m")


def format_duration(seconds: float) -> str:
    """Return seconds as a Prometheus duration, exact to the millisecond."""
    rest = round(seconds * 1000)
    text = ""
    for unit, factor in list(_DURATION_MS.items())[2:]:
        count, rest = divmod(rest, factor)
        text += f"{count}{unit}" if count else ""
    return text or "0s"


def parse_size(text: object) -> int:
    """Return the bytes of a size such as `16MiB` (binary), `10MB` (decimal) or `4096`.

    Raises `ValueError` with the mend.
    """
    word = str(text).strip() if isinstance(text, str | int) else "a list or mapping"
    match = _SIZE.fullmatch(word)
    factor = _SIZE_BYTES.get(match["unit"].lower()) if match else None
    if match is None or factor is None:
        raise ValueError(f"{word[:40]!r} is not a size; write it like 16MiB, 10MB or 4096")
    return round(float(match["number"]) * factor)


def format_size(size: int) -> str:
    """Return bytes as a size in the largest binary unit that divides it."""
    for unit in ("TiB", "GiB", "MiB", "KiB"):
        factor = _SIZE_BYTES[unit.lower()]
        if size and size % factor == 0:
            return f"{size // factor}{unit}"
    return str(size)
