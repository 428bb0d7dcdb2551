"""One worker of a running fleet is killed, frozen, hung, slowed, restarted: pdwatch names it soon, and only it."""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import pytest

pytestmark = pytest.mark.live

INTERVALS = 2
"""Within how many a fault is named, beside the round that was under way when it began."""
ATTEMPTS = 3
STUCK_INTERVALS = 2
"""For how many nothing may move before an engine counts as stuck."""


@pytest.fixture(scope="module")
def fleet(fleet_of):
    """The fleet whose workers are killed, hung and frozen."""
    return fleet_of(speed=2.0)


@pytest.fixture(scope="module")
def watch(serve_of, fleet, write):
    """pdwatch on the fleet, with rates over a short past."""
    config = {
        "window": "10s",
        "thresholds": {"stuck_seconds": STUCK_INTERVALS - 0.5, "cold_seconds": 0},
        "discovery": [{"static": fleet.groups(service="steady")}],
    }
    return serve_of("--config", str(write(config)))


@pytest.fixture
def serve(watch, fleet):
    """pdwatch at a moment when nothing is wrong with any worker of the first fleet; what a test did is undone."""
    watch.wait_for(lambda one: all_fine(one, fleet), "a fleet without a fault", after=newest(watch))
    yield watch
    for worker in fleet.workers:
        undo(fleet, worker)


def undo(fleet, worker):
    """Make a worker run at its usual speed, whatever was done to it."""
    fleet.do("start", worker)
    fleet.do("slow", worker, 1.0)


def newest(serve):
    """Return when the newest snapshot was taken."""
    return serve.snapshots[-1]["t"] if serve.snapshots else 0.0


def workers(snapshot, service="steady"):
    """Return the workers of a service by name; none before its first page."""
    found = snapshot["services"].get(service, {"workers": []})
    return {worker["worker"]: worker for worker in found["workers"]}


def named(snapshot, service="steady"):
    """Return which workers the findings of a service name as faulty, as pairs of finding and worker."""
    findings = [f for f in snapshot["services"][service]["findings"] if f["severity"] != "info"]
    return {(f["finding"], f["scope"]["worker"]) for f in findings if "worker" in f["scope"]}


def all_fine(snapshot, fleet):
    """Tell whether every worker gives numbers that move, and no finding names one."""
    known = workers(snapshot)
    generated = [engine["prompt_tokens_per_second"] or 0 for worker in known.values() for engine in worker["engines"]]
    return (
        known.keys() == fleet.workers.keys()
        and all(worker["up"] for worker in known.values())
        and all(rate > 0 for rate in generated)
        and not named(snapshot)
    )


def fault(serve, fleet, what, matches, rounds):
    """Do *what* to a worker and wait for a snapshot that *matches*. Return when it began and the number of snapshots
    up to that one, the first of which was under way. A stretch in which rounds began late proves nothing and is
    begun anew.
    """
    for _ in range(ATTEMPTS):
        began = fleet.do(*what)
        found = serve.wait_for(matches, f"word of {what}", after=began)
        stretch = [snapshot for snapshot in serve.since(began) if snapshot["t"] <= found["t"]]
        if len(stretch) <= 1 + rounds or regular(stretch):
            break
        undo(fleet, what[1])
        serve.wait_for(lambda one: all_fine(one, fleet), "a fleet without a fault", after=found["t"])
    return began, len(stretch)


def regular(snapshots):
    """Tell whether the rounds began an interval apart; on a busy machine they may not."""
    starts = [snapshot["t"] - snapshot["self"]["cycle_seconds"] for snapshot in snapshots]
    return all(abs(later - earlier - 1.0) < 0.2 for earlier, later in pairwise(starts))


def summary(snapshot, finding):
    """Return the words of a finding."""
    findings = snapshot["services"]["steady"]["findings"]
    return next(f["summary"] for f in findings if f["finding"] == finding)


def restarted(snapshot):
    """Return the workers that are told to have restarted."""
    findings = snapshot["services"]["steady"]["findings"]
    return {f["scope"]["worker"] for f in findings if f["finding"] == "worker_restarted"}


