"""What routers count about workers, with its traps."""

from __future__ import annotations

from pdwatch.model.reading import RouterWorker
from pdwatch.signals.routed import Routed, RoutedWatch

PAGE = "http://d:8000/metrics"


def _watch(*counts: tuple[float, float | None, float | None]) -> RoutedWatch:
    watch = RoutedWatch(horizon=60.0)
    for at, requests, errors in counts:
        watch.push(at, [RouterWorker("http://d:8000", True, requests, errors, "decode")])
    return watch


def test_rates_are_increases_over_the_routers_own_times() -> None:
    """40 requests and 2 errors within 20 seconds."""
    assert Routed(True, 2.0, 0.1) == _watch((0.0, 10.0, 0.0), (20.0, 50.0, 2.0)).routed(PAGE)


def test_a_series_that_appears_counts_from_zero() -> None:
    """A router prints errors once there is one."""
    routed = _watch((0.0, 10.0, None), (20.0, 50.0, 2.0)).routed(PAGE)

    assert routed is not None
    assert 0.1 == routed.errors_per_second


def test_a_router_that_started_again_gives_no_negative_rate() -> None:
    """Its counters begin at zero; the first page after it has no rate."""
    assert Routed(True, None, None) == _watch((0.0, 90.0, 0.0), (20.0, 5.0, 0.0)).routed(PAGE)


def test_a_worker_that_no_router_knows_is_not_routed() -> None:
    """Nothing said is not zero requests."""
    assert _watch((0.0, 1.0, 0.0)).routed("http://other:1/metrics") is None


def test_the_window_is_no_longer_than_the_horizon() -> None:
    """An hour of quiet before does not dilute the last minute."""
    routed = _watch((0.0, 0.0, 0.0), (3600.0, 0.0, 0.0), (3660.0, 60.0, 0.0)).routed(PAGE)

    assert routed is not None
    assert 1.0 == routed.requests_per_second
