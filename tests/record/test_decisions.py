"""Decisions of a service in its recording: when each was given, and what became of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from pdwatch.model.judgement import Action, Advice, Decision, Outcome, Replicas
from pdwatch.model.snapshot import LatencyState, SelfState, ServiceState, Snapshot, TransferState
from pdwatch.record.events import Advised
from pdwatch.record.reader import read
from pdwatch.record.recorder import Recorder
from pdwatch.record.rounds import rounds

_ASKED = Decision(100.0, Action.SCALE_DECODE, Replicas(2, 2), Replicas(4, 6), "Decode is too small.")


def _snapshot(t: float, *decisions: Decision) -> Snapshot:
    advice = Advice(Action.HOLD, Replicas(2, 2), Replicas(4, 4), 1.0, t, "")
    service = ServiceState("s", {}, TransferState(), {}, LatencyState(), {}, (), advice=advice, decisions=decisions)
    return Snapshot(t, {"s": service}, {}, SelfState(0, 0, 0))


def _written(path: Path, *snapshots: Snapshot) -> list[Advised]:
    with Recorder(path, 0.0) as recorder:
        for snapshot in snapshots:
            recorder.judged(snapshot)
            recorder.tick(snapshot.t)
    return [event for event in read(path) if isinstance(event, Advised)]


def test_a_decision_is_written_when_given_and_when_its_outcome_is_known(tmp_path: Path) -> None:
    """Not at every tick between."""
    settled = replace(_ASKED, outcome=Outcome.FOLLOWED, settled=300.0)
    ticks = [_snapshot(100.0, _ASKED), _snapshot(105.0, _ASKED), _snapshot(300.0, settled), _snapshot(305.0, settled)]
    written = _written(tmp_path / "r.jsonl", *ticks)

    assert [(100.0, "pending"), (300.0, "followed")] == [(event.t, event.decision["outcome"]) for event in written]
    assert {"current": 4, "desired": 6} == written[0].decision["decode"]


def test_a_service_without_decisions_leaves_no_line(tmp_path: Path) -> None:
    """The recording is pages and ticks, as before."""
    assert [] == _written(tmp_path / "r.jsonl", _snapshot(100.0), _snapshot(105.0))


def test_a_replay_passes_decisions_over(tmp_path: Path) -> None:
    """It judges anew: what was said then does not count."""
    _written(tmp_path / "r.jsonl", _snapshot(100.0, _ASKED))

    assert [100.0] == [collection.t for collection in rounds(read(tmp_path / "r.jsonl"))]
