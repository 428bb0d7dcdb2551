"""What pdwatch reads and others write: logs that are rotated, recordings that are torn, foreign or of the future, the
answers of a name server that ends.
"""

from __future__ import annotations

import gzip
import json
import re
import sys
from pathlib import Path

import httpx
import pytest

pytestmark = pytest.mark.live

NAME_SERVER = Path(__file__).parents[2] / "discover" / "nameserver.py"
RECORDING = next((Path(__file__).parents[2] / "recordings").rglob("*.jsonl.gz"))


@pytest.fixture
def log(tmp_path):
    """The log of an engine, before anything is in it."""
    path = tmp_path / "engine.log"
    path.touch()
    return path


@pytest.fixture
def agent(pdwatch, log):
    """The page of an agent that reads the log."""
    folders = ("--path.sysfs", str(log.parent), "--path.procfs", str(log.parent))
    program = pdwatch("agent", "--listen", "127.0.0.1:0", "--interval", "500ms", "--log", str(log), *folders)
    url = program.line(r"(http://\S+/) ")[1]
    with httpx.Client(base_url=url, trust_env=False) as client:
        yield lambda: client.get("/metrics").text
    assert 0 == program.stop()


def lines_read(page):
    """Return how many lines an agent has read of the log."""
    return sum(map(float, re.findall(r"^pdwatch_engine_log_lines_total\{.*\} (\S+)$", page, re.MULTILINE)))


def test_a_log_that_is_rotated_while_it_is_read(agent, log, wait_until):
    """Renamed, then truncated in place, then gone and back: every line counts once."""
    wait_until(lambda: "pdwatch_host_up" in agent(), "the first look")

    def write(text, count):
        with log.open("a", encoding="utf-8") as file:
            file.write(text)
        wait_until(lambda: lines_read(agent()) == count, f"{count} lines")

    write("one\ntwo\n", 2)
    log.rename(log.with_name("engine.log.1"))
    write("three\n", 3)
    log.write_text("", encoding="utf-8")
    write("four\nfive\n", 5)
    log.unlink()
    write("six\n", 6)


def replay(pdwatch, content, tmp_path):
    """Return status, snapshots and words of a replay of these bytes."""
    path = tmp_path / "fleet.jsonl"
    path.write_bytes(content)
    program = pdwatch("replay", str(path))
    status, words = program.wait(), [line.replace(str(path), path.name) for line in program.err]
    return status, [json.loads(line) for line in program.out], words


def test_a_torn_recording_is_replayed_up_to_where_it_ends(pdwatch, tmp_path):
    """What is passed over is told in one line; the rounds before it are those of the whole."""
    whole = gzip.decompress(RECORDING.read_bytes())
    rounds = [match.end() for match in re.finditer(rb'\n\{"kind": "tick"[^\n]*\n', whole)]
    _, expected, _ = replay(pdwatch, whole[: rounds[2]], tmp_path)
    status, snapshots, words = replay(pdwatch, whole[: rounds[2] + 500], tmp_path)

    assert 0 == status
    assert 3 == len(snapshots)
    assert expected == snapshots
    assert 1 == sum("torn" in line for line in words)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b'{"log": "a container\'s line"}\n' * 30, "is not a recording"),
        (b'{"kind":"header","version":99,"started":1}\n', "version 99 of the format is newer than 1; update pdwatch"),
    ],
    ids=["foreign", "future"],
)
def test_a_recording_that_is_none_of_ours_is_refused(pdwatch, tmp_path, content, words):
    """The last line names the file and the mend, the status is 2."""
    status, snapshots, told = replay(pdwatch, content, tmp_path)

    assert (2, []) == (status, snapshots)
    assert told[-1].startswith("pdwatch replay: fleet.jsonl")
    assert words in told[-1]
    assert "Traceback" not in "".join(told)


def test_a_name_server_that_ends_takes_no_worker_along(start, serve_of, write, fleet):
    """The source is named, what it found stays and is scraped on."""
    port = int(fleet.address("decode-0").rpartition(":")[2])
    server = start(sys.executable, str(NAME_SERVER), json.dumps({"A decode.test.": ["127.0.0.1"]}))
    address = server.line(r"^\S+:\d+$", "out").group()
    entry = {"names": ["decode.test"], "type": "A", "port": port, "servers": [address], "refresh": "1s"}
    serve = serve_of("--config", str(write({"discovery": [{"dns": entry}]})))
    serve.wait_for(lambda one: one["self"]["up"] == 1, "the worker of the name")
    server.process.kill()
    gone = serve.wait_for(lambda one: one["self"]["discovery_errors"], "a word of the name server")
    later = serve.wait_for(lambda one: one["self"]["cycles"] >= gone["self"]["cycles"] + 2, "rounds after it")

    assert any("decode.test" in error for error in gone["self"]["discovery_errors"].values())
    assert 1 == later["self"]["up"]
