"""The files of alerts: rules, the same for the Prometheus operator, and an example for Alertmanager."""

from __future__ import annotations

from collections.abc import Mapping

from pdwatch.generate.alerts import ALERTS
from pdwatch.generate.alerts.alertmanager import alertmanager_file
from pdwatch.generate.alerts.definition import Component
from pdwatch.generate.alerts.rendering import alert_rule
from pdwatch.generate.alerts.shares import RECORDS
from pdwatch.generate.options import Options
from pdwatch.generate.rules.document import Json, prometheus_rule, record_rule, rule_file

NAME = "pdwatch-alerts"
_HEAD = """Written by `pdwatch generate alerts`; do not edit.
Alerts on what pdwatch exports; thresholds are those that pdwatch judges by. See docs/alerts.md."""
_OBJECTIVES_INTERVAL = "1m"
"""Its windows are long; sums over three days need no more samples."""


def groups(options: Options) -> list[Json]:
    """Return a group of rules for each component."""
    found = []
    for component in Component:
        rules = [alert_rule(alert, options) for alert in ALERTS if alert.component is component]
        group: Json = {"name": f"pdwatch-{component.value}"}
        if component is Component.OBJECTIVE:
            group["interval"] = _OBJECTIVES_INTERVAL
            rules = [*(record_rule(record, options) for record in RECORDS), *rules]
        found.append(group | {"rules": rules})
    return found


def alert_files(options: Options) -> Mapping[str, str]:
    """Return the contents of every file by its path."""
    made = groups(options)
    return {
        f"{NAME}.yaml": rule_file(made, _HEAD),
        f"kubernetes/{NAME}.yaml": prometheus_rule(NAME, made, _HEAD),
        "alertmanager.yaml": alertmanager_file(),
    }
