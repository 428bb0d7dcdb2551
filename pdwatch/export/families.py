"""Samples under a definition become a metric family of prometheus_client."""

from __future__ import annotations

from collections.abc import Iterable
from math import inf, isfinite

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)

from pdwatch.catalog.metrics import MetricDef
from pdwatch.export.view import Labels, Sample, Value
from pdwatch.model.reading import Histogram

_CONTROL = {code: "\N{REPLACEMENT CHARACTER}" for code in (*range(0x20), *range(0x7F, 0xA0)) if chr(code) not in "\t\n"}


def family(definition: MetricDef, samples: Iterable[Sample]) -> tuple[Metric, int]:
    """Return the family and how many samples were left out because another has the same labels.

    A value that is unknown or not finite yields no sample. Raises `ValueError` when a sample has another number of
    labels than the definition.
    """
    built = _empty(definition)
    seen: set[Labels] = set()
    duplicates = 0
    for labels, value in samples:
        if value is None or not _finite(value):
            continue
        safe = tuple(map(safe_label, labels))
        if safe in seen:
            duplicates += 1
            continue
        seen.add(safe)
        _add(built, definition, safe, value)
    return built, duplicates


def safe_label(value: str) -> str:
    """Return a label value that every parser reads: no control characters, no half of a surrogate pair."""
    if value.isprintable():
        return value
    return value.translate(_CONTROL).encode("utf-8", "replace").decode("utf-8")


def _finite(value: float | Histogram) -> bool:
    return isfinite(value.sum) and isfinite(value.count) if isinstance(value, Histogram) else isfinite(value)


def _empty(definition: MetricDef) -> Metric:
    name, text, labels, unit = definition.name, definition.help, definition.labels, definition.unit
    if definition.kind == "counter":
        return CounterMetricFamily(name, text, labels=labels, unit=unit)
    if definition.kind == "histogram":
        return HistogramMetricFamily(name, text, labels=labels, unit=unit)
    if definition.kind == "info":
        return InfoMetricFamily(name.removesuffix("_info"), text, labels=labels)
    return GaugeMetricFamily(name, text, labels=labels, unit=unit)


def _add(built: Metric, definition: MetricDef, labels: Labels, value: Value) -> None:
    if len(labels) != len(definition.labels):
        raise ValueError(f"{definition.name} has labels {definition.labels}, not {labels}")
    if isinstance(built, HistogramMetricFamily) and isinstance(value, Histogram):
        built.add_metric(labels, _buckets(value), value.sum)
    elif isinstance(built, InfoMetricFamily):
        built.add_metric(labels, {})
    elif isinstance(built, GaugeMetricFamily | CounterMetricFamily) and isinstance(value, int | float):
        built.add_metric(labels, float(value))
    else:
        raise ValueError(f"{definition.name} is a {definition.kind}; {value!r} is none")


def _buckets(histogram: Histogram) -> list[tuple[str, float]]:
    """Cumulative counts by upper edge, closed by an infinite edge that counts all."""
    edges = zip(histogram.bounds, histogram.buckets, strict=True)
    finite = [(str(float(bound)), count) for bound, count in edges if bound != inf]
    return [*finite, ("+Inf", histogram.count)]
