"""Values, axes, tables and lines."""

from __future__ import annotations

import re

import pytest

from pdwatch.generate.dashboards.preview.canvas import Canvas, Mark
from pdwatch.generate.dashboards.preview.frames import Series, Source, rows
from pdwatch.generate.dashboards.preview.lines import draw
from pdwatch.generate.dashboards.preview.prometheus import Answer, Span
from pdwatch.generate.dashboards.preview.shapes import clock_marks, shortened, tag, ticks
from pdwatch.generate.dashboards.preview.units import shown
from pdwatch.generate.dashboards.preview.values import COLORS, color, settings, words

SPAN = Span(0.0, 30.0, 10.0)
STEPS = {"thresholds": {"steps": [{"value": None, "color": "green"}, {"value": 0.9, "color": "red"}]}}
UP = {"mappings": [{"type": "value", "options": {"1": {"text": "up", "color": "green"}}}], **STEPS}


@pytest.mark.parametrize(
    ("value", "unit", "decimals", "expected"),
    [
        (0.0, "s", None, "0 s"),
        (0.0000123, "s", None, "12.3 µs"),
        (0.025, "s", None, "25 ms"),
        (90.0, "s", None, "1.50 min"),
        (7200.0, "s", None, "2 h"),
        (200000.0, "s", 0, "2 d"),
        (0.123, "percentunit", None, "12.3 %"),
        (1536.0, "bytes", None, "1.50 KiB"),
        (50e9, "Bps", None, "50 GB/s"),
        (1.98e9, "hertz", None, "1.98 GHz"),
        (12345.0, "short", None, "12.3 k"),
        (3.0, "reqps", None, "3 req/s"),
        (-90.0, "s", 1, "-1.5 min"),
    ],
)
def test_a_value_is_written_in_its_unit(value, unit, decimals, expected):
    """As Grafana writes it, near enough."""
    assert expected == shown(value, unit, decimals)


def test_every_unit_of_the_boards_can_be_written(boards, panels_of):
    """The preview knows what the boards use."""
    for board in boards.values():
        for panel in panels_of(board):
            for field in (panel["fieldConfig"]["defaults"], {"unit": panel["options"].get("yAxis", {}).get("unit")}):
                assert not field.get("unit") or shown(1.0, field["unit"])


def test_a_meaning_goes_before_a_step():
    """`1` is up and green although it is beyond the limit."""
    assert ("up", COLORS["green"]) == (words(1.0, UP), color(1.0, UP))
    assert ("0.95", COLORS["red"]) == (words(0.95, UP), color(0.95, UP))
    assert ("yes", COLORS["green"]) == (words("yes", STEPS), color("yes", STEPS))


def test_overrides_change_the_fields_that_they_match():
    """By name, or by a regular expression."""
    config = {
        "defaults": {"unit": "none"},
        "overrides": [
            {"matcher": {"id": "byName", "options": "Value #A"}, "properties": [{"id": "unit", "value": "s"}]},
            {"matcher": {"id": "byRegexp", "options": "/wanted$/"}, "properties": [{"id": "dash", "value": True}]},
        ],
    }

    assert {"unit": "s"} == settings(config, "Value #A")
    assert {"unit": "none", "dash": True} == settings(config, "decode wanted")
    assert {"unit": "none"} == settings(config, "wanted not")


def test_ticks_are_round():
    """And within the axis."""
    assert [0.0, 50.0, 100.0, 150.0] == ticks(0, 190)
    assert [0.0, 1.0] == ticks(0, 1.4, least=1.0)
    assert [0.0] == ticks(0.0, 0.0)


def test_the_clock_is_marked_at_round_times():
    """Seconds where the time is short, else minutes."""
    assert [(0, "00:00:00"), (10, "00:00:10"), (20, "00:00:20"), (30, "00:00:30")] == clock_marks(SPAN)
    assert [(0, "00:00"), (900, "00:15"), (1800, "00:30"), (2700, "00:45"), (3600, "01:00")] == clock_marks(
        Span(0, 3600, 15)
    )


def test_what_is_too_long_is_cut():
    """With a sign that it was."""
    assert ("abc", "abcd…") == (shortened("abc", 100), shortened("abcdefghijk", 31))


def test_markup_in_an_attribute_is_text():
    """Labels come from whoever is scraped."""
    assert '<a href="&quot;&gt;&lt;script&gt;">x</a>' == tag("a", "x", href='"><script>')


