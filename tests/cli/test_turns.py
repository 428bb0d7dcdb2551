"""A road whose ticks run beside the event loop."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable

import pytest

from pdwatch.cli.turns import RoadTurns
from pdwatch.model.page import Scrape
from pdwatch.model.snapshot import Snapshot
from pdwatch.model.target import Role, RoleSource, Target
from pdwatch.road.road import NO_DISCOVERY, DiscoveryStatus, Road, RoadSettings


class HeldRoad(Road):
    """A road whose ticks end when they are let go, and which knows how many are under way."""

    def __init__(self) -> None:
        super().__init__(RoadSettings())
        self.let_go = threading.Event()
        self.began = threading.Event()
        self.under_way = 0
        self.most = 0

    def tick(
        self, now: float, cycle_seconds: float | None = None, discovery: DiscoveryStatus = NO_DISCOVERY
    ) -> Snapshot:
        """Judge, then wait."""
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        self.began.set()
        try:
            assert self.let_go.wait(30)
            return super().tick(now, cycle_seconds, discovery)
        finally:
            self.under_way -= 1


def page(worker: str, at: float = 1000.0) -> Scrape:
    """Return a page of a worker that just began."""
    target = Target(f"http://{worker}/metrics", worker, "chat", Role.DECODE, RoleSource.DECLARED)
    return Scrape(target, at, 0.01, 200, 'vllm:num_requests_running{engine="0"} 1\n')


def workers(snapshot: Snapshot) -> list[str]:
    """Return the names of all workers of a snapshot."""
    return [worker.worker for service in snapshot.services.values() for worker in service.workers]


def tick(turns: RoadTurns, now: float = 1000.0) -> Awaitable[Snapshot]:
    """Begin to close a round."""
    return asyncio.ensure_future(turns.tick(now, 0.1, NO_DISCOVERY))


async def begun(road: HeldRoad) -> None:
    """Wait until a tick is under way, without holding the loop."""
    async with asyncio.timeout(30):
        while not road.began.is_set():
            await asyncio.sleep(0.001)


@pytest.fixture
def played() -> Callable[[Callable[[HeldRoad, RoadTurns], Awaitable[None]]], HeldRoad]:
    """Play a scene on a road with its turns; whatever it holds is let go at the end."""

    def play(scene: Callable[[HeldRoad, RoadTurns], Awaitable[None]]) -> HeldRoad:
        road = HeldRoad()

        async def scenario() -> None:
            turns = RoadTurns(road)
            try:
                await scene(road, turns)
            finally:
                road.let_go.set()
                await turns.close()

        asyncio.run(scenario())
        return road

    return play


def test_without_a_tick_under_way_a_change_is_made_at_once(played) -> None:
    """Nobody waits for nothing."""

    async def scene(road: HeldRoad, turns: RoadTurns) -> None:
        turns.do(lambda: road.observe(page("d-0")))
        road.let_go.set()
        assert ["d-0"] == workers(await tick(turns))

    played(scene)


def test_the_loop_goes_on_while_a_road_ticks(played) -> None:
    """A tick that lasts as long as it likes holds up no answer."""

    async def scene(road: HeldRoad, turns: RoadTurns) -> None:
        judged = tick(turns)
        await begun(road)
        assert not judged.done()  # and yet this line was reached

    played(scene)


def test_a_page_that_comes_during_a_tick_counts_in_the_next(played) -> None:
    """A snapshot is of one instant: what came later is not in it, and is not lost either."""

    async def scene(road: HeldRoad, turns: RoadTurns) -> None:
        turns.do(lambda: road.observe(page("d-0")))
        first = tick(turns)
        await begun(road)
        turns.do(lambda: road.observe(page("d-1")))
        road.let_go.set()

        assert ["d-0"] == workers(await first)
        assert ["d-0", "d-1"] == workers(await tick(turns, 1005.0))

    played(scene)


def test_changes_during_a_tick_are_made_in_the_order_in_which_they_came(played) -> None:
    """A worker that is seen and then taken out of the fleet stays out."""

    async def scene(road: HeldRoad, turns: RoadTurns) -> None:
        first = tick(turns)
        await begun(road)
        turns.do(lambda: road.observe(page("d-0")))
        turns.do(lambda: road.keep([]))
        turns.do(lambda: road.observe(page("d-1")))
        road.let_go.set()
        await first

        assert ["d-1"] == workers(await tick(turns, 1005.0))

    played(scene)


def test_a_change_that_fails_spoils_no_other(played, caplog: pytest.LogCaptureFixture) -> None:
    """It is logged."""

    async def scene(road: HeldRoad, turns: RoadTurns) -> None:
        first = tick(turns)
        await begun(road)
        turns.do(lambda: 1 / 0)
        turns.do(lambda: road.observe(page("d-1")))
        road.let_go.set()
        await first

        assert ["d-1"] == workers(await tick(turns, 1005.0))

    played(scene)
    assert "ZeroDivisionError" in caplog.text


def test_two_ticks_follow_one_another(played) -> None:
    """While a configuration is loaded again the old rhythm and the new one may both close a cycle."""

    async def scene(road: HeldRoad, turns: RoadTurns) -> None:
        ticks = [tick(turns), tick(turns, 1005.0), tick(turns, 1010.0)]
        await begun(road)
        road.let_go.set()

        assert [1000.0, 1005.0, 1010.0] == [snapshot.t for snapshot in await asyncio.gather(*ticks)]

    assert 1 == played(scene).most


def test_who_stops_waiting_for_a_tick_does_not_stop_it(played) -> None:
    """The rhythm is cancelled at a reload; what came in meanwhile is still taken."""

    async def scene(road: HeldRoad, turns: RoadTurns) -> None:
        first = tick(turns)
        await begun(road)
        turns.do(lambda: road.observe(page("d-0")))
        first.cancel()
        road.let_go.set()
        await turns.settle()

        assert ["d-0"] == workers(await tick(turns, 1005.0))

    played(scene)
