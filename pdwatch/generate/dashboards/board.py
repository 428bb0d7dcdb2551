"""A board: panels in rows, variables, and marks of what happened."""

from __future__ import annotations

from dataclasses import dataclass

from pdwatch.generate.dashboards.panels import Panel


@dataclass(frozen=True, slots=True)
class Variable:
    """A choice at the top of a board: the values of a label of a metric."""

    name: str
    title: str
    values: str
    """`label_values(...)`."""
    many: bool = True
    """Whether several can be chosen, and all."""
    backwards: bool = False
    """Order the values from z to a, so that prefill comes before decode."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A line across the panels wherever a query answers."""

    title: str
    expr: str
    color: str
    text: str
    shown: bool = True


@dataclass(frozen=True, slots=True)
class Row:
    """Panels below one heading; with *repeat* once for each value of that variable."""

    title: str
    panels: tuple[Panel, ...]
    repeat: str = ""
    folded: bool = False


@dataclass(frozen=True, slots=True)
class Board:
    """One dashboard. The uid is part of its address and never changes."""

    uid: str
    title: str
    description: str
    tags: tuple[str, ...]
    variables: tuple[Variable, ...]
    rows: tuple[Row, ...]
    marks: tuple[Mark, ...]
