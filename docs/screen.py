"""Draw the README's picture: the real screen on the demo's scenario `decode_bound`, as SVG.

Run `make screen`. The fleet, its seed and the clock are fixed, so that the picture changes only when the screen does.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

from pdwatch.demo import SCENARIOS
from pdwatch.model.page import Scrape
from pdwatch.model.snapshot import Snapshot
from pdwatch.model.target import Role, RoleSource, Target
from pdwatch.road.road import Road, RoadSettings, ServicePolicy
from pdwatch.signals.service import Objectives
from pdwatch.top.app import Options, new_session
from pdwatch.top.screen.application import ScreenOptions, TopApp
from pdwatch.top.sources import Handed

OUTPUT = Path(__file__).parent / "screen.svg"
SIZE = (120, 40)
EPOCH, SECONDS, INTERVAL = 1_795_237_000.0, 120, 5


def story() -> Iterator[Snapshot]:
    """Yield the snapshots of two minutes, each interval."""
    fleet = SCENARIOS["decode_bound"].fleet(seed=1, epoch=EPOCH)
    policy = ServicePolicy(objectives=Objectives(ttft=2.0, itl=0.05))
    road = Road(RoadSettings(interval=INTERVAL, services={"llama-70b": policy}))
    for second in range(INTERVAL, SECONDS + 1, INTERVAL):
        fleet.run_until(second)
        for worker in fleet.workers.values():
            role = Role(worker.role.value)
            url, replica = f"http://{worker.name}:8000/metrics", worker.name
            target = Target(url, worker.name, "llama-70b", role, RoleSource.DECLARED, replica, f"node-{worker.name[0]}")
            road.observe(Scrape(target, EPOCH + second, 0.004, 200, fleet.page(worker)))
        yield road.tick(EPOCH + second, cycle_seconds=0.012)


async def draw() -> str:
    """Return the screen after the last snapshot."""
    last = asyncio.Event()

    async def told() -> AsyncIterator[Snapshot]:
        for snapshot in story():
            yield snapshot
        last.set()
        await asyncio.Event().wait()

    source = Handed("demo decode_bound", told())
    options = ScreenOptions(terminal=lambda: True, signals=False, clock=lambda: 0.0)
    app = TopApp(new_session(source, Options()), source, options)
    async with app.run_test(size=SIZE) as pilot:
        await last.wait()
        await pilot.pause(0.5)
        return without_fonts(app.export_screenshot(title="pdwatch top"))


def without_fonts(svg: str) -> str:
    """Leave out the fonts that a viewer would fetch from elsewhere; its own fixed-width font serves."""
    return re.sub(r"\s*@font-face \{.*?\}", "", svg, flags=re.DOTALL)


def main() -> None:
    """Write the picture."""
    OUTPUT.write_text(asyncio.run(draw()), encoding="utf-8")
    print(OUTPUT)


if __name__ == "__main__":
    main()
