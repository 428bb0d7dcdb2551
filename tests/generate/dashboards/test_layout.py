"""Panels lie on the grid, and none on another."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import pytest

from pdwatch.generate.dashboards.board import Board, Row
from pdwatch.generate.dashboards.errors import DashboardError
from pdwatch.generate.dashboards.layout import placed
from pdwatch.generate.dashboards.panels import Query, Stat


def stat(width: int, height: int = 4) -> Stat:
    return Stat(title="A", description="B.", unit="none", queries=(Query("up"),), width=width, height=height)


def board(*rows: Row) -> Board:
    return Board("uid", "Title", "Text.", (), (), rows, ())


def boxes(shown: dict) -> Iterator[tuple[int, int, int, int]]:
    for panel in shown["panels"]:
        at = panel["gridPos"]
        yield at["x"], at["y"], at["x"] + at["w"], at["y"] + at["h"]


def test_no_panel_leaves_the_grid(boards):
    """24 columns."""
    outside = [(uid, box) for uid, shown in boards.items() for box in boxes(shown) if box[0] < 0 or box[2] > 24]

    assert [] == outside


def test_no_panel_lies_on_another(boards):
    """Grafana would push one of them away."""
    for uid, shown in boards.items():
        for one, other in combinations(boxes(shown), 2):
            apart = one[2] <= other[0] or other[2] <= one[0] or one[3] <= other[1] or other[3] <= one[1]

            assert apart, (uid, one, other)


def test_ids_are_unique(boards, panels_of):
    """Also those of rows."""
    for shown in boards.values():
        ids = [panel["id"] for panel in shown["panels"]]

        assert len(ids) == len(set(ids))
        assert all(isinstance(each, int) and each > 0 for each in ids)


def test_lines_are_full(boards):
    """A hole in a line looks like a panel that failed: only the last line of a row may end early."""
    for uid, shown in boards.items():
        lines: dict[int, int] = {}
        for panel in shown["panels"]:
            at = panel["gridPos"]
            lines[at["y"]] = lines.get(at["y"], 0) + at["w"]
        starts = sorted(lines)
        rows = {panel["gridPos"]["y"] for panel in shown["panels"] if panel["type"] == "row"}
        last = {starts[index - 1] for index, y in enumerate(starts) if y in rows and index} | {starts[-1]}

        assert {} == {y: width for y, width in lines.items() if width != 24 and y not in last}, uid


def test_a_full_line_breaks():
    """What does not fit goes below the tallest of the line."""
    (row,) = placed(board(Row("Row", (stat(12, 4), stat(12, 7), stat(8)))))

    assert [(0, 1), (12, 1), (0, 8)] == [(each.place.x, each.place.y) for each in row.panels]
    assert [1, 2, 3, 4] == [row.id, *(each.id for each in row.panels)]


def test_a_folded_row_takes_one_line():
    """The next heading follows at once."""
    first, second = placed(board(Row("A", (stat(24),), folded=True), Row("B", (stat(24),))))

    assert (0, 1) == (first.place.y, second.place.y)


def test_a_panel_wider_than_the_grid_is_refused():
    """At the desk, not in the browser."""
    with pytest.raises(DashboardError, match="A: 25 of 24 columns"):
        list(placed(board(Row("Row", (stat(25),)))))
