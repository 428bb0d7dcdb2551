"""What a reader passed over: each reason once, with its first line and how often."""

from __future__ import annotations

from collections.abc import Callable

MAX_REASONS = 50
OTHERS = "skipped for further reasons"


class Notes:
    """Counts reasons; hands each one to *report* the first time, so that it can be told while a stream is read."""

    def __init__(self, report: Callable[[str], None] | None = None) -> None:
        self._report = report
        self._seen: dict[str, tuple[int | None, int]] = {}

    def add(self, reason: str, line: int | None = None) -> None:
        """Count *reason*; *line* is the line number in the file, from 1, None where it is about the whole."""
        if reason not in self._seen and len(self._seen) >= MAX_REASONS:
            reason = OTHERS
        first, count = self._seen.get(reason, (line, 0))
        self._seen[reason] = (first, count + 1)
        if count == 0 and self._report is not None:
            self._report(_text(reason, first, 1))

    @property
    def count(self) -> int:
        """How often anything was noted."""
        return sum(count for _, count in self._seen.values())

    def lines(self) -> list[str]:
        """Return one line for each reason, in the order in which they came up."""
        return [_text(reason, first, count) for reason, (first, count) in self._seen.items()]


def _text(reason: str, line: int | None, count: int) -> str:
    if line is None:
        return reason
    others = f" and {count - 1} more" if count > 1 else ""
    return f"line {line}{others}: {reason}"
