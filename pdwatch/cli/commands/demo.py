"""`pdwatch demo`: a simulated fleet on loopback, with the whole product on it where that is asked for."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

from pdwatch.cli.commands.serve import Program, serving
from pdwatch.cli.demo_screen import show
from pdwatch.cli.errors import UsageError
from pdwatch.cli.narration import say
from pdwatch.cli.parser import nearest
from pdwatch.cli.settings import resolve
from pdwatch.config.load import from_mapping
from pdwatch.config.model import Config
from pdwatch.config.units import parse_duration
from pdwatch.demo import SCENARIOS, Place, RunningFleet, Scenario, start_fleet
from pdwatch.export.server import ListenError

INTERVAL = "2s"
SERVICE = "demo"


def run(args: argparse.Namespace) -> int:
    """Simulate until SIGINT, SIGTERM or the end of `--for`. Raises `UsageError` for a wrong call."""
    if args.list:
        for scenario in SCENARIOS.values():
            print(f"{scenario.name:30}{scenario.description}")
        return 0
    story = _story(args)
    if args.top:
        return show(args)
    try:
        asyncio.run(_play(args, story))
    except ListenError as error:
        raise UsageError(str(error)) from error
    except OSError as error:
        raise UsageError(f"--port {args.port}: {error.strerror}; choose another --port, or 0") from error
    return 0


@dataclass(frozen=True, slots=True)
class _Story:
    scenario: Scenario
    seconds: float | None


def _story(args: argparse.Namespace) -> _Story:
    if args.scenario not in SCENARIOS:
        raise UsageError(f"--scenario {args.scenario!r} is not one of them; {nearest(args.scenario, SCENARIOS)}")
    if args.speed <= 0:
        raise UsageError(f"--speed {args.speed:g} must be greater than 0")
    try:
        seconds = parse_duration(args.duration) if args.duration else None
    except ValueError as error:
        raise UsageError(f"--for {args.duration}: {error}") from error
    return _Story(SCENARIOS[args.scenario], seconds)


async def _play(args: argparse.Namespace, story: _Story) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with _fleet(args, story.scenario) as fleet:
        print(json.dumps(fleet.urls), flush=True)
        say(f"pdwatch demo: {story.scenario.name}: {story.scenario.description}")
        say(f"pdwatch demo: expected: {story.scenario.expected}")
        config = _config(args, fleet)
        program = Program("pdwatch demo", lambda: config)
        async with serving(program, config) if args.serve else nullcontext() as server:
            if server is not None:
                say(f"pdwatch demo: look at {server.url}, or run: pdwatch top --connect {server.url}")
            await _until(stop, story.seconds)
    say("pdwatch demo: stopped")


async def _until(stop: asyncio.Event, seconds: float | None) -> None:
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        pass


@asynccontextmanager
async def _fleet(args: argparse.Namespace, scenario: Scenario) -> AsyncIterator[RunningFleet]:
    fleet = await start_fleet(scenario, args.port, args.speed, args.seed)
    try:
        yield fleet
    finally:
        await fleet.aclose()


def _config(args: argparse.Namespace, fleet: RunningFleet) -> Config:
    """Return the configuration of a serve that watches the fleet, and its hosts where these have pages."""
    values: dict[str, Any] = {
        "listen": resolve(args, os.environ).listen,
        "scrape": {"interval": INTERVAL},
        "service": SERVICE,
    }
    if fleet.places:
        values["discovery"] = [{"static": [_worker_group(place) for place in fleet.places]}]
        values["hosts"] = [{"static": [_host_group(place) for place in fleet.places]}]
    else:
        values |= {role: fleet.urls[role] for role in ("prefill", "decode")}
    return from_mapping(values, "demo")


def _worker_group(place: Place) -> dict[str, Any]:
    labels = {"service": SERVICE, "role": str(place.role), "host": place.host}
    return {"targets": [place.worker_url], "labels": labels}


def _host_group(place: Place) -> dict[str, Any]:
    return {"targets": [place.agent_url], "labels": {"host": place.host}}
