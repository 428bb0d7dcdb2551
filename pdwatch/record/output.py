"""One file being written, complete up to the last round at any moment."""

from __future__ import annotations

from pathlib import Path

from pdwatch.record.rotation import compression_of


class OutputFile:
    """Compresses lines in memory and writes them when a round is complete.

    What could not be written stays in memory and is what the next attempt begins with, so that the compressed stream
    has no hole. Every method that writes raises `OSError`.
    """

    def __init__(self, path: Path) -> None:
        """Create the file, which must not exist."""
        self._compressor = compression_of(path).compressor()
        self._pending = bytearray()
        self._file = path.open("xb", buffering=0)
        self.size = 0
        """Bytes on disk."""

    def add(self, line: bytes) -> None:
        """Hold a line for the next `flush`."""
        self._pending += self._compressor.compress(line)

    def flush(self) -> None:
        """Write every line, so that a process that is killed afterwards leaves them readable."""
        self._pending += self._compressor.sync()
        self.resume()

    def resume(self) -> None:
        """Write what is left from an attempt that failed."""
        while self._pending:
            written = self._file.write(self._pending)
            del self._pending[:written]
            self.size += written

    def close(self) -> None:
        """Write every line and the end of the stream. The file is closed also when this raises."""
        with self._file:
            self._pending += self._compressor.finish()
            self.resume()

    def abandon(self) -> None:
        """Close the file as it is."""
        self._file.close()
