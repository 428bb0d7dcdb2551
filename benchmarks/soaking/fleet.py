"""The fleet of the soak, on free ports of loopback until it is told to end. Its only line is the addresses, as JSON.

Each pool has room for one worker fewer and for one that is slow, so that a fault is that of one worker only.
"""

from __future__ import annotations

import asyncio
import json
import signal

from pdwatch.demo import start_fleet
from pdwatch.demo.model import FleetSpec, Load, PoolSpec
from pdwatch.demo.scenarios import Scenario

WORKERS = 4
"""Of each role."""
SCENARIO = Scenario(
    "soak",
    "both pools about a third used, nothing wrong until it is done",
    "hold",
    FleetSpec(
        load=Load.steady(rate=14.0, input_tokens=2000, output_tokens=330),
        prefill=PoolSpec(workers=WORKERS),
        decode=PoolSpec(workers=WORKERS),
    ),
)


async def main() -> None:
    """Run it until SIGINT or SIGTERM."""
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    running = await start_fleet(SCENARIO)
    try:
        print(json.dumps(running.urls), flush=True)
        await stop.wait()
    finally:
        await running.aclose()


if __name__ == "__main__":
    asyncio.run(main())
