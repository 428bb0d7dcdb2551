"""The judge of the advice: what it bills, what it counts, what it calls right."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.judging.capacity import capacity
from benchmarks.judging.cases import ONSET, Case, make_case
from benchmarks.judging.diagnose import Diagnosis, macro_f1, watch
from benchmarks.judging.frontier import Point, cost_at, frontier
from benchmarks.judging.hindsight import cheapest_path, oracle
from benchmarks.judging.known import Known, read, write
from benchmarks.judging.labels import Candidate, Label, label
from benchmarks.judging.lineup import LINEUP, policy
from benchmarks.judging.loop import Setting, run
from benchmarks.judging.policies.base import Desired
from benchmarks.judging.policies.fixed import Hold, Plan
from benchmarks.judging.score import Change, Objective, Score, attainment, flips
from benchmarks.judging.watch import Damage, Watcher
from pdwatch.demo.model import (
    Do,
    Fault,
    Fleet,
    FleetSpec,
    Load,
    Outcome,
    Performance,
    Phase,
    PoolSpec,
    Role,
    State,
)
from pdwatch.model.judgement import Action

SLOW = Performance(per_token=200e-6, alpha=0.03)
POOL = PoolSpec(gpus=2)
OBJECTIVE = Objective(ttft=4.0, tpot=0.08)


def spec(load: Load, prefill: int = 2, decode: int = 2) -> FleetSpec:
    """A small fleet whose prefill worker carries 2.4 requests of 2,000 tokens a second."""
    return FleetSpec(
        load=load,
        prefill=replace(POOL, workers=prefill),
        decode=replace(POOL, workers=decode),
        performance=SLOW,
    )


def setting(rate: float = 2.0, seconds: float = 120.0) -> Setting:
    """Two workers of each role under a steady load."""
    return Setting(spec(Load.steady(rate, 2000, 100)), seconds, startup=30.0, objective=OBJECTIVE)


def case(load: Load, *faults: Fault, prefill: int = 2, decode: int = 2) -> Case:
    """A case of the small fleet that asks at the onset."""
    fleet_of = spec(load, prefill, decode)
    return Case("made", 1, frozenset(Action), fleet_of, ONSET, 30.0, faults)


def asked(made: Case, at: float = 120.0) -> Fleet:
    """The fleet of a case at the instant of its question."""
    fleet = made.fleet()
    fleet.run_until(at)
    return fleet


def test_a_policy_that_never_acts_is_the_static_fleet():
    """Four workers of two GPUs each are billed from the first second to the last, whatever is asked of the policy."""
    score = run(setting(), Hold("hold"))

    assert 4 * 2 * 120.0 / 3600.0 == pytest.approx(score.gpu_hours)
    assert (0.0, 0.0) == (score.events, score.flips)


def test_a_starting_worker_is_billed_before_it_serves():
    """A worker asked for at second 60 costs its GPUs from then on, its start-up included."""
    score = run(setting(), Plan("plan", [(60.0, Desired(3, 2))]))

    assert (4 * 2 * 120.0 + 2 * 60.0) / 3600.0 == pytest.approx(score.gpu_hours)
    assert 30.0 == score.events


def test_a_worker_sent_away_is_billed_until_it_is_empty():
    """A drain costs its GPUs as well."""
    score = run(setting(), Plan("plan", [(60.0, Desired(2, 1))]))

    assert (3 * 120.0 + 60.0) * 2 / 3600.0 < score.gpu_hours < 4 * 2 * 120.0 / 3600.0


def test_workers_that_start_are_sent_away_first():
    """Asking for one more and then for one fewer leaves those that serve alone."""
    states = []
    plan = Plan("plan", [(60.0, Desired(3, 2)), (70.0, Desired(2, 2))])
    run(setting(), plan, look=lambda fleet: states.extend((w.name, w.state) for w in fleet.workers.values()))

    assert [("prefill-2", State.GONE)] == [entry for entry in states if entry[1] is not State.UP]


def test_every_arrival_counts():
    """Requests that have not ended are missed, so attainment times arrivals is the requests that were served well."""
    fleet = asked(case(Load.steady(12.0, 2000, 100)), at=90.0)
    well = sum(OBJECTIVE.met(request) for request in fleet.finished)

    assert fleet.in_flight
    assert well / fleet.arrived == pytest.approx(attainment(fleet, OBJECTIVE, 0.0, 90.0))


def test_a_failed_request_is_missed():
    """However fast it failed."""
    fleet = asked(case(Load.steady(2.0, 2000, 100)))
    request = next(request for request in fleet.finished if OBJECTIVE.met(request))

    assert not OBJECTIVE.met(request._replace(outcome=Outcome.FAILED))
    assert not OBJECTIVE.met(request._replace(ttft=4.1))
    assert not OBJECTIVE.met(request._replace(tpot=0.081))


def test_same_seed_same_numbers():
    """Two runs of one policy agree in everything; another seed differs."""
    first, again = (run(setting(4.0), policy(LINEUP[0], 0.75, setting(4.0))) for _ in range(2))

    assert first == again
    assert first != run(replace(setting(4.0), seed=2), policy(LINEUP[0], 0.75, setting(4.0)))


@pytest.mark.parametrize("entry", LINEUP, ids=lambda entry: entry.name)
def test_every_policy_keeps_within_its_limits(entry):
    """Under any policy each role keeps a worker and no more than the most allowed are held."""
    counts = []
    narrow = replace(setting(5.0), most=3)
    score = run(narrow, policy(entry, entry.knobs[0], narrow), look=lambda fleet: counts.extend(_held(fleet)))

    assert all(1 <= count <= 3 for count in counts)
    assert 0.0 <= score.attainment <= 1.0


def _held(fleet: Fleet) -> list[int]:
    return [sum(w.state in (State.UP, State.STARTING) for w in fleet.of_role(role)) for role in Role]


def test_a_flip_undoes_the_last_change_of_a_role():
    """Up, down within ten minutes, up much later: one flip. The other role's changes are its own."""
    changes = [
        Change(0.0, Role.PREFILL, 1),
        Change(100.0, Role.DECODE, -1),
        Change(300.0, Role.PREFILL, -1),
        Change(2000.0, Role.PREFILL, 1),
    ]

    assert 1 == flips(changes)


