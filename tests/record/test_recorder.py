"""Recording while a daemon runs: rotation, kills and full disks."""

from __future__ import annotations

import random
import resource
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pdwatch.model.page import Scrape
from pdwatch.model.target import Target
from pdwatch.record.errors import RecordingError
from pdwatch.record.events import Event, Header
from pdwatch.record.notes import Notes
from pdwatch.record.reader import read
from pdwatch.record.recorder import Recorder
from pdwatch.record.rotation import Rotation, numbered
from pdwatch.record.rounds import rounds

KILLED_AFTER_THREE_ROUNDS = """
import os, signal, sys
from pathlib import Path
from pdwatch.record.recorder import Recorder
recorder = Recorder(Path(sys.argv[1]), 0.0)
for t in (1.0, 2.0, 3.0):
    recorder.log(t, "w", "x" * 1000)
    recorder.tick(t)
recorder.log(4.0, "w", "never closed by a tick")
os.kill(os.getpid(), signal.SIGKILL)
"""


@contextmanager
def _files_limited_to(size: int) -> Iterator[None]:
    """Files of this process cannot grow beyond *size* bytes, as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def _ticks(path: Path) -> list[float]:
    return [collection.t for collection in rounds(read(path))]


def _noise(t: float) -> str:
    """Text that hardly compresses, so that sizes are of one order in every compression."""
    return random.Random(t).randbytes(1500).hex()


def _round(recorder: Recorder, t: float) -> None:
    recorder.log(t, "w", _noise(t))
    recorder.tick(t)


def test_a_header_is_there_before_the_first_round(tmp_path: Path, suffix: str) -> None:
    """Whoever looks at once sees a recording."""
    path = tmp_path / f"fleet{suffix}"
    with Recorder(path, 100.0, {"window": "1m"}):
        events = list(read(path))

    assert [Header(1, 100.0, {"window": "1m"})] == events


def test_a_killed_process_leaves_every_round(tmp_path: Path, suffix: str) -> None:
    """kill -9 costs what came after the last tick and nothing else."""
    path = tmp_path / f"fleet{suffix}"
    done = subprocess.run([sys.executable, "-c", KILLED_AFTER_THREE_ROUNDS, str(path)], check=False)

    assert -signal.SIGKILL == done.returncode
    assert [1.0, 2.0, 3.0] == _ticks(path)


def test_a_closed_recording_is_read_without_a_word(
    tmp_path: Path, suffix: str, some_events: list[Event], record: Callable[[Path, list[Event]], None]
) -> None:
    """No note on what a recorder wrote to its end."""
    path = tmp_path / f"fleet{suffix}"
    record(path, some_events)
    notes = Notes()

    assert [Header(1, 100.0), *some_events] == list(read(path, notes))
    assert [] == notes.lines()


def test_a_recording_rotates_by_age(tmp_path: Path, suffix: str) -> None:
    """The name is always the newest file, and each begins with the same header."""
    path = tmp_path / f"fleet{suffix}"
    with Recorder(path, 0.0, {"window": "1m"}, Rotation(max_age=20.0)) as recorder:
        for t in range(10, 60, 10):
            _round(recorder, float(t))

    assert [[10.0, 20.0], [30.0, 40.0], [50.0]] == [
        _ticks(tmp_path / f"fleet{number}{suffix}") for number in (".2", ".1", "")
    ]
    assert Header(1, 40.0, {"window": "1m"}) == next(read(path))


def test_a_recording_rotates_by_size_and_keeps_so_many(tmp_path: Path, suffix: str) -> None:
    """The oldest go."""
    path = tmp_path / f"fleet{suffix}"
    with Recorder(path, 0.0, rotation=Rotation(max_bytes=500, keep=2)) as recorder:
        for t in range(1, 6):
            _round(recorder, float(t))

    assert {f"fleet{suffix}", f"fleet.1{suffix}", f"fleet.2{suffix}"} == {file.name for file in tmp_path.iterdir()}
    assert [[4.0], [5.0], []] == [_ticks(tmp_path / f"fleet{number}{suffix}") for number in (".2", ".1", "")]


def test_a_recording_from_before_is_kept(tmp_path: Path) -> None:
    """A restart loses nothing; a gap in the numbers is filled first."""
    path = tmp_path / "fleet.jsonl"
    path.write_text("before")
    numbered(path, 1).write_text("one")
    numbered(path, 3).write_text("three")
    Recorder(path, 0.0).close()

    assert ["before", "one", "three"] == [numbered(path, number).read_text() for number in (1, 2, 3)]


def test_an_empty_file_makes_no_number(tmp_path: Path) -> None:
    """A file made by mktemp is used."""
    path = tmp_path / "fleet.jsonl"
    path.touch()
    Recorder(path, 0.0).close()

    assert [path] == list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("fleet.json", "end the name in .jsonl, .jsonl.gz or .jsonl.zst"),
        (".jsonl", "end the name in .jsonl, .jsonl.gz or .jsonl.zst"),
        ("folder.jsonl", "is no regular file; name a file to write"),
        ("gone/fleet.jsonl", "not recorded: no such file or directory; create its folder"),
    ],
)
def test_a_file_that_cannot_be_written_is_refused_at_the_start(tmp_path: Path, name: str, says: str) -> None:
    """The one time at which somebody watches."""
    (tmp_path / "folder.jsonl").mkdir()
    with pytest.raises(RecordingError) as error:
        Recorder(tmp_path / name, 0.0)

    assert str(error.value).startswith(str(tmp_path / name))
    assert str(error.value).endswith(says)


def test_a_full_disk_at_the_start_is_refused(tmp_path: Path) -> None:
    """Not even the header fits."""
    with _files_limited_to(3), pytest.raises(RecordingError, match="file too large; rotate at a smaller size"):
        Recorder(tmp_path / "fleet.jsonl", 0.0)


def test_a_full_disk_costs_rounds_and_never_the_daemon(tmp_path: Path, suffix: str) -> None:
    """The round that did not fit is written when there is space again, those in between are counted as lost."""
    path = tmp_path / f"fleet{suffix}"
    with Recorder(path, 0.0, retry_seconds=30.0) as recorder:
        _round(recorder, 10.0)
        with _files_limited_to(path.stat().st_size + 100):
            _round(recorder, 20.0)
            failed = recorder.error
            _round(recorder, 30.0)
            _round(recorder, 50.0)
        readable = _ticks(path)
        _round(recorder, 70.0)
        still = recorder.error
        _round(recorder, 80.0)
        mended = recorder.error
        _round(recorder, 90.0)

    assert f"{path}: not recorded: file too large; rotate at a smaller size" == failed == still
    assert [10.0] == readable
    assert None is mended
    assert [10.0, 20.0, 90.0] == _ticks(path)
    assert 4 == recorder.lost_rounds


def test_a_rotation_that_fails_is_tried_again(tmp_path: Path) -> None:
    """Nothing that was recorded is lost by trying."""
    folder = tmp_path / "disk"
    folder.mkdir()
    path = folder / "fleet.jsonl"
    with Recorder(path, 0.0, rotation=Rotation(max_age=20.0), retry_seconds=10.0) as recorder:
        _round(recorder, 10.0)
        folder.rename(tmp_path / "unplugged")
        for t in (20.0, 25.0, 30.0):
            _round(recorder, t)
        failed = recorder.error
        (tmp_path / "unplugged").rename(folder)
        _round(recorder, 40.0)
        mended = recorder.error
        _round(recorder, 50.0)

    assert f"{path}: not recorded: no such file or directory; create its folder" == failed
    assert None is mended
    assert [[10.0, 20.0], [50.0]] == [_ticks(numbered(path, 1)), _ticks(path)]


def test_a_full_disk_at_the_end_is_said(tmp_path: Path) -> None:
    """Closing does not raise, and the file can be read."""
    path = tmp_path / "fleet.jsonl.gz"
    recorder = Recorder(path, 0.0)
    _round(recorder, 10.0)
    with _files_limited_to(path.stat().st_size):
        recorder.close()

    assert recorder.error is not None
    assert [10.0] == _ticks(path)


def test_a_closed_recorder_takes_nothing_more(tmp_path: Path, target: Target) -> None:
    """The last scrapes of a daemon that stops go nowhere."""
    path = tmp_path / "fleet.jsonl"
    recorder = Recorder(path, 0.0)
    recorder.close()
    recorder.scrape(Scrape(target, 1.0, 0.0, 200, "a 1\n"))
    recorder.tick(5.0)
    recorder.close()

    assert [Header(1, 0.0)] == list(read(path))
    assert None is recorder.error
