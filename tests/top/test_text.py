"""Cells, numbers, graphs and times: everything fits its place, whatever is put in."""

from __future__ import annotations

import random
from math import inf, nan

import pytest

from pdwatch.top import numbers
from pdwatch.top.cells import (
    Span,
    Tone,
    ascii_text,
    changed_cells,
    clean,
    fit,
    left,
    line_width,
    right,
    text_of,
    width_of,
    wrap,
)
from pdwatch.top.moment import moment
from pdwatch.top.spark import bar, round_top, sparkline
from pdwatch.top.status import Status, against
from pdwatch.top.trail import BIN_SECONDS, BINS, Trails

SEED = 20261121
ALPHABET = "ab 9–●█模\u0301\u200b\x1b\n\ud800é"
VALUES = (None, nan, inf, -inf, 0.0, -3.2, 1e-9, 0.04, 0.999, 1.0, 12.5, 99.9, 4321.0, 9_999.6, 1e5, 3.4e9, 1e30)


def _texts(count: int = 300) -> list[str]:
    draw = random.Random(SEED)
    return ["".join(draw.choices(ALPHABET, k=draw.randrange(14))) for _ in range(count)]


@pytest.mark.parametrize("place", [left, right])
def test_a_cell_is_exactly_as_wide_as_asked(place) -> None:
    """Short text is filled, long text is cropped, wide characters are never cut in half."""
    placed = {width_of(place(clean(text), width)) - width for text in _texts() for width in range(12)}

    assert {0} == placed


def test_a_line_is_fitted_with_its_tones_and_targets() -> None:
    """What fits stays as it is; the last span that does not is cropped; the rest goes."""
    spans = (Span("abc", Tone.OK, "x"), Span("defgh", Tone.BAD), Span("gone"))

    assert (Span("abc", Tone.OK, "x"), Span("de…", Tone.BAD)) == fit(spans, 6)
    assert {0} == {line_width(fit([Span(text), Span("z")], width)) - width for text in _texts() for width in range(12)}


def test_text_from_outside_cannot_move_the_cursor() -> None:
    """Control, combining, invisible and unpaired characters each become one visible cell."""
    assert "a?b?c?d" == clean("a\x1bb\u200bc\ud800d")
    assert "模型 é" == clean("模型 é")
    assert all(text_of(fit([Span(text)], 20)).encode().decode().isprintable() for text in _texts())


def test_ascii_keeps_every_cell() -> None:
    """A character of two cells becomes two."""
    assert "o ok -> ??x" == ascii_text("● ok → 模x".replace("→", "->"))
    assert {0} == {width_of(ascii_text(clean(text))) - width_of(clean(text)) for text in _texts()}


def test_wrapping_loses_no_word() -> None:
    """Lines are as wide as allowed at most, and together they are the text."""
    text = "Decode is too small: decode KV demand is 131 % of what fits, waiting-for-a-very-long-word."
    lines = wrap(text, 20)

    assert text.replace(" ", "") == "".join(lines).replace(" ", "")
    assert max(map(width_of, lines)) <= 20
    assert [] == wrap("  ", 20)


def test_only_the_cells_that_differ_are_told() -> None:
    """The first cell that differs and the one behind the last, in cells, not characters."""
    old = (Span("模 run 12 "), Span("ok", Tone.OK))

    assert (7, 9) == changed_cells(old, (Span("模 run 34 "), Span("ok", Tone.OK)))
    assert (10, 12) == changed_cells(old, (Span("模 run 12 "), Span("ok", Tone.BAD)))
    assert (12, 12) == changed_cells(old, old)


@pytest.mark.parametrize(
    ("expected", "shown"),
    [
        ("93 %", numbers.percent(0.93)),
        ("3.0 ms", numbers.seconds(0.003)),
        ("61 ms", numbers.seconds(0.061)),
        ("1.00 s", numbers.seconds(0.9996)),
        ("1.42 s", numbers.seconds(1.42)),
        ("10.0 s", numbers.seconds(9.996)),
        ("2m05s", numbers.seconds(125.0)),
        ("2h04m", numbers.duration(7_449.0)),
        ("3d02h", numbers.duration(266_500.0)),
        ("0.4", numbers.count(0.4)),
        ("128", numbers.count(128.0)),
        ("43.9 k", numbers.count(43_912.0)),
        ("0 /s", numbers.rate(0.0)),
        ("0.6 /min", numbers.rate(0.01)),
        ("0.05 /s", numbers.rate(0.05)),
        ("400 Gb/s", numbers.quantity(4e11, "bits per second")),
        ("200 b/s", numbers.quantity(200.0, "bits per second")),
        ("1.98 GHz", numbers.quantity(1.98e9, "hertz")),
        ("–", numbers.quantity(None, "hertz")),
        ("3.1 /s", numbers.rate(3.1)),
        ("212 k/s", numbers.rate(212_000.0)),
        ("18.4 GB/s", numbers.speed(18.4e9)),
        ("12 req", numbers.quantity(12.0, "requests")),
        ("8 scrapes", numbers.quantity(8.0, "scrapes")),
    ],
)
def test_a_number_has_its_unit(expected: str, shown: str) -> None:
    """Numbers are as people read them."""
    assert expected == shown


