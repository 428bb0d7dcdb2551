"""When targets have their turn."""

from __future__ import annotations

import pytest

from pdwatch.scrape.turns import LoopSettings, delay, is_probed

URLS = [f"http://10.0.{host}.1:{port}/metrics" for host in range(32) for port in range(8000, 8032)]


def test_a_target_has_the_same_moment_in_every_cycle():
    """Rates are taken over equal times."""
    assert delay(URLS[0], 2.0) == delay(URLS[0], 2.0)


def test_targets_are_spread_evenly_over_the_window():
    """Each eighth of the window has its eighth of a thousand neighbours, give or take."""
    eighths = [int(delay(url, 8.0)) for url in URLS]

    assert set(range(8)) == set(eighths)
    assert all(90 < eighths.count(eighth) < 170 for eighth in range(8))


@pytest.mark.parametrize(
    ("interval", "timeout", "window"),
    [(5.0, 3.0, 1.75), (60.0, 3.0, 42.0), (5.0, 5.0, 0.0), (5.0, 60.0, 0.0)],
    ids=["usual", "long interval", "timeout as long as the interval", "timeout longer than the interval"],
)
def test_the_window_leaves_time_for_a_timeout(interval, timeout, window):
    """Who is asked last and never answers is still given up before the cycle is closed."""
    assert pytest.approx(window) == LoopSettings(interval=interval).window(timeout)


def test_each_worker_is_probed_once_a_probe_interval():
    """Six cycles of five seconds make thirty."""
    settings = LoopSettings(interval=5, probe_interval=30)

    probes = [sum(is_probed(url, cycle, settings) for cycle in range(6)) for url in URLS]

    assert [1] * len(URLS) == probes


def test_probes_are_spread_over_the_cycles():
    """No cycle has all of them."""
    settings = LoopSettings(interval=5, probe_interval=30)

    probes = [sum(is_probed(url, cycle, settings) for url in URLS) for cycle in range(6)]

    assert all(len(URLS) / 6 * 0.7 < count < len(URLS) / 6 * 1.3 for count in probes)


def test_a_probe_interval_shorter_than_the_interval_means_every_cycle():
    """There is no turn between two cycles."""
    assert all(is_probed(URLS[0], cycle, LoopSettings(interval=60, probe_interval=30)) for cycle in range(4))
