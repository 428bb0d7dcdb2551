"""Pages that a source reads, on their way to those who listen."""

from __future__ import annotations

import asyncio
from typing import Any

from pdwatch.cli.collecting import Collecting, Listeners
from pdwatch.discover.discovery import Discovery
from pdwatch.discover.source import Found
from pdwatch.model.page import Scrape
from pdwatch.model.target import Target
from pdwatch.scrape.settings import TransportSettings
from pdwatch.scrape.turns import LoopSettings

NAMES = ("a:1", "b:1")
TOLD = tuple(Target(f"http://{name}/metrics#p:9090", name) for name in NAMES)


class Teller:
    """A source that reads the pages of two workers at each question."""

    name = "teller"
    refresh = 0.0

    async def find(self) -> Found:
        """Return both."""
        return Found(TOLD, None, tuple(Scrape(target, 1.0, 0.0, 200, "x 1") for target in TOLD))

    async def aclose(self) -> None:
        """Nothing is open."""


def test_pages_of_a_source_are_heard_although_a_listener_fails(caplog: Any) -> None:
    """Targets are told first, then their pages; one that nobody can take spoils no other, and none is asked."""
    heard: list[Any] = []

    def hear(scrape: Scrape) -> None:
        heard.append(scrape.target.worker)
        if scrape.target.worker == "a:1":
            raise ValueError("nobody can take this")

    async def scenario() -> None:
        listeners = Listeners(scraped=hear, found=lambda targets: heard.append(len(targets)))
        settings = LoopSettings(interval=60.0)
        collecting = Collecting(Discovery([Teller()]), TransportSettings(), settings, lambda: 0.0, listeners)
        await collecting.start()
        await collecting.stop()

    asyncio.run(scenario())

    assert [2, *NAMES] == heard
    assert "a page of a:1 was not taken" in caplog.text
