"""A board as a page."""

from __future__ import annotations

import pytest

from pdwatch.generate.dashboards.board import Board, Mark, Row, Variable
from pdwatch.generate.dashboards.colors import above
from pdwatch.generate.dashboards.grafana import dashboard
from pdwatch.generate.dashboards.panels import (
    Bars,
    Heatmap,
    Label,
    Meaning,
    Query,
    Stat,
    States,
    TimeSeries,
    Value,
    table,
)
from pdwatch.generate.dashboards.preview.frames import Source
from pdwatch.generate.dashboards.preview.page import page
from pdwatch.generate.dashboards.preview.prometheus import Span
from pdwatch.generate.options import Options

SPAN = Span(0.0, 30.0, 10.0)
COMMON = {"description": "Text.", "unit": "none"}
UP = {"1": Meaning("up", "green"), "0": Meaning("down", "red")}
PANELS = (
    TimeSeries(title="Lines of $role", queries=(Query("x", "{{role}}"),), **COMMON),
    Stat(title="Numbers", queries=(Query("x", "{{role}}", instant=True),), named=True, meanings=UP, **COMMON),
    Bars(title="Bars", queries=(Query("x", "{{role}}", instant=True),), steps=above("kv_usage_high"), **COMMON),
    States(title="States", queries=(Query("x", "{{role}}"),), meanings=UP, **COMMON),
    Heatmap(title="Heat", queries=(Query("h", "{{le}}"),), **COMMON),
    table(title="Rows", description="Text.", labels=(Label("role", "Role"),), values=(Value("x", "Number"),)),
)


@pytest.fixture
def draw(prometheus):
    """Return the page of a board with these rows."""

    def make(*rows: Row, marks: tuple[Mark, ...] = ()) -> str:
        variables = (Variable("role", "Role", "label_values(x, role)"),)
        made = dashboard(Board("uid", "Board <1>", "Text.", (), variables, rows, marks), (), Options())
        return page(made, Source(prometheus, SPAN, {"role": ".*"}), {"uid.html": "Board"})

    return make


def test_each_kind_of_panel_is_drawn(draw, server, one):
    """Names, numbers and words are there."""
    cumulated = [one(1, le="0.1"), one(3, le="0.5"), one(3, le="+Inf")]
    server.answers |= {"x": one(1, role="decode"), "h": [series for each in cumulated for series in each]}
    drawn = draw(Row("Row", PANELS))

    assert 6 == drawn.count("<section")
    assert drawn.count("decode") >= 5
    assert drawn.count(">up<") == 2
    assert "≤ 0.10" in drawn
    assert "Board &lt;1&gt;" in drawn
    assert "<b>1</b>" in drawn


def test_an_empty_panel_says_what_it_lacks(draw):
    """In its own words."""
    silent = Stat(title="Numbers", queries=(Query("nothing"),), missing="no router is watched", **COMMON)

    assert '<div class="none">no router is watched</div>' in draw(Row("Row", (silent,)))


def test_a_query_that_is_refused_spoils_its_own_panel_only(draw, server, one):
    """The reason stands in the panel."""
    server.answers["x"] = one(1, role="decode")
    wrong = Stat(title="Wrong", queries=(Query("bad("),), **COMMON)
    drawn = draw(Row("Row", (wrong, PANELS[0])))

    assert "unclosed left parenthesis" in drawn
    assert "decode" in drawn


def test_a_row_is_repeated_and_moves_what_is_below(draw, server, one):
    """Once for each value, with the value in its titles and queries."""
    server.answers |= {"x": one(1, role="decode"), "label/role/values": ["decode", "prefill"]}
    drawn = draw(Row("Role $role", PANELS[:1], repeat="role"), Row("Below", PANELS[1:2]))

    assert all(words in drawn for words in ("Role decode", "Role prefill", "Lines of prefill"))
    assert "grid-row: 10 / span 1" in drawn
    assert "grid-row: 19 / span 1" in drawn


def test_all_is_called_all(draw):
    """Not by the expression that stands for it."""
    assert "Row of All" in draw(Row("Row of $role", ()))


def test_a_folded_row_is_named_only(draw, server):
    """Its panels ask nothing."""
    drawn = draw(Row("More", PANELS, folded=True))

    assert "▸ More, folded" in drawn
    assert [] == [path for path, _ in server.asked if path.startswith("query")]


def test_marks_are_drawn_where_they_begin(draw, server, one):
    """One line for a run of points, and none for marks that are not shown."""
    server.answers |= {"x": one(1, role="decode"), "restarts": one(1)}
    shown, hidden = (Mark("Restart", "restarts", "purple", "Text", shown=on) for on in (True, False))
    line = 'stroke-dasharray="3 3"'

    assert 1 == draw(Row("Row", PANELS[:1]), marks=(shown,)).count(line)
    assert 0 == draw(Row("Row", PANELS[:1]), marks=(hidden,)).count(line)
