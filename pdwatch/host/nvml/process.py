"""A child process that takes and gives one JSON object a line."""

from __future__ import annotations

import json
import os
import select
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import IO, cast

from pdwatch.host.nvml.codec import Json

_CHUNK_BYTES = 1 << 16
_REAP_SECONDS = 1.0


class ChildGone(Exception):  # noqa: N818 - an event
    """The process ended or speaks nonsense; the text says which, with the process as its subject."""


class LineProcess:
    """A running child. Not for use from two threads at once."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str]) -> None:
        """Start *command*. Raises `ChildGone` when that is not possible."""
        try:
            self._process = subprocess.Popen(  # noqa: S603 - our own module under our own interpreter
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, bufsize=0
            )
        except OSError as error:
            raise ChildGone(f"does not start: {command[0]}: {error.strerror}") from error
        self._stdin = cast("IO[bytes]", self._process.stdin)
        self._stdout = cast("IO[bytes]", self._process.stdout)
        self._poll = select.poll()
        self._poll.register(self._stdout, select.POLLIN)
        self._rest = b""

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    def send(self, message: Json) -> None:
        """Write one line. That the process has ended is for `receive` to find, after its last lines."""
        with suppress(BrokenPipeError):
            self._stdin.write(json.dumps(message).encode() + b"\n")

    def receive(self, seconds: float) -> list[Json]:
        """Return the lines that came, waiting up to *seconds* for the first; none when none came.

        Raises `ChildGone` once the process has ended and all its lines were read.
        """
        if not self._poll.poll(max(0.0, seconds) * 1000):
            return []
        chunk = os.read(self._stdout.fileno(), _CHUNK_BYTES)
        if not chunk:
            raise ChildGone(self._how_it_ended())
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        try:
            return [json.loads(line) for line in lines]
        except ValueError as error:
            raise ChildGone(f"wrote {lines[0][:80]!r}, which is not JSON") from error

    def _how_it_ended(self) -> str:
        if not self.is_reaped(_REAP_SECONDS):
            return "closed its output"
        code = self._process.returncode
        return f"was ended by signal {-code}" if code < 0 else f"ended with exit code {code}"

    def is_reaped(self, seconds: float = 0.0) -> bool:
        """Tell whether the process has ended, waiting up to *seconds* for it."""
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    def stop(self, patience: float = 0.0) -> bool:
        """End the process, by force after *patience* seconds; tell whether it is gone.

        A process in an uninterruptible call into the driver stays: ask `is_reaped` again later.
        """
        self._stdin.close()
        if not (patience and self.is_reaped(patience)):
            self._process.kill()
        self._stdout.close()
        return self.is_reaped(_REAP_SECONDS)
