"""One open log file, followed by its inode whatever it is called meanwhile."""

from __future__ import annotations

import os

from pdwatch.host.logs.lines import CHUNK_BYTES, LineSplitter

_HEAD_BYTES = 64

Inode = tuple[int, int]
"""Device and inode number."""


class Follow:
    """Reads a file from a position on, and from its start again once it was truncated (`copytruncate`).

    A truncation shows in a size below the position or, when the file has grown past it again, in other first bytes.
    """

    def __init__(self, path: str, position: int | None) -> None:
        """Open *path* at *position*; `None` is its end. Raises `OSError`."""
        self.source = path
        self._file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        status = os.fstat(self._file)
        self.inode: Inode = (status.st_dev, status.st_ino)
        self.position = status.st_size if position is None else position
        self.quiet_polls = 0
        self._splitter = LineSplitter()
        self._head = b""
        self._remember_head()

    def read(self) -> tuple[list[str], int]:
        """Return the lines that the next chunk completes and how many bytes it had; 0 at the end of the file."""
        self._notice_truncation()
        chunk = os.pread(self._file, CHUNK_BYTES, self.position)
        self.position += len(chunk)
        self._remember_head()
        return self._splitter.feed(chunk), len(chunk)

    @property
    def behind_bytes(self) -> int:
        """Bytes between the position and the end of the file."""
        return max(os.fstat(self._file).st_size - self.position, 0)

    def finish(self) -> list[str]:
        """Close the file and return its last line if it had no newline."""
        os.close(self._file)
        return self._splitter.flush()

    def _notice_truncation(self) -> None:
        shorter = os.fstat(self._file).st_size < self.position
        if shorter or os.pread(self._file, len(self._head), 0) != self._head:
            self.position = 0
            self._head = b""
            self._splitter = LineSplitter()

    def _remember_head(self) -> None:
        wanted = min(self.position, _HEAD_BYTES)
        if len(self._head) < wanted:
            self._head = os.pread(self._file, wanted, 0)
