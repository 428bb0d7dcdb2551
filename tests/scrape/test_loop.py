"""The loop against servers on loopback."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from pdwatch.model.target import Role
from pdwatch.scrape.turns import LoopSettings, delay

TIMEOUT = 30
"""Seconds; that of `running` unless a test says otherwise."""
AT_ONCE = LoopSettings(interval=TIMEOUT, probe_interval=1e9)
"""A timeout as long as the interval leaves nothing to spread: a cycle asks everyone at its start."""
OFTEN = LoopSettings(interval=0.1, probe_interval=1e9)


def test_the_first_cycle_asks_everyone_at_once_and_is_closed_by_the_last_answer(running, until):
    """A verdict does not wait for the interval."""

    async def scenario():
        async with running(["a", "b", "c"], AT_ONCE) as (_, heard, _):
            await until(lambda: heard.cycles == 1)
            return heard.events

    events = asyncio.run(scenario())

    assert ("cycle", 1000.0) == events[-1]
    assert {("scrape", "a"), ("scrape", "b"), ("scrape", "c")} <= set(events[:-1])


def test_cycles_follow_one_another(running, until):
    """The rhythm goes on for as long as the loop is open."""

    async def scenario():
        async with running(["a", "b"], OFTEN) as (_, heard, fleet):
            await until(lambda: heard.cycles >= 4 and fleet.asked["/a"] >= 4 and fleet.asked["/b"] >= 4)
            return [scrape.error for scrape in heard.scrapes]

    assert {None} == set(asyncio.run(scenario()))


def test_every_cycle_asks_each_target_once(running):
    """Between two closings each target was heard once."""

    async def scenario():
        async with running(["a", "b"], AT_ONCE, role=Role.ROUTER, start=False) as (loop, heard, _):
            for _ in range(3):
                await loop.cycle()
            return heard.events

    events = asyncio.run(scenario())

    for start in (0, 3, 6):
        assert {("scrape", "a"), ("scrape", "b")} == set(events[start : start + 2])
        assert ("cycle", 1000.0) == events[start + 2]


def test_after_its_first_cycle_a_target_is_asked_at_its_own_moment(running):
    """A fleet is not asked all at once every interval."""
    settings = LoopSettings(interval=60, probe_interval=1e9)

    async def scenario():
        async with running([], settings, start=False) as (loop, _, fleet):
            window = settings.window(TIMEOUT)
            targets = (fleet.target(f"page{number}") for number in range(10_000))
            target = next(target for target in targets if 0.1 < delay(target.url, window) < 0.3)
            loop.set_targets([target])
            await loop.cycle()
            started = asyncio.get_running_loop().time()
            await loop.cycle()
            return fleet.asked_at[f"/{target.worker}"] - started, delay(target.url, window)

    waited, due = asyncio.run(scenario())

    assert waited > due - 0.01


def test_a_slow_target_is_an_error_at_its_timeout_and_delays_nobody(running, until):
    """The others are heard first; the cycle is closed after the timeout, long before its end."""
    settings = LoopSettings(interval=600)

    async def scenario():
        async with running(["hang", "a", "b"], settings, timeout=2, role=Role.ROUTER) as (_, heard, _):
            await until(lambda: heard.cycles == 1)
            return heard

    heard = asyncio.run(scenario())

    assert [("scrape", "hang"), ("cycle", 1000.0)] == heard.events[-2:]
    assert ["timed out after 2s"] == [scrape.error for scrape in heard.scrapes if scrape.target.worker == "hang"]


def test_a_request_under_way_is_not_doubled(running, until):
    """Turns pass and are counted; cycles are closed without the missing answer, the others are still asked."""

    async def scenario():
        async with running(["hang", "a"], OFTEN, role=Role.ROUTER) as (loop, heard, fleet):
            await until(lambda: loop.stats.skipped >= 2 and heard.cycles >= 3 and fleet.asked["/a"] >= 3)
            return loop.stats, fleet.asked["/hang"]

    stats, asked = asyncio.run(scenario())

    assert 1 == asked
    assert stats.cycles >= 3


def test_targets_change_from_one_cycle_to_the_next(running):
    """Who is gone is not asked any more, who is new is."""

    async def scenario():
        async with running(["old", "kept"], AT_ONCE, start=False) as (loop, heard, fleet):
            await loop.cycle()
            loop.set_targets([fleet.target("kept"), fleet.target("new")])
            heard.scrapes.clear()
            await loop.cycle()
            return sorted(scrape.target.worker for scrape in heard.scrapes)

    assert ["kept", "new"] == asyncio.run(scenario())


def test_a_target_with_other_labels_is_handed_over_with_them(running):
    """Discovery may learn a role while the URL stays."""

    async def scenario():
        async with running(["a"], AT_ONCE, start=False) as (loop, heard, fleet):
            await loop.cycle()
            loop.set_targets([replace(fleet.target("a"), role=Role.PREFILL)])
            await loop.cycle()
            return [scrape.target.role for scrape in heard.scrapes]

    assert [Role.DECODE, Role.PREFILL] == asyncio.run(scenario())


def test_a_target_found_twice_is_asked_once(running):
    """The URL is its identity."""

    async def scenario():
        async with running(["a", "a"], AT_ONCE, start=False) as (loop, _, fleet):
            await loop.cycle()
            return fleet.asked["/a"]

    assert 1 == asyncio.run(scenario())


def test_the_answer_of_a_target_that_is_gone_is_not_handed_over(running, until):
    """It left while its request was under way."""

    async def scenario():
        async with running(["held"], AT_ONCE, role=Role.ROUTER) as (loop, heard, fleet):
            await until(lambda: fleet.asked["/held"] == 1)
            loop.set_targets([])
            fleet.release.set()
            await until(lambda: heard.cycles == 1)
            return heard.events

    assert [("cycle", 1000.0)] == asyncio.run(scenario())


def test_a_cycle_without_targets_is_closed_all_the_same(running, until):
    """That nothing was found is also a picture."""

    async def scenario():
        async with running([], OFTEN) as (_, heard, _):
            await until(lambda: heard.cycles >= 2)
            return heard.scrapes

    assert [] == asyncio.run(scenario())


def test_closing_ends_requests_under_way(running, until):
    """No task outlives the loop and nothing is handed over after it."""

    async def scenario():
        async with running(["hang"], AT_ONCE) as (loop, heard, fleet):
            await until(lambda: fleet.asked["/hang"] == 1)
            await loop.aclose()
            return heard.scrapes, heard.cycles, loop._tasks

    assert ([], 0, set()) == asyncio.run(scenario())


def test_a_callback_that_raises_spoils_nothing_else(running, caplog):
    """The fault is logged with its place, the other targets and the cycles go on."""

    async def scenario():
        async with running(["a", "b"], AT_ONCE, start=False) as (loop, heard, _):
            heard.raises_for = "a"
            await loop.cycle()
            await loop.cycle()
            return sorted(scrape.target.worker for scrape in heard.scrapes), heard.cycles

    assert (["a", "a", "b", "b"], 2) == asyncio.run(scenario())
    assert "a step of the scrape loop failed" in caplog.text
