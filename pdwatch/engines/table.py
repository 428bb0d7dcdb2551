"""Rows of an engine family's table, and the reading of pages by such a table.

A row maps one upstream name to one quantity. Where several rows feed the same quantity (a rename, or two names at
once), the first that is on the page wins for that engine. Several series of one row and engine are summed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import itemgetter

from pdwatch.model.page import Layout, Page, Series
from pdwatch.model.reading import (
    COUNTERS,
    HISTOGRAMS,
    HistogramSlots,
    Missing,
    Quantity,
    Reading,
    Shape,
)


@dataclass(frozen=True, slots=True)
class Row:
    """One upstream metric. `name` is without prefix and, for counters, without `_total`."""

    name: str
    quantity: Quantity
    where: Mapping[str, str] = field(default_factory=dict)
    """Labels that select the series, as `{"reason": "capacity"}`."""
    since: str = ""
    until: str = ""
    needs: str = ""
    """What else it takes to be exported: `a NIXL connector`."""
    buckets: bool = False
    """Histograms: keep the buckets, not only sum and count."""
    scale: float = 1.0

    def sample_names(self) -> dict[str, str]:
        """Return the sample names of this row with the part of the metric that each one is."""
        if self.quantity in HISTOGRAMS:
            parts = {f"{self.name}_sum": "sum", f"{self.name}_count": "count"}
            return parts | ({f"{self.name}_bucket": "bucket"} if self.buckets else {})
        if self.quantity in COUNTERS:
            return {f"{self.name}_total": "value", self.name: "value"}
        return {self.name: "value"}


@dataclass(slots=True)
class _Slots:
    """Indices into the page of one quantity of one engine, while a layout is worked out."""

    row: Row
    value: list[int] = field(default_factory=list)
    sum: list[int] = field(default_factory=list)
    count: list[int] = field(default_factory=list)
    bucket: dict[float, list[int]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class EngineExtraction:
    """How to make one engine's reading from a page of one layout."""

    engine: str
    shape: Shape
    pick: Callable[[Sequence[float]], tuple[float, ...]]

    def read(self, page: Page, at: float) -> Reading:
        """Return the engine's reading."""
        return Reading(self.engine, at, self.shape, self.pick(page.values))


class Table:
    """The rows of one family with the spellings of its prefix."""

    def __init__(self, rows: Sequence[Row], prefixes: Sequence[str]) -> None:
        self.rows = tuple(rows)
        self._by_sample: dict[str, list[tuple[Row, str]]] = {}
        for row in self.rows:
            for name, part in row.sample_names().items():
                for prefix in prefixes:
                    self._by_sample.setdefault(prefix + name, []).append((row, part))
        self._rank = {id(row): rank for rank, row in enumerate(self.rows)}

    def wants(self, name: str) -> bool:
        """Tell whether a row needs samples of this name."""
        return name in self._by_sample

    def extractions(self, layout: Layout, engine_of: Callable[[Series], str]) -> tuple[EngineExtraction, ...]:
        """Return one extraction per engine on the page, in order of the engine's name."""
        found: dict[str, dict[Quantity, _Slots]] = {}
        for index, series in enumerate(layout.series):
            for row, part in self._by_sample.get(series.name, ()):
                if all(series.labels.get(label) == value for label, value in row.where.items()):
                    self._place(found.setdefault(engine_of(series), {}), row, part, index, series)
        return tuple(_extraction(engine, found[engine]) for engine in sorted(found, key=_natural))

    def _place(self, slots: dict[Quantity, _Slots], row: Row, part: str, index: int, series: Series) -> None:
        held = slots.get(row.quantity)
        if held is None or self._rank[id(row)] < self._rank[id(held.row)]:
            held = slots[row.quantity] = _Slots(row)
        elif held.row is not row:
            return
        if part == "bucket":
            held.bucket.setdefault(float(series.labels.get("le", "nan")), []).append(index)
        else:
            getattr(held, part).append(index)

    def missing(self, present: frozenset[Quantity]) -> tuple[Missing, ...]:
        """Return the quantities that no row found on a page, each with the best row's versions."""
        lacking: dict[Quantity, Row] = {}
        for row in self.rows:
            if row.quantity not in present:
                lacking.setdefault(row.quantity, row)
        return tuple(Missing(quantity, row.name, row.since, row.until, row.needs) for quantity, row in lacking.items())


def _natural(engine: str) -> tuple[int, str]:
    return (int(engine), "") if engine.isdecimal() else (1 << 30, engine)


class _Picker:
    """Collects page indices into the flat tuple of a reading; several indices of one slot are summed."""

    def __init__(self) -> None:
        self.groups: list[tuple[list[int], float]] = []

    def add(self, indices: list[int], scale: float = 1.0) -> int:
        self.groups.append((indices, scale))
        return len(self.groups) - 1

    def pick(self) -> Callable[[Sequence[float]], tuple[float, ...]]:
        plain = _getter([indices[0] for indices, _ in self.groups])
        merged = [
            (slot, indices, scale)
            for slot, (indices, scale) in enumerate(self.groups)
            if len(indices) > 1 or scale != 1.0
        ]
        if not merged:
            return plain

        def pick(values: Sequence[float]) -> tuple[float, ...]:
            picked = list(plain(values))
            for slot, indices, scale in merged:
                picked[slot] = scale * sum([values[index] for index in indices])
            return tuple(picked)

        return pick


def _getter(indices: list[int]) -> Callable[[Sequence[float]], tuple[float, ...]]:
    if len(indices) == 1:
        only = indices[0]
        return lambda values: (values[only],)
    return itemgetter(*indices) if indices else lambda _: ()


def _extraction(engine: str, slots: Mapping[Quantity, _Slots]) -> EngineExtraction:
    picker = _Picker()
    scalars: dict[Quantity, int] = {}
    histograms: dict[Quantity, HistogramSlots] = {}
    monotonic: list[int] = []
    for quantity, held in slots.items():
        start = len(picker.groups)
        if quantity in HISTOGRAMS:
            histograms[quantity] = _histogram(picker, held)
        else:
            scalars[quantity] = picker.add(held.value, held.row.scale)
        if quantity in HISTOGRAMS:
            sums = histograms[quantity].sum  # vLLM observes negative queue times for requests that failed early
            monotonic.extend(slot for slot in range(start, len(picker.groups)) if slot != sums)
        elif quantity in COUNTERS:
            monotonic.append(start)
    return EngineExtraction(engine, Shape(scalars, histograms, len(picker.groups), _getter(monotonic)), picker.pick())


def _histogram(picker: _Picker, held: _Slots) -> HistogramSlots:
    bounds = tuple(sorted(bound for bound in held.bucket if bound == bound))  # noqa: PLR0124 - leaves NaN out
    start = len(picker.groups)
    for bound in bounds:
        picker.add(held.bucket[bound])
    stop = len(picker.groups)
    total = picker.add(held.sum, held.row.scale) if held.sum else None
    count = picker.add(held.count) if held.count else None
    return HistogramSlots(tuple(bound * held.row.scale for bound in bounds), start, stop, total, count)
