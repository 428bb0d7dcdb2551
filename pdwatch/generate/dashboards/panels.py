"""What a board is made of: panels as plain records, without a word of Grafana's JSON.

A panel cannot be made without a title, a description and a unit. The kind of a panel is its class.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pdwatch.generate.dashboards.colors import NEUTRAL, PLAIN, Step

COLUMNS = 24
"""Width of Grafana's grid."""


@dataclass(frozen=True, slots=True)
class Query:
    """One PromQL expression and the name of its series, with labels as `{{role}}`."""

    expr: str
    legend: str = ""
    instant: bool = False


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a value is shown as."""

    text: str
    color: str = PLAIN


Meanings = Mapping[str, Meaning]
"""By the value, as text: `"0"`, `"critical"`."""


@dataclass(frozen=True, slots=True)
class Look:
    """How the series whose name matches a regular expression are drawn."""

    pattern: str
    dashed: bool = False
    color: str = ""


@dataclass(frozen=True, slots=True)
class Link:
    """Where a click on a value leads: another board, with variables chosen by the labels of the value."""

    title: str
    board: str
    variables: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Runbook:
    """A click on a finding leads to its runbook."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """What all panels have."""

    title: str
    description: str
    unit: str
    queries: tuple[Query, ...]
    width: int = 8
    height: int = 8
    steps: tuple[Step, ...] = NEUTRAL
    meanings: Meanings | None = None
    link: Link | None = None
    minimum: float | None = None
    maximum: float | None = None
    decimals: int | None = None
    missing: str = "no data"
    """What is shown where nothing answers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeSeries(Panel):
    """Lines over time."""

    stacked: bool = False
    stepped: bool = False
    """Hold each value until the next, as for counts that jump."""
    limits: bool = False
    """Draw the steps as dashed lines."""
    looks: tuple[Look, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Stat(Panel):
    """Large numbers or words, one for each series."""

    named: bool = False
    """Show the name of each series beside its value."""
    filled: bool = False
    """Color the tile, not only the value."""
    trend: bool = False
    """Draw the course of the value behind it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bars(Panel):
    """One horizontal bar for each series."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Heatmap(Panel):
    """How a histogram is spread, over time. The unit is that of the bucket edges."""


@dataclass(frozen=True, slots=True, kw_only=True)
class States(Panel):
    """Words over time, one line for each series."""


@dataclass(frozen=True, slots=True)
class Label:
    """A column that shows a label of the rows."""

    name: str
    title: str
    link: Link | Runbook | None = None
    meanings: Meanings | None = None
    width: int | None = None


@dataclass(frozen=True, slots=True)
class Value:
    """A column that shows what a query answers for each row."""

    expr: str
    title: str
    unit: str = "none"
    steps: tuple[Step, ...] = NEUTRAL
    meanings: Meanings | None = None
    decimals: int | None = None
    width: int | None = None
    hidden: bool = False
    """Only its labels are wanted, as those of an info metric."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table(Panel):
    """One row for each set of labels, a column for each label and each query."""

    labels: tuple[Label, ...]
    values: tuple[Value, ...]
    worst_first: tuple[str, ...] = ()
    """Titles of the columns that order the rows, largest first."""
    values_first: bool = False
    """Put the values left of the labels."""


def table(
    *,
    title: str,
    description: str,
    labels: tuple[Label, ...],
    values: tuple[Value, ...],
    worst_first: tuple[str, ...] = (),
    values_first: bool = False,
    width: int = COLUMNS,
    height: int = 8,
    missing: str = "no data",
) -> Table:
    """Return a table; its queries are those of its columns."""
    return Table(
        title=title,
        description=description,
        unit="none",
        queries=tuple(Query(value.expr, instant=True) for value in values),
        labels=labels,
        values=values,
        worst_first=worst_first,
        values_first=values_first,
        width=width,
        height=height,
        missing=missing,
    )
