"""What the terminal costs: bytes to the terminal and CPU for each refresh, start-up, memory over many snapshots.

Run with `python -m benchmarks.top`. Bytes are exact; times are those of this machine.
"""

from __future__ import annotations

import asyncio
import os
import resource
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from math import sin
from pathlib import Path
from statistics import median
from time import perf_counter, process_time

from textual.drivers.headless_driver import HeadlessDriver
from textual.pilot import Pilot

from pdwatch.demo import SCENARIOS
from pdwatch.model.judgement import Action, Advice, Replicas
from pdwatch.model.latency import LatencyState
from pdwatch.model.page import Scrape
from pdwatch.model.snapshot import EngineState, PoolState, SelfState, ServiceState, Snapshot, TransferState, WorkerState
from pdwatch.model.target import Role, RoleSource, Target
from pdwatch.road.road import Road, RoadSettings
from pdwatch.top.app import Options, new_session
from pdwatch.top.screen.application import ScreenOptions, TopApp
from pdwatch.top.session import Session, Settings
from pdwatch.top.sources import Handed

SIZE = (120, 40)
T0 = 1_795_000_000.0
STORY_SNAPSHOTS = 60


class CountingDriver(HeadlessDriver):
    """Counts what would go to the terminal."""

    written = 0
    is_headless = False

    def write(self, data: str) -> None:
        """Count *data*."""
        type(self).written += len(data.encode())


def worker(index: int, tick: int) -> WorkerState:
    """Return a worker whose numbers depend on *tick*."""
    role = Role.PREFILL if index % 3 == 0 else Role.DECODE
    wave = 0.5 + 0.45 * sin(tick / 7 + index)
    engine = EngineState(
        "0",
        requests_waiting=round(20 * wave),
        requests_running=round(120 * wave),
        load=140 * wave,
        kv_cache_usage_ratio=wave,
        prefix_cache_hit_ratio=wave / 2,
        computed_tokens_per_second=40_000 * wave,
        generation_tokens_per_second=1_600 * wave,
        preemptions_per_second=0.0,
        itl_seconds=0.02 + 0.05 * wave,
    )
    name = f"{role.value}-{index:03}"
    url = f"http://{name}:8000/metrics"
    return WorkerState(
        name, url, role, RoleSource.DECLARED, name, f"gpu-{index:03}", up=True, age_seconds=1.0, engines=(engine,)
    )


def snapshot(workers: int, tick: int) -> Snapshot:
    """Return one service of *workers*, every number of which differs from tick to tick."""
    members = tuple(worker(index, tick) for index in range(workers))
    pools = {}
    for role in (Role.PREFILL, Role.DECODE):
        count = sum(member.role is role for member in members)
        wave = 0.5 + 0.3 * sin(tick / 5)
        pools[role] = PoolState(
            role,
            count,
            count,
            count,
            count,
            role_guessed=False,
            pressure_ratio=wave,
            kv_cache_usage_ratio=wave,
            requests_waiting=round(100 * wave),
            generation_tokens_per_second=1e5 * wave,
        )
    advice = Advice(Action.HOLD, Replicas(1, 1), Replicas(1, 1), 0.9, T0, f"Nothing waits, tick {tick}.")
    service = ServiceState("s", pools, TransferState(), {}, LatencyState(), {}, members, advice)
    return Snapshot(T0 + 2 * tick, {"s": service}, {}, SelfState(workers, workers, 0, 0.01, tick))


async def nothing() -> AsyncIterator[Snapshot]:
    """Yield nothing, for ever."""
    await asyncio.Event().wait()
    yield snapshot(0, 0)


async def measured(workers: int, refreshes: int, change: Callable[[Snapshot, int], Snapshot]) -> tuple[float, float]:
    """Return mean bytes and median milliseconds of CPU of a refresh after *change* was made to the snapshot."""
    source = Handed("benchmark", nothing())
    session = new_session(source, Options())
    app = TopApp(session, source, ScreenOptions(terminal=lambda: True, signals=False, clock=lambda: 0.0))
    app.driver_class = CountingDriver
    async with app.run_test(headless=False, size=SIZE) as pilot:
        shown = snapshot(workers, 0)
        for _ in range(3):
            await refresh(pilot, app, shown)
        CountingDriver.written, spent = 0, []
        for tick in range(refreshes):
            shown = change(shown, tick)
            began = process_time()
            await refresh(pilot, app, shown)
            spent.append(process_time() - began)
        written = CountingDriver.written
    return written / refreshes, 1000 * median(spent)


