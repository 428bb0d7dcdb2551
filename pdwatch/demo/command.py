"""The demo as a command: one line of JSON with the URLs on stdout, narration on stderr, until a signal."""

from __future__ import annotations

import asyncio
import difflib
import json
import signal
import sys

from pdwatch.demo.options import FASTEST, Options
from pdwatch.demo.scenarios import SCENARIOS, Scenario
from pdwatch.demo.server import start_fleet


def run(options: Options) -> int:
    """Serve a scenario until SIGINT or SIGTERM. Returns 0, or 2 with one line on stderr for a wrong call."""
    if options.list:
        for known in SCENARIOS.values():
            print(f"{known.name:30}{known.description}")
        return 0
    scenario = SCENARIOS.get(options.scenario)
    if scenario is None:
        return _refuse(_no_such(options.scenario))
    if not 0 < options.speed <= FASTEST:
        return _refuse(f"--speed {options.speed:g} is not possible; give more than 0 and at most {FASTEST:g}")
    try:
        asyncio.run(_serve(scenario, options))
    except OSError as error:
        return _refuse(f"cannot listen from port {options.port} on: {error.strerror}; choose another --port, or 0")
    return 0


async def _serve(scenario: Scenario, options: Options) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    running = await start_fleet(scenario, options.port, options.speed, options.seed)
    try:
        print(json.dumps(running.urls), flush=True)
        _say(f"{scenario.name}: {scenario.description}")
        _say(f"expected: {scenario.expected}")
        await stop.wait()
        _say("stopped")
    finally:
        await running.aclose()


def _no_such(name: str) -> str:
    near = difflib.get_close_matches(name, SCENARIOS, n=1)
    mend = f"did you mean {near[0]}?" if near else f"there are {', '.join(SCENARIOS)}"
    return f"no scenario {name!r}; {mend}"


def _refuse(message: str) -> int:
    _say(message)
    return 2


def _say(line: str) -> None:
    print(f"pdwatch demo: {line}", file=sys.stderr, flush=True)
