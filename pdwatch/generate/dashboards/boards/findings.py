"""The findings that stand: how bad, for how long, where, and what they come from."""

from __future__ import annotations

from pdwatch.catalog import metrics as m
from pdwatch.generate.dashboards.boards import common as c
from pdwatch.generate.dashboards.boards.scopes import FLEET
from pdwatch.generate.dashboards.colors import COOL, NOTE, WORST
from pdwatch.generate.dashboards.panels import Label, Meaning, Table, Value, table
from pdwatch.generate.dashboards.promql import either, most
from pdwatch.model.judgement import Severity

_SYMPTOM = 0.5
_WHERE = ("role", "worker", "engine", "host", "gpu", "port")
_RANKS = ((0.0, ""), (_SYMPTOM, "!="))
_EACH = ("service", "finding", "where", "root")
_SEVERITIES = {
    f"{int(severity) - less:g}": Meaning(severity.word, color)
    for severity, color in ((Severity.INFO, COOL), (Severity.WARNING, NOTE), (Severity.CRITICAL, WORST))
    for less, _ in _RANKS
}


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
            Value(_severity(), "Severity", meanings=_SEVERITIES, width=90),
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
    named = FLEET.of(m.FINDING_SINCE, **matchers)
    for label, word in (("engine", "rank"), ("gpu", "GPU")):
        named = f'label_replace({named}, "{label}", "{word} $1", "{label}", "(.+)")'
    return most(f'label_join({named}, "where", " ", {places})', *_EACH)


def _severity() -> str:
    """Return the number of each finding's severity, less a half for what is only a symptom of another finding."""
    ranked = ((int(each) - less, each.word, root) for each in reversed(Severity) for less, root in _RANKS)
    return either(*(f"{rank:g} * ({_since(severity=word, root=root)} > bool 0)" for rank, word, root in ranked))
