"""The rows of an engine family, and where on a page they lie.

Where several rows feed the same quantity (a rename, or two names at once), the first that is on the page wins for that
engine; so does the first spelling of a prefix. Several series of one row and engine are summed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from math import nan

from pdwatch.engines.row import Row
from pdwatch.model.page import Series
from pdwatch.model.reading import Missing, Quantity

View = Sequence[tuple[int, Series]]
"""Series with their places on the page: all of a page, or those of one of several workers that it speaks for."""


@dataclass(slots=True)
class Slots:
    """Where one quantity of one engine lies on a page."""

    rank: tuple[int, int]
    """Place of the row among the rows and of its prefix among the prefixes; the lowest wins."""
    scale: float
    on_top: bool
    """It adds to what the engine below this layer gives."""
    value: list[int] = field(default_factory=list)
    sum: list[int] = field(default_factory=list)
    count: list[int] = field(default_factory=list)
    bucket: dict[float, list[int]] = field(default_factory=dict)
    names: dict[str, None] = field(default_factory=dict)
    """The metrics it is read from, in order."""

    def add(self, part: str, index: int, series: Series) -> None:
        """Take one more series."""
        if part == "bucket":
            self.bucket.setdefault(_edge(series), []).append(index)
        else:
            getattr(self, part).append(index)

    def join(self, other: Slots) -> None:
        """Take the values of *other* on top."""
        self.value += other.value
        self.names |= other.names


Found = dict[str, dict[Quantity, Slots]]
"""By engine and quantity."""


@dataclass(frozen=True, slots=True)
class _Place:
    row: Row
    part: str
    rank: tuple[int, int]
    metric: str
    on_top: bool


class Table:
    """The rows of one family with the spellings of its prefix."""

    def __init__(self, rows: Sequence[Row], prefixes: Sequence[str] = ("",)) -> None:
        self.rows = tuple(rows)
        self.prefixes = tuple(prefixes)
        self._places: dict[str, list[_Place]] = {}
        for row, group in zip(self.rows, _groups(self.rows), strict=True):
            for order, prefix in enumerate(prefixes):
                for name, part in row.sample_names().items():
                    place = _Place(row, part, (group, order), prefix + row.name, self.rows[group].adds)
                    self._places.setdefault(prefix + name, []).append(place)

    @property
    def sample_names(self) -> Iterable[str]:
        """Every name under which a sample may stand on a page."""
        return self._places.keys()

    def wants(self, name: str) -> bool:
        """Tell whether a row needs samples of this name."""
        return name in self._places

    def find(
        self, view: View, engine_of: Callable[[Series], str], accepts: Callable[[Row, Series], bool] | None = None
    ) -> Found:
        """Return where everything lies, by engine. *accepts* leaves out series that others repeat."""
        found: Found = {}
        idle: dict[tuple[str, int], tuple[_Place, int]] = {}
        for index, series in view:
            for place in self._places.get(series.name, ()):
                if accepts is not None and not accepts(place.row, series):
                    continue
                engine = engine_of(series)
                if all(series.labels.get(label) == value for label, value in place.row.where.items()):
                    _put(found.setdefault(engine, {}), place, index, series)
                elif place.row.starts_at_zero:
                    idle.setdefault((engine, id(place.row)), (place, index))
        for (engine, _), (place, index) in idle.items():
            _put_zero(found.setdefault(engine, {}), place, index)
        return found

    def missing(self, present: frozenset[Quantity]) -> tuple[Missing, ...]:
        """Return the quantities that no row found on a page, each with the best row's versions."""
        lacking: dict[Quantity, Row] = {}
        for row in self.rows:
            if row.quantity not in present:
                lacking.setdefault(row.quantity, row)
        return tuple(Missing(quantity, row.name, row.since, row.until, row.needs) for quantity, row in lacking.items())


def _groups(rows: Sequence[Row]) -> list[int]:
    """Return for each row the place of the first row that it belongs to: itself, or the one that it adds to."""
    groups: list[int] = []
    latest: dict[Quantity, int] = {}
    for place, row in enumerate(rows):
        group = latest.get(row.quantity, place) if row.adds else place
        latest[row.quantity] = group
        groups.append(group)
    return groups


def _put(slots: dict[Quantity, Slots], place: _Place, index: int, series: Series) -> None:
    held = slots.get(place.row.quantity)
    if held is None or place.rank < held.rank:
        held = slots[place.row.quantity] = Slots(place.rank, place.row.scale, place.on_top)
    elif held.rank != place.rank:
        return
    held.names[place.metric] = None
    held.add(place.part, index, series)


def _put_zero(slots: dict[Quantity, Slots], place: _Place, index: int) -> None:
    """Let a series that is still to come count 0: another of its metric times nothing."""
    held = slots.get(place.row.quantity)
    if held is None or place.rank < held.rank:
        slots[place.row.quantity] = Slots(place.rank, 0.0, place.on_top, value=[index], names={place.metric: None})


def _edge(series: Series) -> float:
    try:
        return float(series.labels.get("le", "nan"))
    except ValueError:
        return nan