async def refresh(pilot: Pilot[object], app: TopApp, shown: Snapshot) -> None:
    """Let a snapshot arrive and wait until it is drawn."""
    app.session.arrive(shown, 0.0)
    app.draw()
    await pilot.pause()


def demo(scenario: str, seconds: int, interval: int) -> list[Snapshot]:
    """Return what a serve tells of a simulated fleet, once each *interval* of *seconds*."""
    fleet, road = SCENARIOS[scenario].fleet(1), Road(RoadSettings(interval=interval))
    found = []
    for at in range(interval, seconds + interval, interval):
        fleet.run_until(at)
        for member in fleet.workers.values():
            url, role = f"http://{member.name}/metrics", Role(str(member.role))
            target = Target(url, member.name, "demo", role, RoleSource.DECLARED)
            road.observe(Scrape(target, fleet.epoch + at, 0.003, 200, fleet.page(member)))
        found.append(road.tick(fleet.epoch + at))
    return found


def one_row(shown: Snapshot, tick: int) -> Snapshot:
    """Return the snapshot with one number of one worker changed, at the same instant."""
    service = shown.services["s"]
    fullest = max(service.workers, key=lambda member: member.engines[0].kv_cache_usage_ratio or 0.0)
    engine = replace(fullest.engines[0], requests_running=float(40 + tick % 7))
    changed = replace(fullest, engines=(engine,))
    workers = tuple(changed if member.url == changed.url else member for member in service.workers)
    return replace(shown, services={"s": replace(service, workers=workers)})


def first_paint() -> float:
    """Return seconds from starting an interpreter to the first frame."""
    code = (
        "import asyncio; from benchmarks.top import *\n"
        "async def go():\n"
        "    source = Handed('b', nothing()); app = TopApp(new_session(source, Options()), source, "
        "ScreenOptions(terminal=lambda: True, signals=False))\n"
        "    async with app.run_test(size=SIZE) as pilot: await pilot.pause(); print('painted', flush=True)\n"
        "asyncio.run(go())"
    )
    began = perf_counter()
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as painting:
        assert painting.stdout is not None
        painting.stdout.readline()
        return perf_counter() - began


def growth(snapshots: int) -> float:
    """Return the growth of memory in MB over *snapshots*, after the first twentieth of them."""
    session = Session(Settings())
    before = 0
    for tick in range(snapshots):
        session.arrive(snapshot(11, tick), float(tick))
        session.draw(*SIZE, float(tick))
        if tick == snapshots // 20:
            before = resident()
    return (resident() - before) / 1e6


def resident() -> int:
    """Return the resident memory of this process in bytes."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def main() -> None:
    """Print every number beside its budget, in 24-bit colours, which take the most bytes."""
    if os.environ.get("TEXTUAL_COLOR_SYSTEM") != "truecolor":
        environ = dict(os.environ, TEXTUAL_COLOR_SYSTEM="truecolor")
        os.execve(sys.executable, [sys.executable, "-m", "benchmarks.top"], environ)
    cases: tuple[tuple[str, int, Callable[[Snapshot, int], Snapshot], str], ...] = (
        ("same snapshot", 64, lambda shown, _: shown, "0 B"),
        ("one row changes", 64, one_row, "400 B, 6 ms"),
        ("everything changes, 64 workers", 64, lambda _, tick: snapshot(64, tick + 1), "12 kB, 25 ms"),
        ("everything changes, 256 workers", 256, lambda _, tick: snapshot(256, tick + 1), "100 ms (5 % at 2 s)"),
    )
    print(f"{'refresh at 120x40':34}{'bytes':>10}{'CPU ms':>10}   budget")
    for name, workers, change, budget in cases:
        written, spent = asyncio.run(measured(workers, 40, change))
        print(f"{name:34}{written:>10.0f}{spent:>10.1f}   {budget}")
    story = demo("decode_bound", 2 * STORY_SNAPSHOTS, 2)
    written, _ = asyncio.run(measured(4, STORY_SNAPSHOTS, lambda _, tick: story[tick]))
    print(f"{'demo decode_bound at 2 s':34}{written / 2000:>8.2f} kB/s{'':8}6 kB/s")
    print(f"{'first paint':34}{first_paint():>18.2f} s   0.6 s")
    print(f"{'growth over 10,000 snapshots':34}{growth(10_000):>17.1f} MB   10 MB")


if __name__ == "__main__":
    main()
