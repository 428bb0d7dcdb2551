"""The recordings of a live prefill/decode pair."""

from __future__ import annotations

from pathlib import Path

import pytest

from pdwatch.model.target import Role, RoleSource
from pdwatch.record.notes import Notes
from pdwatch.record.reader import read
from pdwatch.record.recorder import Recorder
from pdwatch.record.rounds import Round, rounds

RECORDINGS = Path(__file__).parents[1] / "recordings"
CONTENT = {
    "balanced": (45, 135),
    "decode_kv_pressure": (38, 114),
    "idle": (23, 69),
    "kv_transfer_failing": (64, 195),
    "prefill_heavy": (40, 120),
}


def _rounds(path: Path, notes: Notes | None = None) -> list[Round]:
    return list(rounds(read(path, notes), notes))


@pytest.mark.parametrize(("name", "content"), CONTENT.items())
def test_every_round_and_scrape_is_read(name: str, content: tuple[int, int]) -> None:
    """As many ticks and scrapes as were recorded; what is noted is one unfinished round."""
    notes = Notes()
    collections = _rounds(RECORDINGS / f"{name}.jsonl.gz", notes)
    scrapes = [scrape for collection in collections for scrape in collection.scrapes]
    left_out = content[1] - len(scrapes)

    assert content[0] == len(collections)
    assert [f"no tick closes {left_out} of the events; they are left out"] * bool(left_out) == notes.lines()
    assert {"prefill-0", "decode-0", "router"} == {scrape.target.worker for scrape in scrapes}
    assert {True} == {scrape.body is not None and scrape.status == 200 for scrape in scrapes}


def test_workers_are_what_their_labels_say() -> None:
    """Roles are declared, and a router page is marked as such."""
    roles = {
        scrape.target.worker: (scrape.target.role, scrape.target.role_source, scrape.target.service)
        for scrape in _rounds(RECORDINGS / "balanced.jsonl.gz")[0].scrapes
    }

    assert {
        "prefill-0": (Role.PREFILL, RoleSource.DECLARED, "tiny"),
        "decode-0": (Role.DECODE, RoleSource.DECLARED, "tiny"),
        "router": (Role.ROUTER, RoleSource.DECLARED, "tiny"),
    } == roles


def test_a_recording_of_a_replay_is_the_same(tmp_path: Path, suffix: str) -> None:
    """Targets without a URL keep the one that stands in for it."""
    recorded = _rounds(RECORDINGS / "idle.jsonl.gz")
    path = tmp_path / f"again{suffix}"
    assert recorded[0].header is not None
    with Recorder(path, recorded[0].header.started or 0.0) as recorder:
        for collection in recorded:
            for scrape in collection.scrapes:
                recorder.scrape(scrape)
            recorder.tick(collection.t)

    assert recorded == _rounds(path)
