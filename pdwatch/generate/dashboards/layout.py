"""Where panels lie on Grafana's grid of 24 columns, and their ids."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pdwatch.generate.dashboards.board import Board, Row
from pdwatch.generate.dashboards.errors import DashboardError
from pdwatch.generate.dashboards.panels import COLUMNS, Panel

HEADING = 1
"""Height of a row's heading."""


@dataclass(frozen=True, slots=True)
class Place:
    """Position and size in units of the grid."""

    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Placed:
    """A panel with its id and its place."""

    panel: Panel
    id: int
    place: Place


@dataclass(frozen=True, slots=True)
class PlacedRow:
    """A heading with the panels below it."""

    row: Row
    id: int
    place: Place
    panels: tuple[Placed, ...]


def placed(board: Board) -> Iterator[PlacedRow]:
    """Yield the rows of a board from top to bottom. Panels flow from left to right and break where a line is full.

    Raises `DashboardError` for a panel that is wider than the grid.
    """
    y, next_id = 0, 1
    for row in board.rows:
        heading = Place(0, y, COLUMNS, HEADING)
        panels = tuple(
            Placed(panel, next_id + 1 + index, place)
            for index, (panel, place) in enumerate(zip(row.panels, _flow(row.panels, y + HEADING), strict=True))
        )
        yield PlacedRow(row, next_id, heading, panels)
        next_id += 1 + len(panels)
        lowest = max((each.place.y + each.place.height for each in panels), default=y + HEADING)
        y = y + HEADING if row.folded else lowest


def _flow(panels: tuple[Panel, ...], y: int) -> Iterator[Place]:
    x = tallest = 0
    for panel in panels:
        if not 0 < panel.width <= COLUMNS:
            raise DashboardError(f"{panel.title}: {panel.width} of {COLUMNS} columns")
        if x + panel.width > COLUMNS:
            x, y, tallest = 0, y + tallest, 0
        yield Place(x, y, panel.width, panel.height)
        x, tallest = x + panel.width, max(tallest, panel.height)
