"""A time as a viewer writes it."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

_BACK = re.compile(r"-(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?")
_CLOCK = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2}))?")
_MEND = "write a time of day in UTC such as 14:18, how far back such as -10m, or 2026-08-21T14:18:05Z"


def moment(text: str, reference: float, start: float | None = None) -> float:
    """Return Unix seconds of *text*, seen from *reference*: `-10m`, `14:18`, `14:18:05`, `2026-08-21T14:18:05Z`.

    A time of day is the last one that is not later than *reference* or, in a recording that begins at *start*, the
    first one in it. Raises `ValueError` in one line otherwise.
    """
    stripped = text.strip()
    back = _BACK.fullmatch(stripped)
    if back is not None and any(back.groups()):
        days, hours, minutes, seconds = (int(part or 0) for part in back.groups())
        return reference - timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds).total_seconds()
    try:
        clock = _CLOCK.fullmatch(stripped)
        return _of_day(clock, reference, start) if clock is not None else _stamp(stripped)
    except (ValueError, OverflowError, OSError):
        raise ValueError(f"{text!r} is no time; {_MEND}") from None


def _of_day(clock: re.Match[str], reference: float, start: float | None) -> float:
    hour, minute, second = (int(part or 0) for part in clock.groups())
    day = datetime.fromtimestamp(reference if start is None else start, UTC)
    at = day.replace(hour=hour, minute=minute, second=second, microsecond=0)
    if start is not None:
        return (at if at >= day else at + timedelta(days=1)).timestamp()
    return (at if at <= day else at - timedelta(days=1)).timestamp()


def _stamp(text: str) -> float:
    at = datetime.fromisoformat(text)
    return (at if at.tzinfo is not None else at.replace(tzinfo=UTC)).timestamp()
