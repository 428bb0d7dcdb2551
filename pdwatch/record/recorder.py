"""Writes a recording while a daemon runs. A disk that is full stops the recording, never the daemon."""

from __future__ import annotations

import errno
import math
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from pdwatch.model.encode import plain
from pdwatch.model.judgement import Outcome
from pdwatch.model.page import Scrape
from pdwatch.model.snapshot import Snapshot
from pdwatch.record.codec import encode
from pdwatch.record.errors import RecordingError
from pdwatch.record.events import Advised, Event, Header, LogLine, Tick
from pdwatch.record.output import OutputFile
from pdwatch.record.redaction import Redaction
from pdwatch.record.rotation import Rotation, compression_of, make_way

RETRY_SECONDS = 30.0
_MENDS = {
    errno.ENOSPC: "free space",
    errno.EDQUOT: "free space or raise the quota",
    errno.EROFS: "choose a folder that can be written",
    errno.EACCES: "choose a folder that can be written",
    errno.EPERM: "choose a folder that can be written",
    errno.ENOENT: "create its folder",
    errno.EFBIG: "rotate at a smaller size",
}


class Recorder:
    """Appends rounds to *path* and rotates it. Compressed as its name says: `.jsonl`, `.jsonl.gz`, `.jsonl.zst`.

    A round is written at its tick, whole or not at all. What cannot be written is in `error`, in one line, and
    `lost_rounds` counts; after *retry_seconds* of ticks the next attempt is made. A file from before is kept under
    the number 1. Not for several threads at once.

    The constructor raises `RecordingError` for a name that is none and a file that cannot be written; no other method
    raises. *config* is written as it is: hand in what holds no secret. *redaction* leaves out parts of names. Times are
    Unix seconds and come from the caller.
    """

    def __init__(
        self,
        path: Path,
        started: float,
        config: Mapping[str, Any] | None = None,
        rotation: Rotation = Rotation(),  # noqa: B008  frozen
        retry_seconds: float = RETRY_SECONDS,
        *,
        redaction: Redaction | None = None,
    ) -> None:
        compression_of(path)
        self.path = path
        self.error: str | None = None
        """Why nothing is being recorded, None while all is well."""
        self.lost_rounds = 0
        self._config = config
        self._rotation = rotation
        self._retry_seconds = retry_seconds
        self._allowed = redaction.event if redaction is not None else lambda event: event
        self._retry_at: float | None = None
        self._started = started
        self._output: OutputFile | None = None
        self._decisions: dict[tuple[str, float], Outcome] = {}
        try:
            self._begin(started)
        except OSError as error:
            self._abandon()
            raise RecordingError(_message(path, error)) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def lacking(self) -> str:
        """How many rounds are missing and what is wrong, as the end of a sentence; empty for a whole recording."""
        lost = f", rounds missing: {self.lost_rounds}" if self.lost_rounds else ""
        return lost if self.error is None else f"{lost}; {self.error}"

    def scrape(self, scrape: Scrape) -> None:
        """Add the outcome of a scrape to the round."""
        self._add(scrape)

    def log(self, t: float, target: str, line: str) -> None:
        """Add a line of the log of the worker named *target* to the round."""
        self._add(LogLine(t, target, line))

    def judged(self, snapshot: Snapshot) -> None:
        """Add the decisions of a snapshot that are new or whose outcome is."""
        told, self._decisions = self._decisions, {}
        for name, service in snapshot.services.items():
            for decision in service.decisions:
                key = (name, decision.at)
                self._decisions[key] = decision.outcome
                if told.get(key) is not decision.outcome:
                    self._add(Advised(snapshot.t, name, plain(decision)))

    def tick(self, t: float) -> None:
        """Close the round and write it; rotate where it is time to."""
        if self._output is None or self._retry_at is not None:
            self.lost_rounds += 1
            self._retry(t)
            return
        self._output.add(encode(Tick(t)))
        try:
            self._output.flush()
        except OSError as error:
            self._fail(error, t)
            return
        if self._output.size >= self._rotation.max_bytes or t - self._started >= self._rotation.max_age:
            self._rotate(t)

    def close(self) -> None:
        """Write what is left and end the file; what is added afterwards goes nowhere."""
        withheld = self._output is not None and self._retry_at is not None
        output, self._output, self._retry_at = self._output, None, math.inf
        if output is None:
            return
        try:
            output.close()
        except OSError as error:
            self.error = _message(self.path, error)
            self.lost_rounds += withheld
        else:
            self.error = None

    def _add(self, event: Event) -> None:
        if self._output is not None and self._retry_at is None:
            self._output.add(encode(self._allowed(event)))

    def _begin(self, t: float) -> None:
        make_way(self.path, self._rotation.keep)
        self._started = t
        self._output = OutputFile(self.path)
        self._output.add(encode(self._allowed(Header(started=t, config=self._config))))
        self._output.flush()

    def _open(self, t: float) -> None:
        try:
            self._begin(t)
        except (OSError, RecordingError) as error:
            self._fail(error, t)
        else:
            self._retry_at = self.error = None

    def _rotate(self, t: float) -> None:
        output, self._output = self._output, None
        try:
            if output is not None:
                output.close()
        except OSError as error:
            self._fail(error, t)
        else:
            self._open(t)

    def _retry(self, t: float) -> None:
        if self._retry_at is None or t < self._retry_at:
            return
        if self._output is None:
            self._open(t)
            return
        try:
            self._output.resume()
        except OSError as error:
            self._fail(error, t)
        else:
            self._retry_at = self.error = None

    def _fail(self, error: OSError | RecordingError, t: float) -> None:
        self.error = _message(self.path, error)
        self._retry_at = t + self._retry_seconds

    def _abandon(self) -> None:
        if self._output is not None:
            self._output.abandon()
            self._output = None


def _message(path: Path, error: OSError | RecordingError) -> str:
    if isinstance(error, RecordingError):
        return str(error)
    mend = _MENDS.get(error.errno or 0, "check the disk")
    return f"{path}: not recorded: {(error.strerror or str(error)).lower()}; {mend}"
