"""Numbers out of a file that pdwatch wrote, and that anything may have changed since."""

from __future__ import annotations

_MOST = 1e15
"""Above any time, count or sum that is ever written."""


def number(value: object) -> float:
    """Return a time, a count or a sum. Raises `ValueError` where *value* is none that could have been written."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= _MOST:
        raise ValueError(f"a number from 0 to {_MOST:g} is expected, not {value!r}")
    return float(value)
