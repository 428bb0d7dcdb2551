"""An alert as a rule of Prometheus."""

from __future__ import annotations

import re

from pdwatch.generate.alerts.definition import Alert, Board, Component
from pdwatch.generate.options import Options
from pdwatch.generate.rules.document import Json, duration, expression, filled

_ABOUT_A_SERVICE = re.compile(r"\$labels\.service\b")


def alert_rule(alert: Alert, options: Options) -> Json:
    """Return the alerting rule."""
    rule: Json = {"alert": alert.name, "expr": expression(alert.expr, options)}
    if alert.for_seconds:
        rule["for"] = duration(alert.for_seconds * options.scale_for)
    if alert.keep_firing_for_seconds and options.keep_firing_for:
        rule["keep_firing_for"] = duration(alert.keep_firing_for_seconds * options.scale_for)
    rule["labels"] = {"severity": _severity(alert), "component": alert.component.value, **alert.labels}
    rule["annotations"] = {
        "summary": filled(alert.summary, options),
        "description": filled(alert.description, options),
        "runbook_url": f"{options.runbook_base.rstrip('/')}/{alert.id}.md",
        "dashboard_url": f"{options.grafana.rstrip('/')}/d/{alert.board.value}{_variables(alert)}",
    }
    return rule


def _severity(alert: Alert) -> str:
    """A finding carries its own, which may be milder than usual in a mild case."""
    return "{{ $labels.severity }}" if alert.component is Component.FINDING else alert.severity


def _variables(alert: Alert) -> str:
    about_a_service = _ABOUT_A_SERVICE.search(alert.summary) is not None and alert.board is not Board.SELF
    return "?var-service={{ $labels.service | urlquery }}" if about_a_service else ""
