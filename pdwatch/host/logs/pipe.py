"""Log lines from a pipe: standard input, or the output of `journalctl`."""

from __future__ import annotations

import os
import select
import subprocess
from collections.abc import Iterator, Sequence

from pdwatch.host.collector import CollectError
from pdwatch.host.logs.lines import CHUNK_BYTES, LineSplitter
from pdwatch.host.logs.source import BYTES_PER_POLL, Batch


class PipeTail:
    """Reads what a file descriptor has ready. The descriptor keeps its flags and stays the caller's."""

    def __init__(self, descriptor: int, name: str = "stdin", *, bytes_per_poll: int = BYTES_PER_POLL) -> None:
        self._descriptor = descriptor
        self._name = name
        self._bytes_per_poll = bytes_per_poll
        self._splitter = LineSplitter()
        self._ready = select.poll()
        self._ready.register(descriptor, select.POLLIN)
        self.ended = False
        """Whether the writer closed its end."""

    def poll(self) -> Iterator[Batch]:
        """Yield the lines that are there, without waiting for more."""
        left = self._bytes_per_poll
        while left > 0 and not self.ended and self._ready.poll(0):
            chunk = self._read(min(CHUNK_BYTES, left))
            left -= len(chunk)
            self.ended = not chunk
            lines = self._splitter.feed(chunk) if chunk else self._splitter.flush()
            if lines:
                yield Batch(self._name, lines)

    @property
    def behind_bytes(self) -> int:
        """A pipe does not tell: 0."""
        return 0

    @property
    def notes(self) -> tuple[str, ...]:
        """Nothing: a failure is raised."""
        return ()

    def close(self) -> None:
        """Leave the descriptor to its owner."""

    def _read(self, most: int) -> bytes:
        try:
            return os.read(self._descriptor, most)
        except OSError as error:
            self.ended = True
            raise CollectError(f"{self._name} cannot be read ({error.strerror}); give it an open pipe") from error


class JournalTail:
    """Follows the journal of one systemd unit by `journalctl -f`; begins with what is written from then on."""

    def __init__(self, unit: str, *, command: Sequence[str] = ("journalctl",)) -> None:
        self._unit = unit
        self._command = (*command, "--follow", "--output=cat", "--lines=0", "--no-pager", f"--unit={unit}")
        self._process: subprocess.Popen[bytes] | None = None
        self._pipe: PipeTail | None = None

    def poll(self) -> Iterator[Batch]:
        """Yield new lines. Raises `CollectError` when `journalctl` is missing or has ended; the next poll starts it."""
        pipe = self._pipe or self._start()
        yield from pipe.poll()
        if pipe.ended:
            status = self._stop()
            raise CollectError(f"{self._command[0]} of unit {self._unit} ended with status {status}")

    @property
    def behind_bytes(self) -> int:
        """A pipe does not tell: 0."""
        return 0

    @property
    def notes(self) -> tuple[str, ...]:
        """Nothing: a failure is raised."""
        return ()

    def close(self) -> None:
        """End `journalctl`."""
        self._stop()

    def _start(self) -> PipeTail:
        try:
            self._process = subprocess.Popen(  # noqa: S603 - a fixed program, and the unit is one argument of it
                self._command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
            )
        except OSError as error:
            raise CollectError(
                f"{self._command[0]} cannot be run ({error.strerror}); install systemd's tools"
            ) from error
        assert self._process.stdout is not None  # noqa: S101 - asked for above
        self._pipe = PipeTail(self._process.stdout.fileno(), self._unit)
        return self._pipe

    def _stop(self) -> int | None:
        process, self._process, self._pipe = self._process, None, None
        if process is None:
            return None
        process.terminate()
        process.communicate()
        return process.returncode
