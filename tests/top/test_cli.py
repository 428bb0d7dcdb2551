"""`pdwatch top` from the command line: what it watches, what it records, what it refuses."""

from __future__ import annotations

import argparse
import asyncio
import json
import resource
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from pdwatch.cli.commands.replay import replayed
from pdwatch.cli.live import last_within, simulated
from pdwatch.cli.main import main
from pdwatch.cli.tape import Tape
from pdwatch.demo import SCENARIOS
from pdwatch.model.snapshot import Snapshot
from pdwatch.record.notes import Notes
from pdwatch.road.road import Road, RoadSettings

DEADLINE = 30.0


def test_an_unknown_scenario_is_refused_with_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    """One line, and the status of a wrong call."""
    status = main(["top", "--once", "--demo", "decode_boud"])

    assert (2, "pdwatch top: --demo 'decode_boud' is not one of them; did you mean decode_bound?\n") == (
        status,
        capsys.readouterr().err,
    )


def test_a_recording_that_is_none_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It names the file."""
    missing = tmp_path / "none.jsonl"

    assert 2 == main(["top", "--once", "--replay", str(missing)])
    assert "none.jsonl" in capsys.readouterr().err


@pytest.mark.live
def test_what_is_watched_can_be_recorded_and_replayed(tmp_path: Path) -> None:
    """A simulated fleet is scraped; the rounds taped meanwhile give its workers again."""
    path = tmp_path / "fleet.jsonl"

    async def watch() -> list[Snapshot]:
        tape, seen = Tape(path, lambda: 1.0), []
        fleet = simulated(SCENARIOS["healthy"], tape.scrape)
        assert f"recording to {path}" == tape.toggle()
        rounds: AsyncIterator[Snapshot] = tape.rounds(fleet)
        async with asyncio.timeout(DEADLINE):
            async for snapshot in rounds:
                seen.append(snapshot)
                if len(seen) == 2:
                    break
        await rounds.aclose()
        await fleet.aclose()
        assert f"recorded to {path}" == tape.toggle()
        return seen

    seen = asyncio.run(watch())
    again = list(replayed(argparse.Namespace(command="replay", file=str(path), config=None), Notes()))

    assert [4, 4] == [snapshot.self_state.up for snapshot in seen]
    assert [{worker.url for worker in s.services["demo"].workers} for s in seen][-1] == {
        worker.url for worker in again[-1].services["demo"].workers
    }


def test_a_tape_that_cannot_be_written_says_why(tmp_path: Path) -> None:
    """One line for the screen; a second try is as good as the first."""
    tape = Tape(tmp_path / "no" / "such" / "fleet.jsonl", lambda: 1.0)
    for _ in range(2):
        with pytest.raises(ValueError, match=r"fleet\.jsonl"):
            tape.toggle()
    tape.close()


def test_a_tape_without_room_says_at_its_end_what_it_lacks(tmp_path: Path) -> None:
    """Nobody looks at the file while it is written."""
    path = tmp_path / "fleet.jsonl"
    tape, road = Tape(path, lambda: 1.0), Road(RoadSettings())
    tape.toggle()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size, hard))

    async def rounds() -> AsyncIterator[Snapshot]:
        for t in (2.0, 3.0, 4.0):
            yield road.tick(t)

    async def watch() -> None:
        async for _ in tape.rounds(rounds()):
            pass

    try:
        asyncio.run(watch())
        told = tape.toggle()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    assert told.startswith(f"recorded to {path}, rounds missing: 3; {path}: not recorded: file too large")


@pytest.mark.live
def test_a_look_takes_the_last_snapshot_in_time() -> None:
    """Or the first one that comes, where none is in time."""

    async def slowly() -> AsyncIterator[int]:
        yield 1
        yield 2
        await asyncio.Event().wait()

    assert 2 == asyncio.run(last_within(slowly(), 0.05))


def test_json_of_a_recording_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    """As `/api/v1/snapshot` gives it; the status is that of the text."""
    recording = Path(__file__).parents[1] / "recordings" / "idle.jsonl.gz"
    status = main(["top", "--once", "--format", "json", "--replay", str(recording)])
    out = capsys.readouterr().out

    assert 0 == status
    assert "tiny" in json.loads(out)["services"]
    assert 1 == len(out.splitlines())
