"""Reads a recording, live or finished, whole or torn."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from pdwatch.record.codec import decode
from pdwatch.record.errors import LineSkipped, RecordingError
from pdwatch.record.events import VERSION, Event, Header
from pdwatch.record.notes import Notes
from pdwatch.record.streams import lines_of, text_chunks

STDIN = "-"
FOREIGN_LINES = 20
"""Lines without any sign of a recording after which the file is none."""
TORN = "torn, as after a crash or while it is written; line skipped"


def read(source: str | Path | BinaryIO, notes: Notes | None = None) -> Iterator[Event]:
    """Yield the events of a file, of a binary stream, or of standard input for `-`, each as soon as its line is there.

    What is passed over is counted in *notes*. Raises `RecordingError` at the first event for a file that is missing,
    no recording, compressed otherwise than its name says or of a newer version.
    """
    notes = notes if notes is not None else Notes()
    if source == STDIN:
        yield from _events(sys.stdin.buffer, "standard input", None, notes)
    elif isinstance(source, str | Path):
        path = Path(source)
        try:
            with path.open("rb") as stream:
                yield from _events(stream, str(path), path, notes)
        except OSError as error:
            raise RecordingError(f"{path}: {error.strerror}; name a file that can be read") from error
    else:
        yield from _events(source, str(getattr(source, "name", "the stream")), None, notes)


def _events(stream: BinaryIO, name: str, path: Path | None, notes: Notes) -> Iterator[Event]:
    known = foreign = 0
    for number, line, complete in lines_of(text_chunks(stream, name, notes, path), notes):
        try:
            event = decode(line)
        except LineSkipped as skipped:
            torn = not complete and line.lstrip().startswith(b"{")
            notes.add(TORN if torn else str(skipped), number)
            foreign += skipped.foreign and not torn
            known += not skipped.foreign
            if not known and foreign >= FOREIGN_LINES:
                break
            continue
        if not known and not isinstance(event, Header):
            notes.add("the header is missing; read as version 1", number)
        known += 1
        _refuse_newer(event, name, number)
        yield event
    if not known and not foreign:
        notes.add("no complete line in it")
    if foreign and not known:
        raise RecordingError(f"{name} is not a recording: {notes.lines()[0]}; make one with pdwatch record")


def _refuse_newer(event: Event, name: str, number: int) -> None:
    if isinstance(event, Header) and event.version > VERSION:
        raise RecordingError(
            f"{name}: line {number}: version {event.version} of the format is newer than {VERSION}; update pdwatch"
        )
