"""A disk that is full or read-only while pdwatch writes to it: told once, nothing else suffers, and where there is room
again, writing goes on.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys

import pytest

from pdwatch.record.events import Tick
from pdwatch.record.notes import Notes
from pdwatch.record.reader import read
from pdwatch.record.rotation import numbered

pytestmark = pytest.mark.live

KIB = 1024
IMPATIENT = """
import sys
from functools import partial
from pdwatch.cli import statefile
from pdwatch.cli.commands import record
from pdwatch.cli.main import main
statefile.SAVE_SECONDS = 0.5
record.Recorder = partial(record.Recorder, retry_seconds=0.5)
sys.exit(main(sys.argv[1:]))
"""
"""A pdwatch that writes its state twice a second and tries a disk again as soon, not after a minute and half a one."""
READ_ONLY = "not recorded: read-only file system; choose a folder that can be written"
NO_ROOM = "not recorded: no space left on device; free space"


class Disk:
    """A small disk, by default of 4 MiB."""

    def __init__(self, path, kib=4 * KIB):
        self.path = path
        self.path.mkdir()
        self.mounted = 0
        self.mount("-t", "tmpfs", "-o", f"size={kib}k", "tmpfs")

    def mount(self, *what):
        """Mount something here, over what is mounted already; the test is skipped where that is not allowed."""
        done = subprocess.run(["mount", *what, str(self.path)], capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.skip(f"no disk can be mounted here: {done.stderr.strip()}")
        self.mounted += "remount" not in ",".join(what)

    def unmount(self):
        """Take away what was mounted last."""
        subprocess.run(["umount", "--lazy", str(self.path)], check=True)
        self.mounted -= 1

    def fill(self):
        """Leave no byte free."""
        with (self.path / "ballast").open("wb", buffering=0) as ballast:
            while True:
                try:
                    ballast.write(bytes(KIB))
                except OSError:
                    return

    def free(self):
        """Give back what was filled."""
        (self.path / "ballast").unlink()


@pytest.fixture
def disk(tmp_path):
    """An empty disk that is taken away after the test."""
    disk = Disk(tmp_path / "disk")
    yield disk
    while disk.mounted:
        disk.unmount()


@pytest.fixture
def impatient(start):
    """Start a pdwatch that does not wait long before it tries again."""
    return lambda *arguments: start(sys.executable, "-c", IMPATIENT, *arguments)


def told(program, words):
    """Return how often a program has said something."""
    return sum(words in line for line in program.err)


def ticks(path):
    """Return the times of the rounds of a recording that is read without a word."""
    notes = Notes()
    times = [event.t for event in read(path, notes) if isinstance(event, Tick)]
    assert [] == list(notes.lines())
    return times


def test_a_recording_on_a_full_disk_goes_on_where_there_is_room_again(impatient, fleet, disk):
    """It is told once, and the file has a gap and no tear."""
    path = disk.path / "fleet.jsonl.gz"
    program = impatient("record", "--interval", "500ms", "--output", str(path), *fleet.flags)
    program.line("pdwatch record: writing")
    disk.fill()
    program.line(NO_ROOM)
    before = ticks_so_far(path)
    disk.free()
    program.line("pdwatch record: recording again")
    status = program.stop()

    assert 0 == status
    assert 1 == told(program, NO_ROOM)
    assert "Traceback" not in "".join(program.err)
    assert re.search(rf"{path} is not whole, rounds missing: \d+$", program.err[-1])
    assert before == ticks(path)[: len(before)]
    assert len(before) < len(ticks(path))


def ticks_so_far(path):
    """Return the times of the rounds that stand in a recording whose last round may be torn."""
    return [event.t for event in read(path, Notes()) if isinstance(event, Tick)]


def test_a_recording_whose_disk_becomes_read_only_goes_on_when_it_is_not(impatient, fleet, disk):
    """What was recorded before stays; the round in which it is told is the next rotation."""
    path = disk.path / "fleet.jsonl"
    flags = ("--interval", "500ms", "--max-size", "1KiB", "--output", str(path))
    program = impatient("record", *flags, *fleet.flags)
    program.line("pdwatch record: writing")
    disk.mount("-t", "tmpfs", "-o", "ro", "tmpfs")
    program.line(READ_ONLY)
    disk.unmount()
    kept = {file.name for file in disk.path.iterdir()}
    program.line("pdwatch record: recording again")
    status = program.stop()

    assert 0 == status
    assert 1 == told(program, READ_ONLY)
    assert kept
    assert kept < {file.name for file in disk.path.iterdir()}
    assert ticks(numbered(path, 1))


def test_a_recording_does_not_begin_on_a_read_only_disk(pdwatch, fleet, disk):
    """One line that names the file and the mend, and status 2."""
    disk.mount("-o", "remount,ro")
    program = pdwatch("record", "--output", str(disk.path / "fleet.jsonl"), *fleet.flags)

    assert 2 == program.wait()
    assert [f"pdwatch record: {disk.path}/fleet.jsonl: {READ_ONLY}\n"] == program.err


def test_a_serve_goes_on_without_room_for_its_state(impatient, followed, fleet, disk):
    """Full, then read-only: each is told once, so is its end; the last state stays whole, nothing is left beside it."""
    path = disk.path / "pdwatch.state"
    flags = ("serve", "--listen", "127.0.0.1:0", "--interval", "500ms", "--state-file", str(path))
    serve = followed(impatient(*flags, *fleet.flags))
    serve.wait_for(lambda one: one["self"]["up"] == 4 and path.exists(), "a state on the disk")
    for spoil, mend, words in (
        (disk.fill, disk.free, "No space left on device"),
        (lambda: disk.mount("-o", "remount,ro"), lambda: disk.mount("-o", "remount,rw"), "Read-only file system"),
    ):
        seen = len(serve.program.err)
        spoil()
        serve.program.line(f"cannot keep its state in {path}: {words}", after=seen)
        cycles = serve.snapshots[-1]["self"]["cycles"]
        last = serve.wait_for(lambda one, at=cycles: one["self"]["cycles"] >= at + 2, "rounds without a state")
        beside = {file.name for file in disk.path.iterdir()}
        mend()
        serve.program.line(f"keeps its state in {path} again", after=seen)

        assert 4 == last["self"]["up"]
        assert beside <= {path.name, "ballast"}
        assert 1 == told(serve.program, words)
        assert "default" in json.loads(path.read_text(encoding="utf-8"))["services"]
    assert 0 == serve.stop()
