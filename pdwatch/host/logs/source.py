"""What every source of log lines offers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

BYTES_PER_POLL = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Batch:
    """Consecutive lines of one log; `source` names it: a path, a unit, `stdin`."""

    source: str
    lines: list[str]


class LogSource(Protocol):
    """Somewhere lines come from. Polling never waits, and one poll reads a bounded number of bytes."""

    def poll(self) -> Iterator[Batch]:
        """Yield what was written since the last poll, a chunk at a time.

        Raises `CollectError` when the source failed as a whole; the next poll tries again.
        """
        ...

    @property
    def behind_bytes(self) -> int:
        """Bytes known to be written and not yet read."""
        ...

    @property
    def notes(self) -> tuple[str, ...]:
        """What of it could not be read, with the mend."""
        ...

    def close(self) -> None:
        """Give back files and processes."""
        ...
