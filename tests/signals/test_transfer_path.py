"""KV transfers worker by worker, and how evenly the ranks of a replica work."""

from __future__ import annotations

from collections.abc import Callable
from math import inf

from pdwatch.catalog.thresholds import Thresholds
from pdwatch.model.reading import Histogram, Reading
from pdwatch.model.snapshot import EngineState, WorkerState
from pdwatch.model.target import Role, RoleSource
from pdwatch.model.window import Flow, Window
from pdwatch.signals.rank_balance import expert_balance_estimate
from pdwatch.signals.transfer_path import TransferPaths

MakeReading = Callable[..., Reading]
MB = 1e6


def _window(make_reading: MakeReading, end: float, count: float, each: float, took: float) -> Window:
    """*count* transfers of *each* bytes, *took* seconds each, within the minute before *end*."""
    times = Histogram((inf,), (count,), count * took, count)
    moved = Histogram((inf,), (count,), count * each, count)
    return Window(end - 60.0, end, Flow((make_reading(end, transfer_time=times, transfer_bytes=moved),)))


def test_a_path_learns_its_own_normal_and_keeps_it(make_reading: MakeReading) -> None:
    """A tenfold slowdown later does not move it."""
    paths = TransferPaths(Thresholds())
    for at in (60.0, 75.0, 90.0):
        learned = paths.observe({"d": [_window(make_reading, at, 60.0, 500 * MB, 0.1)]})["d"]
    slow = paths.observe({"d": [_window(make_reading, 300.0, 60.0, 500 * MB, 1.0)]})["d"]

    assert (5000 * MB, 500 * MB, 500 * MB) == (
        learned.baseline_bandwidth,
        learned.baseline_bytes_mean,
        learned.baseline_bytes_per_second,
    )
    assert (500 * MB, 5000 * MB) == (slow.bandwidth_bytes_per_second, slow.baseline_bandwidth)


def test_a_handful_of_transfers_teaches_nothing(make_reading: MakeReading) -> None:
    """Warm-up requests are not the normal."""
    paths = TransferPaths(Thresholds())
    for at in (60.0, 75.0, 90.0):
        seen = paths.observe({"d": [_window(make_reading, at, 4.0, 500 * MB, 0.1)]})["d"]

    assert None is seen.baseline_bandwidth


def test_a_worker_that_reports_no_transfers_has_no_path(make_reading: MakeReading) -> None:
    """Prefill in pull mode counts none, and an idle decode worker none within the window."""
    other = Window(0.0, 60.0, Flow((make_reading(60.0, generation_tokens=5.0),)))
    idle = _window(make_reading, 60.0, 0.0, 0.0, 0.0)

    assert {} == TransferPaths(Thresholds()).observe({"p": [other], "d": [idle], "new": []})


def _worker(name: str, *rates: float | None, replica: str = "r", stale: bool = False) -> WorkerState:
    engines = tuple(
        EngineState(str(n), generation_tokens_per_second=rate, computed_tokens_per_second=rate and 0.0)
        for n, rate in enumerate(rates)
    )
    return WorkerState(
        name, f"http://{name}", Role.DECODE, RoleSource.DECLARED, replica, None, True, 0.0, stale, engines=engines
    )


def test_ranks_of_a_replica_are_compared_over_its_endpoints() -> None:
    """Mean over maximum of 100, 100, 100 and 500 tokens a second."""
    assert {"r": 0.4} == expert_balance_estimate([_worker("a", 100.0, 100.0), _worker("b", 100.0, 500.0)])


def test_without_several_ranks_or_traffic_there_is_no_estimate() -> None:
    """One rank, none with a rate, only idle ones, only stale ones."""
    alone = (
        [_worker("a", 100.0)],
        [_worker("a", None, None)],
        [_worker("a", 0.0, 0.0)],
        [_worker("a", 1.0, 2.0, stale=True)],
    )

    assert [{}] * 4 == [expert_balance_estimate(workers) for workers in alone]
