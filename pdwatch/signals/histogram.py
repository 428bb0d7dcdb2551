"""Quantiles and shares of bucketed distributions.

Quantiles come from the summed bucket increases of a window: never from averaged percentiles, never from lifetime
counters. Within a bucket observations are taken as evenly spread, as PromQL's `histogram_quantile` does.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from math import inf, isinf

from pdwatch.model.latency import Attainment, Quantiles
from pdwatch.model.reading import Histogram


def quantile(histogram: Histogram | None, q: float) -> float | None:
    """Return the *q* quantile; within the open last bucket, its lower edge. `None` without observations."""
    if histogram is None or histogram.count <= 0 or not histogram.bounds:
        return None
    bounds, buckets = histogram.bounds, histogram.buckets
    rank = q * buckets[-1]
    index = bisect_left(buckets, rank)
    if index >= len(bounds) or isinf(bounds[index]):
        return bounds[-2] if len(bounds) > 1 else None
    below = buckets[index - 1] if index else 0.0
    low = bounds[index - 1] if index else 0.0
    inside = buckets[index] - below
    return low + (bounds[index] - low) * ((rank - below) / inside if inside > 0 else 1.0)


def quantiles(histogram: Histogram | None) -> Quantiles:
    """Return the quantiles that people ask for, with the mean and the number of observations."""
    if histogram is None or histogram.count <= 0:
        return Quantiles()
    return Quantiles(
        p50=quantile(histogram, 0.5),
        p95=quantile(histogram, 0.95),
        p99=quantile(histogram, 0.99),
        mean=histogram.mean,
        count=histogram.count,
    )


def attainment(histogram: Histogram | None, objective: float, target: float) -> Attainment:
    """Return the share of observations at or below the bucket edge nearest to *objective* (seconds)."""
    if histogram is None or histogram.count <= 0 or not histogram.bounds:
        return Attainment(objective, None, None, target)
    finite = [index for index, edge in enumerate(histogram.bounds) if not isinf(edge)]
    if not finite:
        return Attainment(objective, None, None, target)
    nearest = min(finite, key=lambda index: abs(histogram.bounds[index] - objective))
    ratio = histogram.buckets[nearest] / histogram.buckets[-1] if histogram.buckets[-1] > 0 else None
    return Attainment(objective, ratio, histogram.bounds[nearest], target)


def share_below(histogram: Histogram, at: float) -> float:
    """Return the share of observations at or below *at*, evenly spread within its bucket."""
    bounds, buckets = histogram.bounds, histogram.buckets
    if buckets[-1] <= 0 or at <= 0:
        return 0.0
    index = bisect_right(bounds, at)
    if index >= len(bounds) or isinf(bounds[index]):
        return buckets[min(index, len(buckets) - 1) - 1] / buckets[-1] if index else 0.0
    low, below = (bounds[index - 1], buckets[index - 1]) if index else (0.0, 0.0)
    inside = (at - low) / (bounds[index] - low) * (buckets[index] - below)
    return (below + inside) / buckets[-1]


def convolved(first: Histogram, second: Histogram) -> Histogram:
    """Return the distribution of the sum of two independent durations, at the bounds of *first*.

    The time to the first token of a request that two workers serve in turn is the sum of their two parts, and neither
    page knows of the other. Independence is assumed; `count` is that of *first*, the mean is exact.
    """
    middles = list(_middles(second))
    shares = [
        sum(weight * share_below(first, edge - middle) for middle, weight in middles) if not isinf(edge) else 1.0
        for edge in first.bounds
    ]
    count = first.count
    mean = (first.mean or 0.0) + (second.mean or 0.0)
    return Histogram(first.bounds, tuple(share * count for share in shares), mean * count, count)


def _middles(histogram: Histogram) -> Sequence[tuple[float, float]]:
    """Return the middle and the share of each bucket; the open one stands at its lower edge."""
    points: list[tuple[float, float]] = []
    low, below, all_of = 0.0, 0.0, histogram.buckets[-1]
    for edge, cumulative in zip(histogram.bounds, histogram.buckets, strict=True):
        if cumulative > below:
            points.append((low if edge == inf else (low + edge) / 2, (cumulative - below) / all_of))
        low, below = (low if edge == inf else edge), max(below, cumulative)
    return points
