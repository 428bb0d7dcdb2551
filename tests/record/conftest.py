"""Events to record, and bytes as a Recorder leaves them."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from pdwatch.model.page import Scrape
from pdwatch.model.target import Role, RoleSource, Target
from pdwatch.record.events import Event, LogLine, Tick
from pdwatch.record.notes import Notes
from pdwatch.record.reader import read
from pdwatch.record.recorder import Recorder
from pdwatch.record.rotation import Rotation

SUFFIXES = (".jsonl", ".jsonl.gz", ".jsonl.zst")

Write = Callable[[Path, Iterable[Event]], None]
ReadLines = Callable[..., tuple[list[Event], list[str]]]


@pytest.fixture(params=SUFFIXES)
def suffix(request: pytest.FixtureRequest) -> str:
    """The end of the name of a recording, for each compression."""
    return str(request.param)


@pytest.fixture(scope="session")
def target() -> Target:
    """A decode worker as a recording names it."""
    return Target(
        url="http://10.0.0.7:8087/metrics",
        worker="decode-0",
        service="r1",
        role=Role.DECODE,
        role_source=RoleSource.DECLARED,
        replica="d0",
        host="node2",
        labels={"zone": "a"},
        source="recording",
    )


@pytest.fixture(scope="session")
def some_events(target: Target) -> list[Event]:
    """Two rounds with a page, a failure and a log line."""
    return [
        Scrape(target, 100.5, 0.004, 200, '# HELP a b\na{c="d\\"é"} 1\n', content_type="text/plain"),
        LogLine(101.0, "decode-0", "EPLB step: 2999 for model m"),
        Tick(105.0),
        Scrape(target, 105.5, 3.0, error="timed out after 3s"),
        Tick(110.0),
    ]


@pytest.fixture(scope="session")
def record() -> Write:
    """Return a function that records events into one file, whatever their times."""

    def write(path: Path, events: Iterable[Event]) -> None:
        with Recorder(path, 100.0, rotation=Rotation(max_age=math.inf)) as recorder:
            for event in events:
                match event:
                    case Scrape():
                        recorder.scrape(event)
                    case LogLine(t, name, line):
                        recorder.log(t, name, line)
                    case Tick(t):
                        recorder.tick(t)
            assert recorder.error is None

    return write


@pytest.fixture(scope="session")
def read_lines() -> ReadLines:
    """Return a function that reads lines, given as objects or bytes, and returns events and notes."""

    def events_of(*lines: dict[str, Any] | bytes) -> tuple[list[Event], list[str]]:
        notes = Notes()
        text = b"\n".join(line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines)
        return list(read(BytesIO(text + b"\n"), notes)), notes.lines()

    return events_of
