"""What can go wrong with a recording.

RecordingError     the whole recording is of no use, or cannot be written
LineSkipped        one line is of no use; the reader notes it and goes on
"""

from __future__ import annotations

SHOWN_CHARS = 40


class RecordingError(Exception):
    """One line for people: the file, what is wrong and the mend."""


class LineSkipped(Exception):  # noqa: N818  a line without meaning is no error
    """Why a line yields no event; `foreign` where nothing about it looks like a recording."""

    def __init__(self, reason: str, *, foreign: bool = False) -> None:
        super().__init__(reason)
        self.foreign = foreign


def shown(text: str) -> str:
    """Return text of the file fit for a message: quoted, short, free of control characters."""
    return repr(text if len(text) <= SHOWN_CHARS else f"{text[:SHOWN_CHARS]}…")
