"""What one engine has counted: plain numbers by family key, and histograms."""

from __future__ import annotations

from bisect import bisect_left

from pdwatch.demo.model.families import FAMILIES, Kind


class Histogram:
    """Observations by bucket; a bucket's upper bound is inclusive and the last bucket is unbounded."""

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def observe(self, value: float, times: int = 1) -> None:
        """Count *value* as seen *times* times."""
        self.counts[bisect_left(self.bounds, value)] += times
        self.total += value * times

    @property
    def count(self) -> int:
        """Number of observations."""
        return sum(self.counts)


class Meters:
    """The counters, gauges and histograms of one engine since its process started.

    At *speed* simulated seconds per second, whoever scrapes sees everything happen that much faster, so durations
    are told in the seconds of the scraper: rates and times stay those of one and the same engine.
    """

    __slots__ = ("_durations", "_speed", "histograms", "values")

    def __init__(self, speed: float = 1.0) -> None:
        self._speed = speed
        self._durations = frozenset(family.key for family in FAMILIES if family.key.endswith("_seconds"))
        self.values: dict[str, float] = {
            key: 0.0 for family in FAMILIES if family.kind is not Kind.HISTOGRAM for key in family.keys
        }
        self.values["engine_sleep_state/awake"] = 1.0
        self.histograms = {
            family.key: Histogram(family.buckets) for family in FAMILIES if family.kind is Kind.HISTOGRAM
        }

    def add(self, key: str, amount: float = 1.0) -> None:
        """Raise the counter *key*."""
        self.values[key] += amount

    def observe(self, key: str, value: float, times: int = 1) -> None:
        """Put *value* into the histogram *key*."""
        self.histograms[key].observe(value / self._speed if key in self._durations else value, times)
