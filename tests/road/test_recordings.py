"""Recordings of a live prefill/decode pair, judged from the first page to the last."""

from __future__ import annotations

import gzip
import json
from functools import cache
from pathlib import Path

import pytest

from pdwatch.model.judgement import Action, Severity
from pdwatch.model.page import Scrape
from pdwatch.model.snapshot import ServiceState
from pdwatch.model.target import Role, RoleSource, Target
from pdwatch.road.road import Road, RoadSettings

RECORDINGS = Path(__file__).parents[1] / "recordings"


@cache
def _judged(name: str) -> list[ServiceState]:
    """Replay a recording and return the state of its only service at each tick."""
    road, states = Road(RoadSettings(interval=2.0)), []
    with gzip.open(RECORDINGS / f"{name}.jsonl.gz", "rt") as lines:
        for event in map(json.loads, lines):
            if event["kind"] == "scrape":
                road.observe(_scrape(event))
            elif event["kind"] == "tick":
                states.append(road.tick(event["t"]).services["tiny"])
    return states


def _scrape(event: dict[str, object]) -> Scrape:
    labels: dict[str, str] = event["labels"]  # type: ignore[assignment]
    name = str(event["target"])
    role = Role(labels["role"])
    target = Target(
        f"http://{name}/metrics", name, labels["service"], role, RoleSource.DECLARED, labels.get("replica", "")
    )
    return Scrape(target, event["t"], 0.0, event.get("status"), event.get("body"), event.get("error"))  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["idle", "balanced"])
def test_a_calm_pair_is_held_from_start_to_end(name: str) -> None:
    """No advice to act, no finding above information, at any tick."""
    states = _judged(name)

    assert {Action.HOLD} == {state.advice.action for state in states}
    assert [] == [f for state in states for f in state.findings if f.severity > Severity.INFO]


def test_a_full_decode_side_is_named() -> None:
    """Usage reaches 0.99, requests are preempted, and the advice is to scale decode."""
    states = _judged("decode_kv_pressure")
    usage = max(state.pools[Role.DECODE].kv_cache_usage_worst or 0.0 for state in states)
    preempted = max(state.pools[Role.DECODE].preemptions_per_second or 0.0 for state in states)
    named = {finding.finding for state in states for finding in state.findings}

    assert usage >= 0.99
    assert preempted > 1.0
    assert {"kv_cache_saturated", "preempting"} <= named
    assert {Action.HOLD, Action.SCALE_DECODE} == {state.advice.action for state in states}
    assert Action.SCALE_DECODE is states[-8].advice.action


def test_failing_transfers_are_named_while_they_last() -> None:
    """Refused handshakes are failing transfers and failing requests; capacity is not the cure."""
    states = _judged("kv_transfer_failing")
    fixing = [state for state in states if state.advice.action is Action.FIX]
    named = {finding.finding for state in fixing for finding in state.findings}

    assert {"kv_transfer_failing", "requests_failing"} <= named
    assert {Action.HOLD, Action.FIX} == {state.advice.action for state in states}
    assert len(fixing) > len(states) / 2


def test_negative_queue_times_of_failed_requests_are_no_restart() -> None:
    """vLLM adds negative times for requests that fail before they are scheduled: a sum that falls resets nothing."""
    states = _judged("kv_transfer_failing")
    named = {finding.finding for state in states for finding in state.findings}

    assert not {"worker_restarted", "preempting"} & named
    assert {0} == {worker.restarts for state in states for worker in state.workers}
    assert all((state.latency.chain.decode_admission or 0.0) >= 0.0 for state in states)


def test_load_on_prefill_shows_though_its_gauge_is_zero() -> None:
    """Short prefills hide between scrapes; the counters do not."""
    states = _judged("prefill_heavy")
    running = [state.pools[Role.PREFILL].requests_running for state in states]
    last = states[-10]

    assert running.count(0.0) > 0.7 * len(running)
    assert (last.pools[Role.PREFILL].prefill_concurrency or 0.0) > 0.5
    assert (last.pools[Role.PREFILL].pressure_ratio or 0.0) > 2 * (last.pools[Role.DECODE].pressure_ratio or 0.0)


def test_decode_tells_of_transfers_and_prefill_does_not() -> None:
    """Reading prefill's empty histograms would raise a false alarm."""
    state = _judged("balanced")[-1]

    assert Role.DECODE is state.transfer.reported_by
    assert state.transfer.kv_moving is True


def test_behaviour_agrees_with_the_declared_roles() -> None:
    """The two workers behave as what they are."""
    state = _judged("balanced")[-1]

    assert {"prefill-0": Role.PREFILL, "decode-0": Role.DECODE} == {w.worker: w.behaviour for w in state.workers}
