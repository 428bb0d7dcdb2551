"""Quantiles, shares and sums of bucketed distributions."""

from __future__ import annotations

from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pdwatch.model.reading import Histogram
from pdwatch.model.window import total
from pdwatch.signals.histogram import attainment, convolved, quantile, quantiles, share_below

BOUNDS = (0.1, 0.5, 1.0, inf)


def _histogram(*inside: float, bounds: tuple[float, ...] = BOUNDS, total_seconds: float = 0.0) -> Histogram:
    buckets, running = [], 0.0
    for count in inside:
        running += count
        buckets.append(running)
    return Histogram(bounds, tuple(buckets), total_seconds, running)


def test_a_quantile_is_interpolated_within_its_bucket() -> None:
    """Half of ten observations spread over 0.1 to 0.5 lie below 0.3."""
    assert pytest.approx(0.3) == quantile(_histogram(0, 10, 0, 0), 0.5)


def test_a_quantile_in_the_open_bucket_is_its_lower_edge() -> None:
    """What lies beyond the last finite edge is not invented."""
    assert 1.0 == quantile(_histogram(0, 0, 1, 9), 0.95)


def test_without_observations_there_is_no_quantile() -> None:
    """Nothing seen is not zero seconds."""
    assert quantile(_histogram(0, 0, 0, 0), 0.5) is None
    assert quantiles(None).p95 is None


def test_histograms_of_several_engines_are_summed_bucket_by_bucket() -> None:
    """The pool's quantile is of all observations, not a mean of quantiles."""
    summed = total([_histogram(10, 0, 0, 0), _histogram(0, 0, 10, 0), None])

    assert summed is not None
    assert (10.0, 10.0, 20.0, 20.0) == summed.buckets


def test_histograms_of_different_versions_are_summed_at_common_edges() -> None:
    """Buckets differ between versions; what both have is kept."""
    summed = total([_histogram(1, 1, 1, 1), _histogram(2, 2, bounds=(0.5, inf))])

    assert summed is not None
    assert ((0.5, inf), (4.0, 8.0)) == (summed.bounds, summed.buckets)


def test_attainment_names_the_bucket_that_it_was_read_at() -> None:
    """An objective of 0.4 s is judged at the edge 0.5 s."""
    met = attainment(_histogram(6, 2, 2, 0), objective=0.4, target=0.95)

    assert (0.8, 0.5, 0.4) == (met.ratio, met.bucket_seconds, met.objective_seconds)


def test_attainment_without_traffic_is_unknown() -> None:
    """No request is neither met nor missed."""
    assert attainment(None, 0.4, 0.95).ratio is None


def test_the_sum_of_two_hops_is_longer_than_either() -> None:
    """Two hops of about 0.3 s each are a TTFT of about 0.6 s."""
    hop = _histogram(0, 100, 0, 0, total_seconds=30.0)
    both = convolved(hop, hop)

    assert pytest.approx(0.6, abs=0.15) == quantile(both, 0.5)
    assert pytest.approx(0.6) == both.mean


@given(st.lists(st.integers(min_value=0, max_value=50), min_size=4, max_size=4).filter(any))
def test_quantiles_rise_with_q_and_stay_within_the_edges(inside: list[int]) -> None:
    """p50 <= p95 <= p99, all between 0 and the last finite edge."""
    found = quantiles(_histogram(*map(float, inside)))

    assert found.p50 is not None
    assert found.p95 is not None
    assert found.p99 is not None
    assert 0.0 <= found.p50 <= found.p95 <= found.p99 <= 1.0


@given(
    st.lists(st.integers(min_value=0, max_value=50), min_size=4, max_size=4).filter(any),
    st.floats(min_value=0.0, max_value=2.0),
)
def test_the_share_below_a_point_is_a_share(inside: list[int], at: float) -> None:
    """Between 0 and 1, and never less further right."""
    histogram = _histogram(*map(float, inside))

    assert 0.0 <= share_below(histogram, at) <= share_below(histogram, at + 0.1) <= 1.0
