"""Numbers as people read them; what is not known is a dash."""

from __future__ import annotations

DASH = "–"


def count(value: float | None) -> str:
    """A number of things: `3`, `2.5`, `12 400`."""
    if value is None:
        return DASH
    rounded = round(value, 1) if abs(value) < 10 else round(value)
    return f"{rounded:,g}".replace(",", " ") if abs(rounded) < 1e6 else f"{rounded:,.0f}".replace(",", " ")


def percent(ratio: float | None) -> str:
    """A share: `93 %`."""
    return DASH if ratio is None else f"{100 * ratio:.0f} %"


def factor(ratio: float | None) -> str:
    """A ratio around one: `1.25`."""
    return DASH if ratio is None else f"{ratio:.2f}"


def duration(seconds: float | None) -> str:
    """A time span in its two largest units: `35 ms`, `1.4 s`, `3 min 20 s`, `2 h 5 min`, `3 d 4 h`."""
    if seconds is None:
        return DASH
    if seconds < 1:
        return f"{1000 * seconds:.0f} ms"
    if seconds < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    whole = int(seconds)
    for size, unit, part, part_unit in ((86400, "d", 3600, "h"), (3600, "h", 60, "min"), (60, "min", 1, "s")):
        if whole >= size:
            return f"{whole // size} {unit} {whole % size // part} {part_unit}"
    return DASH


def replicas(current: int, desired: int | None) -> str:
    """Replicas there are and, where it differs, those wanted: `4`, `4 → 6`."""
    return str(current) if desired is None or desired == current else f"{current} → {desired}"