def test_damage_leaves_the_fleet_alone():
    """What is lost on the way to the watcher changes nothing of what the fleet does."""
    plain, watched = (Fleet(spec(Load.steady(3.0, 2000, 100)), seed=3) for _ in range(2))
    watcher = Watcher(OBJECTIVE, damage=Damage(jitter=1.0, dropped=0.2, absent={"decode-0": (10.0, 30.0)}))
    for tick in range(5, 65, 5):
        service = watcher.advance(watched, float(tick))
    plain.run_until(60.0)

    assert plain.finished == watched.finished
    assert service is not None
    assert {"prefill-0", "prefill-1", "decode-0", "decode-1"} == {worker.worker for worker in service.workers}


def test_a_starved_prefill_is_labelled_so():
    """Prompts at three times what one prefill worker computes, decode all but idle and alone: add prefill."""
    made = case(Load.steady(5.0, 2000, 40), prefill=2, decode=1)
    found = label(made, asked(made))

    assert Action.SCALE_PREFILL is found.right
    assert frozenset({Action.SCALE_PREFILL}) == found.acceptable


def test_a_fleet_that_just_suffices_is_labelled_hold():
    """Nothing is better, and one prefill worker fewer is worse."""
    made = case(Load.steady(2.6, 2000, 40), prefill=2, decode=1)

    assert Action.HOLD is label(made, asked(made)).right


def test_a_broken_fabric_is_labelled_fix():
    """Half of the transfers fail: no number of workers cures that."""
    fault = Fault(Do.FAIL_TRANSFERS, "", 0.5, ONSET)
    made = case(Load.steady(2.0, 2000, 100), fault)
    fleet = asked(made, ONSET + 5.0)

    assert Action.FIX is label(made, fleet).right


def test_an_idle_fleet_is_labelled_for_removal():
    """Both removals are acceptable where both do no harm."""
    made = case(Load.steady(0.5, 1000, 50))
    found = label(made, asked(made, 60.0))

    assert frozenset({Action.SCALE_IN_PREFILL, Action.SCALE_IN_DECODE}) == found.acceptable


def test_trying_leaves_the_fleet_as_it_is():
    """After every action has been tried on copies, the fleet goes on as if nobody had asked."""
    made = case(Load.steady(2.0, 2000, 40), prefill=1, decode=1)
    tried, left = asked(made, 60.0), asked(made, 60.0)
    label(made, tried)
    tried.run_until(90.0)
    left.run_until(90.0)

    assert left.finished == tried.finished


