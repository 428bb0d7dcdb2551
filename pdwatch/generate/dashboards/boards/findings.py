"""The findings that stand: how bad, for how long, where, and what they come from."""

from __future__ import annotations

from pdwatch.catalog import metrics as m
from pdwatch.generate.dashboards.boards import common as c
from pdwatch.generate.dashboards.boards.scopes import FLEET
from pdwatch.generate.dashboards.panels import Label, Table, Value, table
from pdwatch.generate.dashboards.promql import either, most
from pdwatch.model.judgement import Severity

_WHERE = ("role", "worker", "engine", "host", "gpu", "port")
_EACH = ("service", "finding", "where", "root")


def findings(*labels: Label, width: int, height: int) -> Table:
    """Return the table, *labels* between the name of a finding and its place."""
    return table(
        title="Why: findings that stand, the worst first",
        description="Named faults with evidence, and the finding that each is a symptom of, from "
        "`pdwatch_finding_since_timestamp_seconds`. A click leads to what it means and what to do.",
        labels=(
            Label("finding", "Finding", link=c.RUNBOOK, meanings=c.FINDING_WORDS),
            *labels,
            Label("where", "Where"),
            Label("root", "Because of", meanings=c.FINDING_WORDS),
        ),
        values=(
            Value(_severity(), "Severity", meanings=c.SEVERITIES, width=90),
            Value(f"time() - {_since()}", "For", "s", decimals=0, width=80),
        ),
        worst_first=("Severity",),
        values_first=True,
        width=width,
        height=height,
        missing="nothing is wrong",
    )


def _since(**matchers: str) -> str:
    places = ", ".join(f'"{label}"' for label in _WHERE)
    joined = f'label_join({FLEET.of(m.FINDING_SINCE, **matchers)}, "where", " ", {places})'
    return most(joined, *_EACH)


def _severity() -> str:
    """Return the number of each finding's severity, the worst one first: what follows `or` only adds."""
    return either(*(f"{int(each)} * ({_since(severity=each.word)} > bool 0)" for each in reversed(Severity)))