def rates(snapshot):
    """Return every rate of every engine that is known."""
    return [
        value
        for worker in workers(snapshot).values()
        for engine in worker["engines"]
        for key, value in engine.items()
        if key.endswith("_per_second") and value is not None
    ]


class Case(NamedTuple):
    """What is done to a worker, and what must be found within how many rounds beside the one under way."""

    what: str
    worker: str
    finding: str
    rounds: int
    words: str
    factor: float = 1.0
    action: str = "fix"


CASES = (
    Case("kill", "decode-1", "worker_down", INTERVALS, "decode-1 is down: connection refused"),
    Case("hang", "prefill-1", "worker_stale", INTERVALS, "prefill-1 gives no fresh numbers: timed out", action="hold"),
    Case("slow", "decode-0", "worker_slow", INTERVALS, "decode-0 is slow: ", factor=4.0),
    Case("stop", "decode-0", "engine_stuck", STUCK_INTERVALS + INTERVALS, "Engine 0 of decode-0 holds"),
)


@pytest.mark.parametrize("case", CASES, ids=["killed", "hung", "slowed", "frozen"])
def test_a_fault_is_named(serve, fleet, case):
    """It is named within two intervals, in words, and no other worker is named or gets stale; when it ends, all
    numbers come back and the finding goes."""
    what, worker, finding, rounds, words, factor, action = case
    began, took = fault(serve, fleet, (what, worker, factor), lambda one: (finding, worker) in named(one), rounds)
    told = serve.since(began)[took - 1]
    undo(fleet, worker)
    back = serve.wait_for(lambda one: all_fine(one, fleet), "numbers of all workers", after=told["t"])
    meanwhile = [snapshot for snapshot in serve.since(began) if snapshot["t"] <= back["t"]]

    assert took <= 1 + rounds
    assert summary(told, finding).startswith(words)
    assert action == told["services"]["steady"]["advice"]["action"]
    assert {worker} == {name for snapshot in meanwhile for fault, name in named(snapshot) if fault == finding}
    assert {worker} >= {name for one in meanwhile for name, state in workers(one).items() if state["stale"]}
    assert [] == [rate for snapshot in meanwhile for rate in rates(snapshot) if rate < 0]


def test_a_fault_is_told_once_when_it_begins_and_once_when_it_ends(serve, fleet):
    """Standard error has a line for the finding and one for its end, however many rounds lie between."""
    seen = len(serve.program.err)
    fleet.do("kill", "prefill-0")
    serve.program.line("critical worker_down: prefill-0 is down", after=seen)
    serve.wait_for(lambda one: workers(one)["prefill-0"]["failures"] >= 3, "some rounds of it", after=newest(serve))
    fleet.do("start", "prefill-0")
    serve.program.line("over worker_down: prefill-0 is down", after=seen)
    told = [line.split(" ", 1)[1] for line in serve.program.err[seen:] if " worker_down: prefill-0" in line]

    assert ["steady: critical worker_down", "steady: over worker_down"] == [
        line.split(": prefill-0")[0] for line in told
    ]


def test_a_restart_is_counted(serve, fleet):
    """A restarted worker's counters begin at zero: it is told as information, and no rate is negative."""
    before = workers(serve.snapshots[-1])["decode-1"]["restarts"]

    def counted(snapshot):
        return workers(snapshot)["decode-1"]["restarts"] > before

    began, took = fault(serve, fleet, ("restart", "decode-1"), counted, INTERVALS)
    serve.wait_for(
        lambda one: all_fine(one, fleet), "numbers after the restart", after=serve.since(began)[took - 1]["t"]
    )
    meanwhile = serve.since(began)

    assert took <= 1 + INTERVALS
    assert "decode-1" in restarted(serve.since(began)[took - 1])
    assert [] == [rate for snapshot in meanwhile for rate in rates(snapshot) if rate < 0]
    assert set() == {case.finding for case in CASES} & {name for one in meanwhile for name, _ in named(one)}
