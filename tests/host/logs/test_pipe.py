"""Lines from pipes and from the journal."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pdwatch.host.collector import CollectError
from pdwatch.host.logs import JournalTail, PipeTail

DEADLINE = 30.0


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    reader, writer = os.pipe()
    yield reader, writer
    os.close(reader)


def lines(tail: PipeTail | JournalTail) -> list[str]:
    return [line for batch in tail.poll() for line in batch.lines]


def test_an_open_pipe_is_never_waited_for(pipe: tuple[int, int]) -> None:
    """An empty one answers at once, a torn line waits for its end."""
    reader, writer = pipe
    tail = PipeTail(reader)
    assert [] == lines(tail)

    os.write(writer, b"one\ntw")
    assert ["one"] == lines(tail)
    os.write(writer, b"o")
    os.close(writer)
    assert ["two"] == lines(tail)
    assert tail.ended
    assert [] == lines(tail)


def test_a_closed_pipe_is_an_error_with_its_mend() -> None:
    """Standard input may have been closed by whoever started us."""
    reader, writer = os.pipe()
    os.close(writer)
    os.close(reader)

    with pytest.raises(CollectError, match=r"stdin cannot be read \(Bad file descriptor\); give it an open pipe"):
        lines(PipeTail(reader))


def test_the_journal_is_followed(tmp_path: Path) -> None:
    """The unit is one argument, so that no name of a unit becomes an option; the program ends with the tail."""
    script = tmp_path / "journalctl"
    script.write_text('#!/bin/sh\nfor argument in "$@"; do echo "$argument"; done\nexec cat "$0.wait"\n')
    script.chmod(0o755)
    os.mkfifo(tmp_path / "journalctl.wait")
    tail = JournalTail("--file=/etc/passwd", command=(str(script),))
    seen: list[str] = []
    deadline = time.monotonic() + DEADLINE
    while len(seen) < 5 and time.monotonic() < deadline:
        seen += lines(tail)

    assert ["--follow", "--output=cat", "--lines=0", "--no-pager", "--unit=--file=/etc/passwd"] == seen
    tail.close()


def test_a_journal_that_ends_is_an_error_and_is_started_again(tmp_path: Path) -> None:
    """Each end is told once."""
    script = tmp_path / "journalctl"
    script.write_text("#!/bin/sh\necho line\nexit 3\n")
    script.chmod(0o755)
    tail = JournalTail("vllm.service", command=(str(script),))
    for _ in range(2):
        with pytest.raises(CollectError, match=r"of unit vllm\.service ended with status"):
            _poll_until_error(tail)
    tail.close()


def _poll_until_error(tail: JournalTail) -> None:
    deadline = time.monotonic() + DEADLINE
    while time.monotonic() < deadline:
        lines(tail)


def test_without_journalctl(tmp_path: Path) -> None:
    """A host without systemd says so."""
    with pytest.raises(CollectError, match=r"cannot be run \(No such file or directory\)"):
        lines(JournalTail("vllm.service", command=(str(tmp_path / "journalctl"),)))
