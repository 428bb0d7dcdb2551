"""What a metric is: the record behind each line of the catalogue."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["gauge", "counter", "histogram", "info"]
Level = Literal["engine", "worker", "pool", "service", "host", "pdwatch"]

_UNITS = (
    *("bytes_per_second", "tokens_per_second", "requests_per_second", "per_second"),
    *("seconds", "bytes", "ratio", "tokens", "requests", "watts", "joules", "celsius", "hertz"),
)

_LEVELS: tuple[tuple[str, Level], ...] = (
    ("finding", "service"),
    ("engine", "engine"),
    ("worker", "worker"),
    ("role", "pool"),
    ("service", "service"),
    ("host", "host"),
)


@dataclass(frozen=True, slots=True)
class MetricDef:
    """One metric family. Ratios are 0 to 1, durations seconds, sizes bytes."""

    name: str
    """As it stands in the text format: counters with `_total`, infos with `_info`."""
    help: str
    kind: Kind
    unit: str
    """The base unit, which is also the end of the name; empty for counts, switches and infos."""
    labels: tuple[str, ...]

    @property
    def level(self) -> Level:
        """What one series is about, by its labels."""
        return next((level for label, level in _LEVELS if label in self.labels), "pdwatch")


def define(name: str, text: str, labels: tuple[str, ...], kind: Kind = "gauge") -> MetricDef:
    """Return the definition of a metric of pdwatch's own; its unit is read off its name."""
    stem = name.removesuffix("_total")
    unit = next((unit for unit in _UNITS if stem.endswith(f"_{unit}")), "")
    full = name if name.startswith("process_") else f"pdwatch_{name}"
    return MetricDef(full, text, kind, unit, labels)