def test_a_case_is_drawn_the_same_every_time():
    """Same kind, same seed, same case; another seed gives another."""
    assert make_case("shift to decode", 4) == make_case("shift to decode", 4)
    assert make_case("shift to decode", 4) != make_case("shift to decode", 5)


def test_a_case_is_judged_the_same_every_time():
    """Damage on the way to the watcher included."""
    lossy = Damage(jitter=1.0, dropped=0.1, seed=7)
    made = replace(case(Load.steady(1.3, 2000, 40), prefill=1, decode=1), damage=lossy)
    right = Label(Action.HOLD, frozenset({Action.HOLD}), {Candidate(Action.HOLD): 1.0})
    first, again = (watch(made, right) for _ in range(2))

    assert isinstance(first, Diagnosis)
    assert first == again


def test_cost_at_an_attainment_lies_between_the_points_around_it():
    """Linear along the frontier; unknown above the best; beaten points do not count."""
    points = [
        Point(str(cost), Score(share, cost, 0.0, 0.0, 0.0)) for share, cost in ((0.9, 2.0), (0.8, 3.0), (1.0, 4.0))
    ]

    assert 3.0 == pytest.approx(cost_at(points, 0.95))
    assert ["2.0", "4.0"] == [point.knob for point in frontier(points)]
    assert None is cost_at(points[:1], 0.95)
    assert 2.0 == cost_at(points, 0.5)


def test_more_points_never_cost_more():
    """A point under the line between two others does not draw the interpolation down to it."""
    ends = [Point(str(cost), Score(share, cost, 0.0, 0.0, 0.0)) for share, cost in ((0.8, 1.0), (1.0, 3.0))]
    under = Point("2.0", Score(0.85, 2.0, 0.0, 0.0, 0.0))

    assert 2.5 == pytest.approx(cost_at([*ends, under], 0.95))


def test_the_cheapest_path_keeps_a_worker_through_a_short_lull_only():
    """A start costs what it takes: one epoch of idling is cheaper than a start of 120 s, four are not."""
    assert [2, 2, 2] == cheapest_path([2, 1, 2], startup=120.0)
    assert [2, 1, 1, 1, 1, 2] == cheapest_path([2, 1, 1, 1, 1, 2], startup=120.0)


def test_the_oracle_asks_before_the_load_comes():
    """Workers that the second half needs have been asked for when it begins."""
    later = (Phase(0.0, 1.0, 2000, 50), Phase(300.0, 6.0, 2000, 50))
    known, plan = oracle(replace(setting(seconds=600.0), spec=spec(Load(phases=later))), 0.7, 0.9)
    held = []
    run(replace(known, seconds=299.0), plan, look=lambda fleet: held.append(len(fleet.of_role(Role.PREFILL))))

    assert held[0] > known.spec.prefill.workers


def test_capacity_is_where_the_simulated_queue_begins():
    """A little below its capacity a prefill worker keeps up, a little above it does not."""
    able = capacity(spec(Load()), Phase(0.0, 1.0, 2000, 40), OBJECTIVE)
    below, above = (
        run(
            replace(setting(share * able.prefill, 400.0), spec=spec(Load.steady(share * able.prefill, 2000, 40), 1)),
            Hold("h"),
        )
        for share in (0.6, 1.3)
    )

    assert below.attainment > 0.95
    assert above.attainment < 0.6


def test_macro_f1_is_the_mean_over_what_was_right():
    """One action always found, one never: a half, less what the wrong answers cost the first."""
    pairs = [(Action.HOLD, Action.HOLD), (Action.FIX, Action.HOLD)]

    assert (2 / 3) / 2 == pytest.approx(macro_f1(pairs))


def test_a_label_found_once_is_read_back(tmp_path: Path):
    """Finding one takes seconds; a seed that gave no case is remembered as well."""
    right = Label(Action.HOLD, frozenset({Action.HOLD, Action.FIX}), {Candidate(Action.SCALE_DECODE, 0, 1): 0.875})
    kept = [Known("remove", 3, 1, right), Known("rebalance", 4, None)]
    write(tmp_path / "labels.jsonl", kept)

    assert {(entry.kind, entry.seed): entry for entry in kept} == read(tmp_path / "labels.jsonl")


def test_labels_of_another_fleet_are_found_anew(tmp_path: Path):
    """A label is true only of the model that it was found on."""
    path = tmp_path / "labels.jsonl"
    write(path, [Known("rebalance", 4, None)])
    path.write_text(path.read_text().replace('"fingerprint": "', '"fingerprint": "0'))

    assert {} == read(path)