def target(ref: str, expr: str) -> dict:
    return {"refId": ref, "expr": expr, "instant": True, "legendFormat": "__auto"}


def table(*exprs: str, sort: str = "") -> dict:
    names = ["Value"] if len(exprs) == 1 else [f"Value #{chr(65 + at)}" for at in range(len(exprs))]
    organize = {
        "excludeByName": {"Time": True},
        "renameByName": {"role": "Role", **{name: name.lower() for name in names}},
        "indexByName": {"role": 0, **{name: at + 1 for at, name in enumerate(names)}},
    }
    return {
        "targets": [target(chr(65 + at), expr) for at, expr in enumerate(exprs)],
        "options": {"sortBy": [{"displayName": sort, "desc": True}] if sort else []},
        "transformations": [{"id": "merge", "options": {}}, {"id": "organize", "options": organize}],
    }


def test_rows_with_the_same_labels_become_one(prometheus, server, one):
    """What a query lacks for a row is an empty cell."""
    server.answers |= {"a": one(1, role="prefill") + one(2, role="decode"), "b": one(3, role="decode")}
    found = rows(table("a", "b"), Source(prometheus, SPAN))

    assert [{"role": "prefill", "Value #A": 1.0}, {"role": "decode", "Value #A": 2.0, "Value #B": 3.0}] == found


def test_labels_of_one_query_only_join_the_row(prometheus, server, one):
    """As the version of a worker joins its numbers."""
    server.answers |= {"a": one(1, role="decode"), "info": one(1, role="decode", version="0.33")}
    (found,) = rows(table("a", "info"), Source(prometheus, SPAN))

    assert {"role": "decode", "Value #A": 1.0, "version": "0.33", "Value #B": 1.0} == found


def test_the_worst_comes_first(prometheus, server, one):
    """A row without the number comes last."""
    server.answers |= {
        "a": one(1, role="x") + one(2, role="y") + one(3, role="z"),
        "b": one(5, role="y") + one(9, role="z"),
    }
    found = rows(table("a", "b", sort="value #b"), Source(prometheus, SPAN))

    assert ["z", "y", "x"] == [row["role"] for row in found]


def lines(points: list[tuple[float, float]], **custom: object) -> str:
    config = {
        "defaults": {
            "unit": "none",
            "color": {"mode": "palette-classic"},
            "thresholds": STEPS["thresholds"],
            "custom": {
                "stacking": {"mode": "none"},
                "fillOpacity": 0,
                "lineInterpolation": "linear",
                "thresholdsStyle": {"mode": "off"},
                **custom,
            },
        },
        "overrides": [],
    }
    found = [Series("<b>x</b>", Answer({}, tuple(points)))]
    canvas = Canvas(SPAN, 400, 200, (Mark("red", (15.0, 99.0)),))
    return draw({"fieldConfig": config}, found, canvas)


def test_a_hole_breaks_a_line():
    """A missing scrape is not bridged."""
    whole, broken = lines([(0, 1), (10, 1), (20, 1)]), lines([(0, 1), (10, 1), (30, 1)])

    assert (1, 2) == tuple(drawn.count('fill="none"') for drawn in (whole, broken))


def test_a_limit_is_drawn_where_it_is_asked_for():
    """And within the axis only."""
    limit = f'stroke="{COLORS["red"]}" stroke-dasharray="8 6"'

    assert limit in lines([(0, 1.0), (10, 2.0)], thresholdsStyle={"mode": "dashed"})
    assert limit not in lines([(0, 1.0), (10, 2.0)])
    assert limit not in lines([(0, 0.1), (10, 0.2)], thresholdsStyle={"mode": "dashed"})


def test_only_marks_within_the_time_are_drawn():
    """One of two."""
    assert 1 == lines([(0, 1.0)]).count('stroke-dasharray="3 3"')


def test_a_name_in_the_legend_is_text():
    """Whatever a label holds."""
    assert "&lt;b&gt;x&lt;/b&gt;" in lines([(0, 1.0)])
    assert "<b>x" not in lines([(0, 1.0)])


def test_every_coordinate_is_a_number():
    """Also where all values are the same, or none."""
    for points in ([(0, 0.0), (10, 0.0)], [(0, -1.0), (10, -1.0)], [(10, 1e12)]):
        assert not re.search("nan|inf", lines(points))
