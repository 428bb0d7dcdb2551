"""How the loop looks at the health of workers."""

from __future__ import annotations

import asyncio

from pdwatch.model.target import Role
from pdwatch.scrape.transport import Probe
from pdwatch.scrape.turns import LoopSettings

AT_ONCE = LoopSettings(interval=30, probe_interval=1e9)
"""The timeout of `running` is as long and leaves nothing to spread: a cycle asks everyone at its start."""


def test_workers_are_probed_in_their_first_cycle(running, until):
    """Version and health are there with the first verdict."""

    async def scenario():
        async with running(["a"], AT_ONCE) as (_, heard, _):
            await until(lambda: heard.cycles == 1)
            return heard.probes

    assert [("a", Probe(200, "0.33.0"), 1000.0)] == asyncio.run(scenario())


def test_workers_are_probed_again_after_the_probe_interval(running, until):
    """Every second cycle here, so less often than they are scraped."""
    settings = LoopSettings(interval=0.1, probe_interval=0.2)

    async def scenario():
        async with running(["a"], settings) as (_, heard, fleet):
            await until(lambda: len(heard.probes) >= 5)
            return fleet.asked

    asked = asyncio.run(scenario())

    assert asked["/health"] < asked["/a"]


def test_routers_are_not_probed(running, until):
    """A router speaks about workers and is none."""

    async def scenario():
        async with running(["a"], AT_ONCE, role=Role.ROUTER, start=False) as (loop, _, fleet):
            await loop.cycle()
            fleet.failing = True
            await loop.cycle()
            await until(lambda: not loop._tasks)
            return fleet.asked

    assert {"/a": 2} == asyncio.run(scenario())


def test_a_worker_whose_page_begins_to_fail_is_probed_at_once(running, until):
    """Once for each time that it begins, not at every failure."""

    async def scenario():
        probes = []
        async with running(["a"], AT_ONCE, start=False) as (loop, heard, fleet):
            for fleet.failing in (False, True, True, False, True):
                await loop.cycle()
                await until(lambda: not loop._tasks)
                probes.append([probe.health for _, probe, _ in heard.probes])
        return probes

    probes = asyncio.run(scenario())

    assert [[200], [200, 404], [200, 404], [200, 404], [200, 404, 404]] == probes


def test_a_worker_that_says_it_is_not_well_is_asked_until_it_is(running, until):
    """Each cycle, so that it is known within one when it is well again."""

    async def scenario():
        probes = []
        async with running(["a"], AT_ONCE, start=False) as (loop, heard, fleet):
            for fleet.unwell in (True, True, False, False):
                await loop.cycle()
                await until(lambda: not loop._tasks)
                probes.append([probe.health for _, probe, _ in heard.probes])
        return probes

    assert [[503], [503, 503], [503, 503, 200], [503, 503, 200]] == asyncio.run(scenario())
