"""A recording down the road: one snapshot for each round, by the recording's own clock."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol

from pdwatch.model.page import Scrape
from pdwatch.model.snapshot import Snapshot
from pdwatch.model.target import Target
from pdwatch.road.road import Road

GONE_ROUNDS = 5
"""Rounds in a row without a scrape of a target after which it counts as taken out of the fleet."""


class RecordedRound(Protocol):
    """What a round of a recording gives."""

    @property
    def t(self) -> float:
        """Unix seconds of its tick."""
        ...

    @property
    def scrapes(self) -> tuple[Scrape, ...]:
        """Its scrapes."""
        ...


def snapshots(rounds: Iterable[RecordedRound], road: Road) -> Iterator[Snapshot]:
    """Yield the snapshot of each round before the next is asked for; nothing later than a round is known in it."""
    last_seen: dict[str, tuple[int, Target]] = {}
    for number, recorded in enumerate(rounds):
        for scrape in recorded.scrapes:
            last_seen[scrape.target.url] = (number, scrape.target)
            road.observe(scrape)
        for url in [url for url, (seen, _) in last_seen.items() if number - seen >= GONE_ROUNDS]:
            del last_seen[url]
        road.keep(target for _, target in last_seen.values())
        yield road.tick(recorded.t)