def test_what_is_not_known_is_a_dash() -> None:
    """Absent, NaN and infinite values are no numbers, and nothing raises."""
    shows = (
        numbers.percent,
        numbers.seconds,
        numbers.duration,
        numbers.count,
        numbers.rate,
        numbers.size,
        numbers.factor,
    )
    unknown = {show(value) for show in shows for value in (None, nan, inf, -inf)}

    assert {"–"} == unknown
    assert all(show(value) for show in shows for value in VALUES)


def test_a_graph_has_a_fixed_scale_and_keeps_its_gaps() -> None:
    """Half of the limit is half of the height, however flat the curve is."""
    assert "▅▅▅" == sparkline([0.50, 0.505, 0.51], 1.0, 3)
    assert "  ▁█ █" == sparkline([0.0, 1.0, None, 7.0], 1.0, 6)
    assert 50.0 == round_top([None, 31.0, nan])
    assert "██▌ " == bar(0.625, 1.0, 4)
    draw = random.Random(SEED)
    lists = [[draw.choice(VALUES) for _ in range(draw.randrange(30))] for _ in range(200)]
    assert {0} == {
        len(sparkline(values, top, width)) - width
        for values in lists
        for width in (0, 1, 20)
        for top in (None, nan, 0.0, 2.0)
    }


def test_a_trail_remembers_the_highest_of_each_bin() -> None:
    """A column begins at a fixed time: it does not change while later ones are added."""
    trails = Trails()
    for second in range(0, 600, 2):
        trails.add(float(second), [("kv", second / 600)])
    columns = trails.columns("kv", 599.0, 20)
    trails.add(600.0, [("kv", 0.1)])

    assert 20 == len(columns)
    assert columns[1:] == trails.columns("kv", 600.0, 20)[:-1]
    assert 538 / 600 == pytest.approx(trails.before("kv", 599.0, 60.0))
    assert [None] * 5 == trails.columns("other", 599.0, 5)


def test_trails_are_bounded_and_survive_a_clock_that_goes_back() -> None:
    """What has not been seen for an hour is forgotten; after a step back they begin anew."""
    trails = Trails()
    trails.add(0.0, [("gone", 1.0)])
    trails.add(BINS * BIN_SECONDS, [("here", 1.0), ("nan", nan)])

    assert 1 == len(trails)
    trails.add(10.0, [("here", 0.5)])
    assert 0.5 == trails.before("here", 20.0, 10.0)
    assert [None, None] == trails.columns("here", nan, 2)


def test_the_past_shows_no_later_value() -> None:
    """A graph that ends at some time has nothing of what came after."""
    trails = Trails()
    for second in range(0, 100, 10):
        trails.add(float(second), [("kv", float(second))])

    assert [None, 0.0, 10.0, 20.0] == trails.columns("kv", 25.0, 4, seconds=40.0)


@pytest.mark.parametrize(
    ("expected", "text"),
    [
        (-600.0, "-10m"),
        (-5_400.0, "-1h30m"),
        (-420.0, "14:18"),
        (-415.0, "14:18:05"),
        (-86_100.0, "14:30"),
        (-420.0, "2026-08-21T14:18:00Z"),
    ],
)
def test_a_time_is_read_as_people_write_it(expected: float, text: str) -> None:
    """A time of day is the last one that is not later."""
    reference = moment("2026-08-21T14:25:00Z", 0.0)

    assert expected == moment(text, reference) - reference


def test_a_time_in_a_recording_is_the_first_one_in_it() -> None:
    """It begins before midnight and goes on after it."""
    start = moment("2026-08-21T23:50:00Z", 0.0)

    assert 900.0 == moment("00:05", start + 60.0, start=start) - start
    assert -60.0 == moment("-2m", start + 60.0, start=start) - start


@pytest.mark.parametrize("text", ["", "soon", "-", "25:61", "99999-01-01"])
def test_what_is_no_time_is_refused_with_the_mend(text: str) -> None:
    """One line says what can be written."""
    with pytest.raises(ValueError, match="is no time; write a time of day in UTC such as 14:18") as error:
        moment(text, 1_795_000_000.0)

    assert "\n" not in str(error.value)


def test_a_value_stands_to_its_limit() -> None:
    """A capacity warns before it is reached; nothing is known of nothing."""
    assert (Status.OK, Status.WARN, Status.BAD) == tuple(against(value, 0.9, hard=True) for value in (0.5, 0.85, 0.9))
    assert (Status.OK, Status.WARN) == tuple(against(value, 0.9) for value in (0.85, 0.9))
    assert (Status.UNKNOWN, Status.UNKNOWN, Status.OK) == (against(None, 1.0), against(nan, 1.0), against(1.0, None))
