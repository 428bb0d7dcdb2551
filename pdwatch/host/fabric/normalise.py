"""Raw counters of one port to canonical ones, by the rows of its driver."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from pdwatch.host.fabric.table import Row, Rows
from pdwatch.model.port import PortCounter, PortGauge, wrapped


@dataclass(slots=True)
class Canonical:
    """What the rows made of one set of raw counters."""

    counters: dict[PortCounter, int] = field(default_factory=dict)
    gauges: dict[PortGauge, int] = field(default_factory=dict)
    saturated: set[PortCounter] = field(default_factory=set)


def choose(rows: Rows, files: Collection[str]) -> Rows:
    """Return the first row of each name that has a file among *files*, with only the files that are there."""
    chosen: dict[PortCounter | PortGauge, Row] = {}
    for row in rows:
        present = tuple(file for file in row.files if file in files)
        if present:
            chosen.setdefault(row.name, row._replace(files=present))
    return tuple(chosen.values())


class Extender:
    """Goes on counting where a narrow counter wraps. One that was reset starts again at what it shows."""

    def __init__(self) -> None:
        self._seen: dict[str, tuple[int, int]] = {}

    def extend(self, file: str, value: int, width: int) -> int:
        """Return *value* of *file* plus the range for each wrap seen."""
        previous, total = self._seen.get(file, (value, value))
        if value >= previous:
            total += value - previous
        elif wrapped(previous, value, width):
            total += (value - previous) % (1 << width)
        else:
            total = value
        self._seen[file] = value, total
        return total


def normalise(rows: Rows, raw: Mapping[str, int], extender: Extender) -> Canonical:
    """Return the canonical values of *raw*; one of which a file could not be read is left out."""
    result = Canonical()
    for row in rows:
        values = [raw[file] for file in row.files if file in raw]
        if len(values) < len(row.files):
            continue
        name = row.name
        if isinstance(name, PortGauge):
            result.gauges[name] = sum(values)
            continue
        if row.saturates and (1 << row.width) - 1 in values:
            result.saturated.add(name)
        elif row.width < 64 and not row.saturates:
            values = [extender.extend(file, raw[file], row.width) for file in row.files]
        result.counters[name] = sum(values) * row.scale
    return result
