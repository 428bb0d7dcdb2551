"""The runbook of an alert that tells no finding."""

from __future__ import annotations

import re
from dataclasses import fields

from pdwatch.catalog.thresholds import Thresholds
from pdwatch.generate.alerts.definition import Alert
from pdwatch.generate.runbooks.page import Runbook, fenced, page
from pdwatch.generate.runbooks.words import link
from pdwatch.judge.words import seconds

_DOLLAR = re.compile(r"\$([a-z]\w*)")


def alert_runbook(alert: Alert) -> str:
    """Return the page."""
    return page(
        Runbook(
            title=alert.name,
            facts=_facts(alert),
            meaning=alert.meaning,
            thresholds=_thresholds(alert.expr),
            confirm=alert.confirm,
            with_pdwatch=("What is asked of Prometheus, thresholds by name:", "", *fenced("promql", alert.expr)),
            fix=alert.fix,
            confused_with=alert.confused_with,
            related=_related(alert),
        )
    )


def _facts(alert: Alert) -> dict[str, str]:
    facts = {"Alert": f"`{alert.name}`", "Severity": alert.severity}
    facts["Fires"] = f"once it has held for {seconds(alert.for_seconds)}" if alert.for_seconds else "at once"
    if alert.keep_firing_for_seconds:
        facts["Ends"] = f"{seconds(alert.keep_firing_for_seconds)} after it no longer holds"
    return facts


def _thresholds(expr: str) -> list[str]:
    """Return the thresholds that an expression names, in the order of the catalogue."""
    named = set(_DOLLAR.findall(expr))
    return [each.name for each in fields(Thresholds) if each.name in named]


def _related(alert: Alert) -> tuple[str, ...]:
    if not alert.muted_by:
        return ()
    return (
        "Nobody is told of it while one of these alerts in the same service, since they say more:",
        "",
        *(f"- {link(finding)}" for finding in alert.muted_by),
    )
