"""Growth of counters: wraps, resets, saturation."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pdwatch.host.fabric.normalise import Extender, choose, normalise
from pdwatch.host.fabric.table import PMA, ROWS, Row, rows_of
from pdwatch.model.port import PortCounter, PortGauge, delta, wrapped

WIDTHS = st.sampled_from([8, 16, 32, 64])
COUNTS = st.integers(min_value=0, max_value=2**64 - 1)


@given(COUNTS, COUNTS, WIDTHS, st.booleans())
def test_growth_is_never_negative(previous: int, current: int, width: int, wraps: bool) -> None:
    """Whatever two readings show, no rate is below zero."""
    growth = delta(previous, current, width, wraps)

    assert growth is None or 0 <= growth


@given(st.integers(0, 2**32 - 1), st.integers(0, 2**31 - 1))
def test_a_wrap_loses_nothing(previous: int, growth: int) -> None:
    """A 32-bit counter that grew by less than half its range gives that growth, wrapped or not."""
    current = (previous + growth) % 2**32

    assert growth == delta(previous, current, 32, wraps=True)


@given(st.integers(0, 2**31), COUNTS)
def test_a_reset_counts_from_zero(previous: int, current: int) -> None:
    """A counter that fell from the lower half of its range was reset: it grew by what it shows."""
    current = current % previous if previous else 0

    assert current == delta(previous, current, 32, wraps=True)


@given(st.integers(1, 2**16 - 1), st.integers(0, 2**16 - 2))
def test_a_counter_that_sticks_does_not_wrap(previous: int, current: int) -> None:
    """One that saturates can only have been reset when it fell."""
    expected = current - previous if current >= previous else current

    assert expected == delta(previous, current, 16, wraps=False)


def test_a_stuck_counter_does_not_say_how_much_it_grew() -> None:
    """At its ceiling twice: unknown, not zero. On the way there: at least what it shows."""
    assert None is delta(255, 255, 8, wraps=False)
    assert 5 == delta(250, 255, 8, wraps=False)
    assert 0 == delta(300, 300, 8, wraps=False)


def test_a_counter_wider_than_thought_is_never_taken_for_a_wrap() -> None:
    """A value above the range shows that the width is wrong."""
    assert not wrapped(2**32 + 5, 3, 32)
    assert 3 == delta(2**32 + 5, 3, 32, wraps=True)


@given(st.lists(st.integers(0, 2**31 - 1), min_size=1, max_size=20), st.integers(0, 2**32 - 1))
def test_extended_counters_go_on_over_wraps(steps: list[int], start: int) -> None:
    """The sum of all growths, however often 32 bits wrapped."""
    extender, value = Extender(), start
    total = extender.extend("hw_counters/rx_read_requests", value, 32)
    for step in steps:
        value = (value + step) % 2**32
        total = extender.extend("hw_counters/rx_read_requests", value, 32)

    assert start + sum(steps) == total


def test_an_extended_counter_that_was_reset_starts_again() -> None:
    """After a driver reload the total falls to what the counter shows, which any reader takes for a reset."""
    extender = Extender()
    totals = [extender.extend("x", value, 32) for value in (2**32 - 10, 5, 7, 1)]

    assert [2**32 - 10, 2**32 + 5, 2**32 + 7, 1] == totals


@pytest.mark.parametrize("row", [row for row in PMA if row.width < 64], ids=lambda row: row.files[0])
def test_every_narrow_counter_is_flagged_at_its_ceiling_only(row: Row) -> None:
    """One below the ceiling and one above, which is a wider counter, are fine."""
    file, ceiling = row.files[0], 2**row.width - 1
    rows = choose(PMA, {file})
    flagged = [normalise(rows, {file: value}, Extender()).saturated for value in (ceiling - 1, ceiling, ceiling + 1)]

    assert [set(), {row.name}, set()] == flagged


@pytest.mark.parametrize("driver", ROWS)
def test_only_words_are_scaled(driver: str) -> None:
    """Four octets for the two data counters of the management agent, one for everything else."""
    scaled = {file for row in rows_of(driver) if row.scale != 1 for file in row.files}

    assert all(file.startswith("counters") and "_data" in file for file in scaled)
    assert all(row.scale == 4 for row in rows_of(driver) if row.scale != 1)


@pytest.mark.parametrize("driver", ROWS)
def test_no_driver_reads_a_file_twice(driver: str) -> None:
    """Each file of a driver feeds one canonical counter."""
    files = [file for row in rows_of(driver) for file in row.files]

    assert len(set(files)) == len(files)


def test_the_better_source_wins() -> None:
    """The 64-bit counters of an old kernel are taken, not the stuck 32-bit ones beside them."""
    raw = {"counters/port_rcv_data": 2**32 - 1, "counters_ext/port_rcv_data_64": 2**33}
    canonical = normalise(choose(PMA, raw), raw, Extender())

    assert 4 * 2**33 == canonical.counters[PortCounter.RX_BYTES]
    assert set() == canonical.saturated


def test_a_sum_with_an_unreadable_part_is_left_out() -> None:
    """Half a sum would look like a reset."""
    rows = choose(
        rows_of("mlx5"), {"hw_counters/req_rnr_retries_exceeded", "hw_counters/req_transport_retries_exceeded"}
    )
    canonical = normalise(rows, {"hw_counters/req_rnr_retries_exceeded": 3}, Extender())

    assert {} == canonical.counters


def test_a_sum_takes_the_parts_that_the_kernel_has() -> None:
    """A kernel without the second file gives the first."""
    rows = choose(rows_of("mlx5"), {"hw_counters/req_transport_retries_exceeded"})
    canonical = normalise(rows, {"hw_counters/req_transport_retries_exceeded": 3}, Extender())

    assert {PortCounter.RETRIES_EXHAUSTED: 3} == canonical.counters


def test_what_is_open_is_no_counter() -> None:
    """bnxt_re counts open queue pairs among its counters; they go up and down."""
    raw = {"hw_counters/active_qps": 12}
    canonical = normalise(choose(rows_of("bnxt_re"), raw), raw, Extender())

    assert {} == canonical.counters
    assert {PortGauge.QUEUE_PAIRS: 12} == canonical.gauges


def test_an_unknown_driver_has_the_standard_counters() -> None:
    """Every driver may have the management agent's."""
    assert PMA == rows_of("erdma")
    assert PMA == rows_of(None)
