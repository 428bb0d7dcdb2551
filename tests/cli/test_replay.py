"""`pdwatch replay -` in a loop: each tick is answered as of that tick, and a simulator can follow."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from pdwatch.config.load import from_mapping
from pdwatch.demo import SCENARIOS
from pdwatch.model.page import Scrape
from pdwatch.record.codec import decode
from pdwatch.record.events import Header, Tick

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "replay-loop.md").read_text(encoding="utf-8")
REPLAY = [sys.executable, "-m", "pdwatch", "replay"]


@cache
def rounds() -> list[str]:
    """Return a recording of four minutes of a fleet whose decode is too small, round by round, as text."""
    fleet = SCENARIOS["decode_bound"].fleet(seed=1)
    config = {"scrape": {"interval": "5s"}, "services": {"r1": {"slo": {"ttft": "2s", "itl": "50ms"}}}}
    lines, found = [{"kind": "header", "version": 1, "config": config}], []
    while fleet.now < 240.0:
        fleet.run_until(fleet.now + 5.0)
        t = fleet.epoch + fleet.now
        for worker in fleet.workers.values():
            labels = {"service": "r1", "role": worker.role.value}
            lines.append(
                {"kind": "scrape", "t": t, "target": worker.name, "labels": labels, "body": fleet.page(worker)}
            )
        found.append("".join(json.dumps(line) + "\n" for line in [*lines, {"kind": "tick", "t": t}]))
        lines = []
    return found


def one_by_one(sent: list[str]) -> Iterator[str]:
    """Yield the answer to each round, which is sent only when the one before is answered."""
    with subprocess.Popen([*REPLAY, "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for text in sent:
            process.stdin.write(text)
            process.stdin.flush()
            yield process.stdout.readline()
        process.stdin.close()
        assert "" == process.stdout.read()
    assert 0 == process.returncode


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The lines of a replay of the whole file."""
    path = tmp_path_factory.mktemp("recording") / "fleet.jsonl"
    path.write_text("".join(rounds()), encoding="utf-8")
    return subprocess.run([*REPLAY, str(path)], capture_output=True, text=True, check=True).stdout.splitlines(True)


def advice(line: str) -> dict[str, Any]:
    """Return the advice of a snapshot."""
    found: dict[str, Any] = json.loads(line)["services"]["r1"]["advice"]
    return found


def test_each_tick_is_answered_before_the_next_is_sent_and_with_nothing_later(whole: list[str]) -> None:
    """Line by line what a replay of the whole file says: no look ahead, and no clock of its own."""
    told = list(one_by_one(rounds()))

    assert whole == told
    assert {"hold", "scale_decode"} <= {advice(line)["action"] for line in told}
    assert len(rounds()) == len(told)


def test_what_comes_later_changes_nothing_before(whole: list[str]) -> None:
    """The recording ends in the middle: what was said until then is the same."""
    half = rounds()[:20]

    assert whole[:20] == list(one_by_one(half))


def test_the_lines_of_the_page_are_a_recording() -> None:
    """What docs/replay-loop.md tells to send is what is read, and its header is a configuration."""
    blocks = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
    events = [decode(line.encode()) for line in blocks[0].splitlines()]

    assert [Header, Scrape, Scrape, Tick] == [type(event) for event in events]
    assert isinstance(events[0], Header)
    service = from_mapping(events[0].config or {}, "the header").services["simulated"]
    assert (32, 60.0, 8) == (service.gpu_budget, service.pools.prefill.startup, service.pools.decode.gpus_per_replica)


def test_the_keys_of_the_answer_on_the_page_are_those_of_a_snapshot(whole: list[str]) -> None:
    """No key is told that does not come."""
    example = json.loads(re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)[1])["services"]["simulated"]["advice"]

    assert example.keys() <= advice(whole[-1]).keys()
    assert example["decode"].keys() == advice(whole[-1])["decode"].keys()


def test_the_example_closes_the_loop() -> None:
    """It follows the advice through a busy time that two replicas of each role would not have borne."""
    script = ROOT / "docs" / "examples" / "closed_loop.py"
    run = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, cwd=ROOT, check=True)
    changes = re.findall(r"^ *(\d+) s  (\w+) (\d+) -> (\d+)  \S", run.stdout, re.MULTILINE)
    served = dict(re.findall(r"^(\w+): (\d+)% of", run.stdout, re.MULTILINE))
    grown = {role for second, role, before, after in changes if int(after) > int(before) and 240 < int(second) < 600}

    assert {"prefill", "decode"} == grown
    assert any(int(after) < int(before) for second, _, before, after in changes if int(second) > 840)
    assert int(served["busy"]) >= 90
    assert "" == run.stderr
