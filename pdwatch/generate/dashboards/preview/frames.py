"""What the queries of a panel answer: named series, or the rows of a table."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pdwatch.generate.dashboards.preview.prometheus import Answer, Prometheus, Span
from pdwatch.generate.dashboards.preview.variables import put

Json = Mapping[str, Any]
Row = dict[str, "float | str"]
_BACKWARDS = 2
"""Grafana's number for values that are sorted from z to a."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where the data of a board comes from, for which time, with which variables."""

    prometheus: Prometheus
    span: Span
    values: Mapping[str, str] = field(default_factory=dict)

    def where(self, name: str, value: str) -> Source:
        """Return the same with another value of a variable."""
        return Source(self.prometheus, self.span, {**self.values, name: value})

    def ask(self, target: Json) -> list[Answer]:
        """Return what a query of a panel answers. Raises `PreviewError`."""
        expr = put(self.values, target["expr"])
        if target["instant"]:
            return self.prometheus.now(expr, self.span.end)
        return self.prometheus.over(expr, self.span)


@dataclass(frozen=True, slots=True)
class Series:
    """Points with the name in the legend."""

    name: str
    answer: Answer

    @property
    def last(self) -> float:
        """The newest value."""
        return self.answer.points[-1][1]


def series(panel: Json, source: Source) -> list[Series]:
    """Return the series of a panel in the order of its queries. Raises `PreviewError`."""
    found = (
        Series(_name(target["legendFormat"], answer), answer)
        for target in panel["targets"]
        for answer in source.ask(target)
    )
    return [each for each in found if each.answer.points]


def _name(legend: str, answer: Answer) -> str:
    if legend == "__auto":
        return ", ".join(f"{label}={value}" for label, value in answer.labels.items())
    return re.sub(r"\{\{\s*(\w+)\s*\}\}", lambda match: answer.labels.get(match[1], ""), legend).strip()


def known(dashboard: Json, name: str, source: Source) -> list[str]:
    """Return every value of a variable, for which a row is repeated. Raises `PreviewError`."""
    variable = next(each for each in dashboard["templating"]["list"] if each["name"] == name)
    found = source.prometheus.label_values(put(source.values, variable["query"]), source.span)
    return found[::-1] if variable["sort"] == _BACKWARDS else found


def rows(panel: Json, source: Source) -> list[Row]:
    """Return the rows of a table, with columns by the names of fields. Raises `PreviewError`."""
    answers = [(target["refId"], source.ask(target)) for target in panel["targets"]]
    one = len(panel["targets"]) == 1
    frames = [
        [_row("Value" if one else f"Value #{ref}", answer) for answer in found] for ref, found in answers if found
    ]
    return _sorted(_merged(frames), panel)


def _row(column: str, answer: Answer) -> Row:
    return {**answer.labels, column: answer.points[-1][1]} if answer.points else dict(answer.labels)


def _merged(frames: list[list[Row]]) -> list[Row]:
    """Join rows that agree on the columns of all frames and contradict each other in none."""
    shared = set.intersection(*(set().union(*frame) for frame in frames)) if frames else set()
    merged: list[Row] = []
    for row in (row for frame in frames for row in frame):
        home = next((known for known in merged if _fits(known, row, shared)), None)
        if home is None:
            merged.append(dict(row))
        else:
            home.update(row)
    return merged


def _fits(known: Row, row: Row, shared: set[str]) -> bool:
    agree = all(known.get(name) == row.get(name) for name in shared)
    return agree and all(known[name] == value for name, value in row.items() if name in known)


def _sorted(found: list[Row], panel: Json) -> list[Row]:
    names = {title: name for name, title in columns(panel)}
    for order in reversed(panel["options"]["sortBy"]):
        name = names[order["displayName"]]
        found.sort(key=lambda row: _number(row.get(name)), reverse=order["desc"])
    return found


def _number(value: float | str | None) -> float:
    return value if isinstance(value, float) else float("-inf")


def columns(panel: Json) -> list[tuple[str, str]]:
    """Return name and title of each column that a table shows, from left to right."""
    organize: Json = next(each["options"] for each in panel["transformations"] if each["id"] == "organize")
    hidden, titles, order = organize["excludeByName"], organize["renameByName"], organize["indexByName"]
    return [(name, titles[name]) for name in sorted(order, key=order.__getitem__) if name not in hidden]
