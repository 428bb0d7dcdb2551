"""How much lengths vary, read off histogram buckets."""

from __future__ import annotations

from math import isfinite

from pdwatch.model.reading import Histogram

_LEAST, _MOST = 0.05, 6.0
UNKNOWN_SCV = 1.0
"""Taken where nothing tells: that of exponential lengths."""


def squared_variation(histogram: Histogram | None) -> float:
    """Return the squared coefficient of variation, with values spread evenly within each bucket.

    Wide buckets tell it roughly; it is kept between 0.05 and 6.
    """
    if histogram is None or histogram.count < 1 or not histogram.bounds:
        return UNKNOWN_SCV
    first = second = below = 0.0
    low = 0.0
    for edge, count in zip(histogram.bounds, histogram.buckets, strict=True):
        high = edge if isfinite(edge) else 2 * low
        share = count - below
        first += share * (low + high) / 2
        second += share * (low * low + low * high + high * high) / 3
        low, below = high, count
    if first <= 0:
        return UNKNOWN_SCV
    return min(_MOST, max(_LEAST, second * histogram.count / (first * first) - 1.0))
