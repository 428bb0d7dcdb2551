"""From chunks of bytes to lines of text, in bounded memory."""

from __future__ import annotations

CHUNK_BYTES = 256 * 1024
LONGEST_LINE = 64 * 1024


class LineSplitter:
    """Joins chunks and cuts them at newlines; how the bytes were chunked makes no difference.

    Bytes beyond *limit* of a line are dropped, invalid UTF-8 becomes U+FFFD, a carriage return at the end goes.
    """

    def __init__(self, limit: int = LONGEST_LINE) -> None:
        self._limit = limit
        self._pending = b""

    def feed(self, chunk: bytes) -> list[str]:
        """Return the lines that *chunk* completes."""
        first, newline, rest = chunk.partition(b"\n")
        self._pending = (self._pending + first)[: self._limit]
        if not newline:
            return []
        parts = rest.split(b"\n")
        completed = [self._text(self._pending), *map(self._text, parts[:-1])]
        self._pending = parts[-1][: self._limit]
        return completed

    def flush(self) -> list[str]:
        """Return the line that has no newline yet, if any, and forget it."""
        pending, self._pending = self._pending, b""
        return [self._text(pending)] if pending else []

    def _text(self, line: bytes) -> str:
        return line[: self._limit].decode("utf-8", "replace").rstrip("\r")
