"""What happens to the daemon itself: its clock, its signals, its disk, the names and places of its workers."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from itertools import pairwise

import pytest

from pdwatch.record.events import Tick
from pdwatch.record.reader import read

pytestmark = pytest.mark.live

HOUR = 3600.0
JUMPING = """
import sys, time
from pathlib import Path
real, jump = time.time, Path(sys.argv[1])
time.time = lambda: real() + float(jump.read_text() or 0)
from pdwatch.cli.main import main
sys.exit(main(sys.argv[2:]))
"""
"""A serve whose wall clock is set by what a file says."""


def workers(snapshot):
    """Return all workers by name."""
    return {worker["worker"]: worker for service in snapshot["services"].values() for worker in service["workers"]}


def rates(snapshot):
    """Return every rate of every engine that is known."""
    engines = [engine for worker in workers(snapshot).values() for engine in worker["engines"]]
    return [v for engine in engines for k, v in engine.items() if k.endswith("_per_second") and v is not None]


def well(snapshot):
    """Tell whether all four workers are up and have rates."""
    known = workers(snapshot)
    return len(known) == 4 and all(
        worker["up"] and all(engine["prompt_tokens_per_second"] is not None for engine in worker["engines"])
        for worker in known.values()
    )


def newest(serve):
    """Return when the newest snapshot was taken."""
    return serve.snapshots[-1]["t"] if serve.snapshots else 0.0


@pytest.fixture(scope="module")
def serve(serve_of, fleet):
    """pdwatch on a healthy fleet."""
    return serve_of(*fleet.flags)


def test_a_suspended_serve_goes_on(serve):
    """After a stop of some rounds the next snapshot is fresh, no round is made up for, and no rate is negative."""
    before = serve.wait_for(well, "a fleet", after=newest(serve))
    serve.program.process.send_signal(signal.SIGSTOP)
    with pytest.raises(subprocess.TimeoutExpired):
        serve.program.process.wait(3.2)
    serve.program.process.send_signal(signal.SIGCONT)
    after = serve.wait_for(well, "a fleet again", after=before["t"] + 3)
    between = serve.since(before["t"])

    assert after["self"]["cycles"] - before["self"]["cycles"] <= 4
    assert [] == [rate for snapshot in between for rate in rates(snapshot) if rate < 0]
    assert not any(worker["stale"] for worker in workers(after).values())


@pytest.fixture
def jumping(start, fleet, tmp_path, followed):
    """A serve, and the file that sets its wall clock."""
    jump = tmp_path / "jump"
    jump.write_text("0", encoding="utf-8")
    flags = ("serve", "--listen", "127.0.0.1:0", "--interval", "1s", *fleet.flags)
    running = followed(start(sys.executable, "-c", JUMPING, str(jump), *flags))
    yield running, jump
    assert 0 == running.stop()


def test_a_wall_clock_that_jumps(jumping):
    """Back and forth by an hour: told each time, rounds go on, every number is fresh, no rate is negative or lost."""
    running, jump = jumping
    first = running.wait_for(well, "a fleet")
    for seconds, words in ((-HOUR, "3,600 s behind"), (HOUR, "3,600 s ahead"), (0.0, "agrees again")):
        before = newest(running)
        jump.write_text(str(seconds), encoding="utf-8")
        running.program.line(f"the wall clock was set; it .*{words}|{words}")
        running.wait_for(lambda one, at=before: one["t"] > at + 1.5, "further rounds", after=before)
    after = running.since(first["t"])
    steps = [later["t"] - earlier["t"] for earlier, later in pairwise(after)]

    assert all(well(snapshot) for snapshot in after)
    assert all(0 < step < HOUR / 2 for step in steps)
    assert [] == [rate for snapshot in after for rate in rates(snapshot) if rate < 0]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_under_load(serve_of, fleet, number):
    """Reloads in a row, readers of every page, and the end in the middle of it: status 0, the last word, no trace."""
    running = serve_of(*fleet.flags)
    running.wait_for(well, "a fleet")
    for _ in range(20):
        running.program.process.send_signal(signal.SIGHUP)
        running.client.get("/metrics").raise_for_status()
    running.program.process.send_signal(number)

    assert 0 == running.program.wait()
    assert "pdwatch serve: stopped\n" == running.program.err[-1]
    assert "Traceback" not in "".join(running.program.err)


def test_a_disk_without_room(start, fleet, tmp_path):
    """A recording that cannot grow says so and what to do; the recorder goes on, what is written can be read."""
    path = tmp_path / "fleet.jsonl"
    flags = ("record", "--interval", "1s", "--output", str(path), *fleet.flags)
    program = start("sh", "-c", 'ulimit -f 800; exec "$@"', "sh", sys.executable, "-m", "pdwatch", *flags)
    program.line("not recorded: file too large; rotate at a smaller size")
    running = program.process.poll() is None
    status = program.stop()

    assert running
    assert 0 == status
    assert "Traceback" not in "".join(program.err)
    assert re.search(rf"{path} is not whole, rounds missing: \d+; ", program.err[-1])
    assert any(isinstance(event, Tick) for event in read(path))


def test_a_worker_that_is_renamed_or_moves(serve_of, write, fleet):
    """Another name keeps what was known; another place begins anew; neither leaves its old self behind."""
    groups = fleet.groups()
    targets = write(json.dumps(groups))
    targets = targets.rename(targets.with_suffix(".json"))
    source = {"file": {"paths": [str(targets)], "refresh": "1s"}}
    running = serve_of("--config", str(write({"discovery": [source]})))
    running.wait_for(well, "a fleet")
    groups[0]["labels"]["worker"] = "renamed"
    groups[1], groups[3] = (
        {**groups[1], "targets": groups[3]["targets"]},
        {**groups[3], "targets": groups[1]["targets"]},
    )
    at = newest(running)
    write(json.dumps(groups), targets)
    names = {"renamed", "prefill-1", "decode-0", "decode-1"}
    moved = running.wait_for(lambda one: workers(one).keys() == names, "the new name and no old one", after=at)
    running.wait_for(well, "all of them", after=moved["t"])

    assert workers(moved)["renamed"]["engines"][0]["prompt_tokens_per_second"] is not None
    assert groups[1]["targets"][0] in workers(moved)["prefill-1"]["url"]
    assert [] == [rate for snapshot in running.since(at) for rate in rates(snapshot) if rate < 0]


def test_a_reload_while_a_target_file_is_broken(serve_of, write, fleet):
    """The workers of the file stay, and the file is named."""
    targets = write(json.dumps(fleet.groups()))
    targets = targets.rename(targets.with_suffix(".json"))
    source = {"file": {"paths": [str(targets)], "refresh": "1s"}}
    running = serve_of("--config", str(write({"discovery": [source]})))
    running.wait_for(well, "a fleet")
    targets.unlink()
    running.program.process.send_signal(signal.SIGHUP)
    running.program.line("configuration loaded again")
    at = newest(running)
    told = running.wait_for(lambda one: one["self"]["discovery_errors"], "word of the file", after=at)

    assert well(told)
    assert "is gone; bring it back" in next(iter(told["self"]["discovery_errors"].values()))
