"""Log files are followed through everything that happens to log files."""

from __future__ import annotations

import gzip
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pdwatch.host.logs import LogTail


class Followed:
    """A tail whose polls answer with the lines."""

    def __init__(self, tail: LogTail) -> None:
        self.tail = tail

    def lines(self) -> list[str]:
        return [line for batch in self.tail.poll() for line in batch.lines]

    def sources(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for batch in self.tail.poll():
            found.setdefault(Path(batch.source).name, []).extend(batch.lines)
        return found


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "engine.log"
    path.write_text("before\n")
    return path


@pytest.fixture
def followed(log: Path) -> Iterator[Followed]:
    """A tail of one file that has been polled once."""
    tail = LogTail(str(log))
    follow = Followed(tail)
    assert [] == follow.lines()
    yield follow
    tail.close()


def append(path: Path, text: str) -> None:
    with path.open("a") as file:
        file.write(text)


def test_only_what_is_written_from_now_on(log: Path, followed: Followed) -> None:
    """A line counts when its newline is there."""
    append(log, "one\ntw")
    assert ["one"] == followed.lines()

    append(log, "o\n")
    assert ["two"] == followed.lines()
    assert [] == followed.lines()


def test_from_the_start_if_asked(log: Path) -> None:
    """To read a log that has ended."""
    tail = LogTail(str(log), from_start=True)

    assert ["before"] == Followed(tail).lines()
    tail.close()


def test_rotation_by_renaming(log: Path, followed: Followed) -> None:
    """What was written to the old file before and after the rename is read, then the new file."""
    append(log, "old\n")
    log.rename(log.with_name("engine.log.1"))
    append(log.with_name("engine.log.1"), "late\n")
    log.write_text("new\n")

    assert ["late", "new", "old"] == sorted(followed.lines())
    append(log.with_name("engine.log.1"), "later\n")
    assert ["later"] == followed.lines()


def test_a_rotated_file_is_given_back(log: Path, followed: Followed) -> None:
    """Once it has been quiet its descriptor is closed, with the last line even if torn."""
    append(log, "torn")
    log.rename(log.with_name("engine.log.1"))
    log.write_text("")
    seen = [line for _ in range(4) for line in followed.lines()]

    assert ["torn"] == seen
    assert 1 == len(followed.tail.positions)


def test_truncation_in_place(log: Path, followed: Followed) -> None:
    """`copytruncate` starts the file again under the same inode."""
    append(log, "one\n")
    assert ["one"] == followed.lines()

    with log.open("w") as file:
        file.write("two\n")
    assert ["two"] == followed.lines()


def test_truncation_that_has_grown_past_the_position(log: Path, followed: Followed) -> None:
    """The size does not show it then, the first bytes do."""
    append(log, "one\n")
    assert ["one"] == followed.lines()

    with log.open("w") as file:
        file.write("a much longer line than all before\nnext\n")
    assert ["a much longer line than all before", "next"] == followed.lines()


def test_a_file_that_is_not_there_yet(tmp_path: Path) -> None:
    """It is waited for, and read from its start."""
    tail = LogTail(str(tmp_path / "later.log"))
    follow = Followed(tail)
    assert [] == follow.lines()
    assert (f"no log file matches {tmp_path / 'later.log'}",) == tail.notes

    (tmp_path / "later.log").write_text("first\n")
    assert ["first"] == follow.lines()
    assert () == tail.notes
    tail.close()


def test_a_directory_is_every_file_in_it(tmp_path: Path) -> None:
    """Each with its name; compressed files, folders and pipes are left alone."""
    tail = LogTail(str(tmp_path), from_start=True)
    for name in ("p0.log", "d0.log"):
        (tmp_path / name).write_text(f"{name}\n")
    (tmp_path / "p0.log.1.gz").write_bytes(gzip.compress(b"old\n"))
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")

    assert {"p0.log": ["p0.log"], "d0.log": ["d0.log"]} == Followed(tail).sources()
    tail.close()


def test_rotation_inside_a_pattern_reads_nothing_twice(tmp_path: Path) -> None:
    """The rotated names match the pattern too."""
    tail = LogTail(str(tmp_path / "*.log*"), from_start=True)
    follow = Followed(tail)
    log = tmp_path / "a.log"
    seen: list[str] = []
    for turn in range(4):
        log.write_text(f"{turn}\n")
        seen += follow.lines()
        for old in range(turn, 0, -1):
            (tmp_path / f"a.log.{old}").rename(tmp_path / f"a.log.{old + 1}")
        log.rename(tmp_path / "a.log.1")

    assert ["0", "1", "2", "3"] == seen + follow.lines()
    tail.close()


def test_resuming_by_inode(log: Path, followed: Followed) -> None:
    """Another process goes on where this one stopped, even when the file was renamed meanwhile."""
    append(log, "read\n")
    assert ["read"] == followed.lines()
    append(log, "unread\n")
    log.rename(log.with_name("renamed.log"))
    tail = LogTail(str(log.with_name("*.log")), positions=followed.tail.positions)

    assert ["unread"] == Followed(tail).lines()
    tail.close()


def test_one_poll_reads_a_bounded_amount(log: Path) -> None:
    """A flood is read over several polls, and what is left is told."""
    log.write_bytes(b"x" * 99 + b"\n")
    tail = LogTail(str(log), from_start=True, bytes_per_poll=300_000)
    log.write_bytes((b"x" * 99 + b"\n") * 10_000)
    follow = Followed(tail)
    first = follow.lines()

    assert 0 < len(first) < 10_000
    assert 0 < tail.behind_bytes < 1_000_000
    assert 10_000 == len(first) + len(follow.lines()) + len(follow.lines())
    tail.close()


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_file_that_may_not_be_read_is_named(log: Path) -> None:
    """With the mend."""
    log.chmod(0)
    tail = LogTail(str(log))

    assert [] == Followed(tail).lines()
    assert (f"{log} cannot be read (Permission denied); run as a user who may",) == tail.notes


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25, deadline=None)
@given(st.lists(st.binary(max_size=40)))
def test_polls_make_no_difference(tmp_path: Path, writes: list[bytes]) -> None:
    """A poll after every write gives the lines that one poll after all of them gives."""
    path = tmp_path / "any.log"
    path.write_bytes(b"")
    tail, whole = LogTail(str(path), from_start=True), LogTail(str(path), from_start=True)
    follow = Followed(tail)
    seen: list[str] = []
    for data in writes:
        with path.open("ab") as file:
            file.write(data)
        seen += follow.lines()

    assert Followed(whole).lines() == seen
    tail.close()
    whole.close()
