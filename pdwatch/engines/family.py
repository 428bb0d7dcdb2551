"""What an engine family, a platform, a KV layer or a front end provides: its table, and what its labels tell."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from pdwatch.engines.row import Row
from pdwatch.engines.table import Found, Table, View
from pdwatch.model.page import Page, Series
from pdwatch.model.reading import NOTHING_TOLD, EngineFacts, PageReading, RouterWorker, Told

PROCESS_START = "process_start_time_seconds"


class Kind(Enum):
    """What a family's numbers are about."""

    ENGINE = "engine"
    """Engines of its own."""
    PLATFORM = "platform"
    """What an engine runs in: fills in what the engine does not tell, and is a worker without one."""
    LAYER = "KV layer"
    """Fills in what the engine does not tell; alone on a page, it is no worker."""
    FRONT = "front end"
    """What users feel and what workers get; it is no worker."""


class Extraction(Protocol):
    """Where everything lies on pages of one layout; worked out once, used for every later scrape."""

    def read(self, page: Page, at: float) -> PageReading:
        """Return the page's reading; *at* is the Unix time of the scrape."""
        ...


Filter = Callable[[Row, Series], bool]
Routing = Callable[[Sequence[float]], tuple[RouterWorker, ...]]
"""From the values of a page to what a router counts about each worker."""


@dataclass(frozen=True, slots=True, eq=False)
class Family:
    """One family. The functions are asked once per layout."""

    name: str
    kind: Kind
    table: Table
    about: str
    """What one must know of it, as the file of the family says on top."""
    page: str
    """Where its page is, and what it takes to have one."""
    verified: str
    """How it is known that the table is right: live, recorded, printed by upstream's own classes, or read."""
    marks: tuple[str, ...] = ()
    """Beginnings of metric names that only its pages declare, for pages on which nothing of the table is yet."""
    common: bool = False
    """Its names are too common to tell it by: it takes the marks as well."""
    rank: str = ""
    """The label that tells ranks behind one port apart. A series without it stands with the first rank."""
    info: tuple[str, ...] = ()
    """Further sample names whose labels tell something."""
    filter: Callable[[View, Mapping[str, str]], Filter] | None = None
    """Leaves out what other series repeat, given the series and the declared types."""
    tells: Callable[[View], Told] = lambda _: NOTHING_TOLD
    facts: Callable[[View], EngineFacts] = lambda _: EngineFacts()
    """What the labels of one engine's series tell."""
    routing: Callable[[View], Routing] | None = None

    def recognises(self, view: View, types: Mapping[str, str]) -> bool:
        """Tell whether a page is, among others, of this family."""
        known = any(self.table.wants(series.name) or series.name in self.info for _, series in view)
        marked = bool(self.marks) and any(name.startswith(self.marks) for name in types)
        return known and marked if self.common else known or marked

    def find(self, view: View, types: Mapping[str, str]) -> Found:
        """Return where its quantities lie, by engine."""
        first = min((s.labels[self.rank] for _, s in view if self.rank in s.labels), key=natural, default="0")
        accepts = self.filter(view, types) if self.filter is not None else None
        return self.table.find(view, lambda series: series.labels.get(self.rank, first), accepts)

    def of_engine(self, view: View, engine: str) -> View:
        """Return the series of one engine with those that belong to no engine in particular."""
        return [(index, series) for index, series in view if series.labels.get(self.rank, engine) == engine]


def natural(engine: str) -> tuple[int, str]:
    """Return what to sort ranks by: as numbers where they are."""
    return (int(engine), "") if engine.isdecimal() else (1 << 30, engine)
