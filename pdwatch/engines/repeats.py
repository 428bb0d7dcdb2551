"""Series that stand on a page more than once: the first counts, as in Prometheus, and it is told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from pdwatch.engines.family import Extraction
from pdwatch.model.page import Layout, Page, Repeated, Series
from pdwatch.model.reading import PageReading

Pair = tuple[int, int]
"""Places on a page: where a series stands first, and where it stands again."""


def repeats(layout: Layout) -> Sequence[Pair]:
    """Return where series of a layout stand again, whatever the order of their labels."""
    first: dict[tuple[str, frozenset[tuple[str, str]]], int] = {}
    places = (
        (first.setdefault((s.name, frozenset(s.labels.items())), index), index) for index, s in enumerate(layout.series)
    )
    return [pair for pair in places if pair[0] != pair[1]]


@dataclass(frozen=True, slots=True, eq=False)
class Repeating:
    """How to read pages of a layout that repeats series."""

    first: Extraction
    """Reads the first of each."""
    pairs: Sequence[Pair]
    series: Sequence[Series]

    def read(self, page: Page, at: float) -> PageReading:
        """Return the page's reading with what repeats."""
        differing = {first for first, again in self.pairs if _differ(page.values[first], page.values[again])}
        series = {first for first, _ in self.pairs}
        example = self.series[min(differing or series)].name
        return replace(self.first.read(page, at), repeated=Repeated(len(series), len(differing), example))


def _differ(one: float, other: float) -> bool:
    return one != other and (one == one or other == other)  # noqa: PLR0124 - NaN twice is the same
