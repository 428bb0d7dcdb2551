"""Numbers as log lines print them."""

from __future__ import annotations

import math

NUMBER = r"(-?\d{1,18}(?:\.\d{1,18})?(?:e[+-]?\d{1,3})?|nan|-?inf)"


def finite(text: str) -> float | None:
    """Return a number as printed; `None` for `nan`, infinities and for what is no number."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def ratio(text: str) -> float | None:
    """Return the ratio of a percentage without its sign."""
    value = finite(text)
    return None if value is None else value / 100
