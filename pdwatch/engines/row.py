"""One upstream metric and the quantity it is read as: what a table of an engine family is made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pdwatch.model.reading import COUNTERS, HISTOGRAMS, Quantity


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
    adds: bool = False
    """It adds to what the rows before it, or the engine below this layer, give; else it stands in where they do not."""
    count: str = ""
    """A histogram made of two counters: `name` is the sum, this the number of observations."""
    starts_at_zero: bool = False
    """Its series appears with its first event: where the metric is there with other labels only, it counted nothing."""
    every_rank: bool = False
    """Each rank reports a part of its own, so that ranks add up; else they report the same and one is read."""
    note: str = ""
    """For people, where the upstream metric is not quite the quantity."""

    def sample_names(self) -> dict[str, str]:
        """Return the sample names of this row with the part of the metric that each one is."""
        if self.count:
            named = {_total(self.name): "sum", self.name: "sum"}
            return named | {_total(self.count): "count", self.count: "count"}
        if self.quantity in HISTOGRAMS:
            parts = {f"{self.name}_sum": "sum", f"{self.name}_count": "count"}
            return parts | ({f"{self.name}_bucket": "bucket"} if self.buckets else {})
        if self.quantity in COUNTERS:
            return {_total(self.name): "value", self.name: "value"}
        return {self.name: "value"}


def _total(name: str) -> str:
    return f"{name}_total"
