"""What a road keeps over a restart of pdwatch, and that two roads on the same pages agree."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pdwatch.demo import SCENARIOS
from pdwatch.demo.model import Fleet, Worker
from pdwatch.judge.advice import Limits, ServiceLimits
from pdwatch.model.judgement import Action
from pdwatch.model.page import Scrape
from pdwatch.model.snapshot import ServiceState, Snapshot
from pdwatch.model.target import Role, RoleSource, Target
from pdwatch.road.road import Road, RoadSettings, ServicePolicy
from pdwatch.signals.service import Objectives

SERVICE = "r1"
EVERY = 5.0
LIMITS = ServiceLimits({role: Limits(startup=60.0) for role in (Role.PREFILL, Role.DECODE)})
SETTINGS = RoadSettings(services={SERVICE: ServicePolicy(Objectives(ttft=2.0, itl=0.05), LIMITS)})

Round = tuple[float, list[Scrape]]


def target(worker: Worker, service: str = SERVICE) -> Target:
    """Return a worker as discovery names it."""
    return Target(f"http://{worker.name}/metrics", worker.name, service, Role(worker.role.value), RoleSource.DECLARED)


@cache
def rounds(scenario: str, seconds: float) -> list[Round]:
    """Return every page of a scenario, five seconds apart."""
    fleet, found = SCENARIOS[scenario].fleet(seed=1), []
    while fleet.now < seconds:
        fleet.run_until(fleet.now + EVERY)
        found.append((fleet.epoch + fleet.now, pages(fleet)))
    return found


def pages(fleet: Fleet) -> list[Scrape]:
    """Return the page of each worker as of now."""
    now = fleet.epoch + fleet.now
    return [Scrape(target(worker), now, 0.01, 200, fleet.page(worker)) for worker in fleet.workers.values()]


def play(road: Road, played: Iterable[Round]) -> list[ServiceState]:
    """Hand rounds to a road and return what it says after each."""
    said: list[Snapshot] = []
    for now, scrapes in played:
        for scrape in scrapes:
            road.observe(scrape)
        said.append(road.tick(now))
    return [snapshot.services[SERVICE] for snapshot in said]


@cache
def kept() -> str:
    """What a road keeps that has watched a fleet whose decode is too small, as a file has it."""
    road = Road(SETTINGS)
    play(road, rounds("decode_bound", 300.0)[:40])
    return json.dumps(road.memory(), allow_nan=False)


def recalled(memory: Any = None) -> Road:
    """Return a new road that goes on from there."""
    road = Road(SETTINGS)
    road.recall(json.loads(kept()) if memory is None else memory)
    return road


def test_a_road_that_recalls_says_what_the_old_one_would_have_said() -> None:
    """Action, replicas wanted and history, from the second page on; two pages are what a rate takes."""
    old, new = Road(SETTINGS), recalled()
    played = rounds("decode_bound", 300.0)
    there, again = play(old, played)[40:], play(new, played[40:])

    assert Action.SCALE_DECODE in {state.advice.action for state in there} | {d.action for d in there[-1].decisions}
    assert [state.advice.action for state in there] == [state.advice.action for state in again]
    assert [decision.at for decision in there[-1].decisions] == [decision.at for decision in again[-1].decisions]
    assert there[-1].advice.decode.desired == pytest.approx(again[-1].advice.decode.desired, abs=1)


def test_a_service_recalls_what_is_its_own_once_a_worker_of_it_is_seen() -> None:
    """Until then it is kept as it was; nobody else gets it."""
    memory = json.loads(kept()) | {"elsewhere": json.loads(kept())[SERVICE]}
    road = recalled(memory)
    assert memory == road.memory()

    play(road, rounds("decode_bound", 300.0)[40:42])
    after = json.loads(json.dumps(road.memory()))
    assert memory["elsewhere"] == after["elsewhere"]
    assert memory[SERVICE] != after[SERVICE]
    assert memory[SERVICE]["decisions"][0]["at"] == after[SERVICE]["decisions"][0]["at"]


def test_an_engine_recalls_its_speed_by_its_place() -> None:
    """One that is found at another place learns anew; those of engines that are gone hurt nobody."""
    memory = json.loads(kept())
    speeds = memory[SERVICE]["speeds"]
    moved = {key.replace("prefill-0/", "prefill-9/"): value for key, value in speeds.items()}
    states = play(recalled({SERVICE: memory[SERVICE] | {"speeds": moved}}), rounds("decode_bound", 300.0)[40:41])
    told = {w.worker: w.engines[0].prefill_tokens_per_second for w in states[0].workers if w.role is Role.PREFILL}

    assert told["prefill-0"] is None
    assert told["prefill-1"] == pytest.approx(speeds["http://prefill-1/metrics 0"]["light_value"], rel=0.5)


def test_an_engine_that_does_not_come_back_is_forgotten_after_an_hour() -> None:
    """A fleet whose workers get new names would fill the memory otherwise."""
    memory = json.loads(kept())
    gone = {f"{key} gone": value for key, value in memory[SERVICE]["speeds"].items()}
    road = recalled({SERVICE: memory[SERVICE] | {"speeds": gone}})
    (now, scrapes), later = rounds("decode_bound", 300.0)[40], 3600.0
    for seconds in (0.0, later, later + EVERY):
        play(road, [(now + seconds, [replace(scrape, at=scrape.at + seconds) for scrape in scrapes])])
        kept_now = road.memory()[SERVICE]["speeds"].keys()
        assert (gone.keys() <= kept_now) is (seconds <= later)


def test_a_memory_of_something_else_is_refused_and_nothing_of_it_is_taken() -> None:
    """Not the services before the bad one either."""
    road = Road(SETTINGS)
    with pytest.raises(ValueError, match="what it keeps of service 'bad' is not readable"):
        road.recall({SERVICE: json.loads(kept())[SERVICE], "bad": {"speeds": 1}})

    assert {} == road.memory()


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterable[tuple[Any, ...]]:
    """Yield the way to each part of JSON, of long lists to the first and the last."""
    yield path
    if isinstance(value, dict):
        for key, item in value.items():
            yield from places(item, (*path, key))
    elif isinstance(value, list) and value:
        for index in {0, len(value) - 1}:
            yield from places(value[index], (*path, index))


anything = st.one_of(
    st.none(),
    st.booleans(),
    st.floats(),
    st.integers(),
    st.text(max_size=5),
    st.sampled_from([[], {}, [[]], {"a": 1}, 1e308, "1e999"]),
)


@settings(deadline=None, derandomize=True, max_examples=150)
@given(st.data())
def test_whatever_stands_in_a_memory_it_is_refused_or_harmless(data: st.DataObject) -> None:
    """Any part of it changed to anything: one line and a fresh begin, or a road that judges on."""
    memory = json.loads(kept())
    *path, last = data.draw(st.sampled_from([place for place in places(memory) if place]))
    inner: Any = memory
    for key in path:
        inner = inner[key]
    inner[last] = data.draw(anything)
    try:
        road = recalled(memory)
    except ValueError:
        return
    states = play(road, rounds("decode_bound", 300.0)[40:42])

    assert 2 == len(states)
    json.dumps(road.memory(), allow_nan=False)


def test_two_roads_on_the_same_pages_agree() -> None:
    """At every tick and in everything: two replicas of pdwatch need not talk to each other."""
    for scenario in ("decode_bound", "mix_flip"):
        first, second = (play(Road(SETTINGS), rounds(scenario, 300.0)) for _ in range(2))

        assert first == second


def test_a_road_that_began_later_comes_to_the_same_advice() -> None:
    """Minutes after it was started it asks for what the other one asks for."""
    played = rounds("decode_bound", 300.0)
    early, late = play(Road(SETTINGS), played)[-1], play(Road(SETTINGS), played[20:])[-1]

    assert early.advice.action is late.advice.action
    assert early.advice.decode.desired == pytest.approx(late.advice.decode.desired, abs=1)
    assert early.advice.since < late.advice.since


def test_services_of_one_road_do_not_mix() -> None:
    """The same fleet under two names, one of them idle from the road's sight: each has its own memory."""
    road = Road(SETTINGS)
    for now, scrapes in rounds("decode_bound", 300.0)[:10]:
        for scrape in scrapes:
            road.observe(scrape)
        road.observe(Scrape(Target("http://x/metrics", "x", "r2", Role.PREFILL), now, 0.0, error="refused"))
        road.tick(now)
    memory = road.memory()

    assert {SERVICE, "r2"} == memory.keys()
    assert {} == memory["r2"]["speeds"]
    assert memory[SERVICE]["speeds"]
