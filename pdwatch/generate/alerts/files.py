"""The files of alerts: rules, the same for the Prometheus operator, and an example for Alertmanager."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from pdwatch.generate.alerts import ALERTS
from pdwatch.generate.alerts.alertmanager import alertmanager_file
from pdwatch.generate.alerts.definition import Component
from pdwatch.generate.alerts.rendering import alert_rule
from pdwatch.generate.alerts.shares import RECORDS
from pdwatch.generate.options import Options
from pdwatch.generate.rules import files as recording
from pdwatch.generate.rules.document import Json, document, prometheus_rule, record_rule, rule_file


class _File(NamedTuple):
    name: str
    components: tuple[Component, ...]
    about: str


_FILES = (
    _File(
        "pdwatch-findings",
        (Component.FINDING, Component.MUTING),
        "An alert for each finding of pdwatch, and which of them are symptoms of others.",
    ),
    _File(
        "pdwatch-objectives", (Component.OBJECTIVE,), "Error budgets of the latency objectives, over several windows."
    ),
    _File("pdwatch-symptoms", (Component.SYMPTOM,), "What is seen of faults from outside, whatever the cause."),
    _File("pdwatch-itself", (Component.PDWATCH,), "pdwatch itself, and a watchdog."),
)
"""Each can be left out."""
_HEAD = "Written by `pdwatch generate alerts`; do not edit. {about} See docs/alerts.md.\nThresholds are those that pdwatch judges by."
_OBJECTIVES_INTERVAL = "1m"
"""Its windows are long; sums over three days need no more samples."""


def alert_files(options: Options) -> Mapping[str, str]:
    """Return the contents of every file by its path."""
    files = {"alertmanager.yaml": alertmanager_file(), "kubernetes/kustomization.yaml": _kustomization()}
    for each in _FILES:
        group, head = _group(each, options), _HEAD.format(about=each.about)
        files[f"{each.name}.yaml"] = rule_file([group], head)
        files[f"kubernetes/{each.name}.yaml"] = prometheus_rule(each.name, [group], head)
    return files


def _group(file: _File, options: Options) -> Json:
    rules = [alert_rule(alert, options) for alert in ALERTS if alert.component in file.components]
    if Component.OBJECTIVE not in file.components:
        return {"name": file.name, "rules": rules}
    records = [record_rule(record, options) for record in RECORDS]
    return {"name": file.name, "interval": _OBJECTIVES_INTERVAL, "rules": [*records, *rules]}


def _kustomization() -> str:
    resources = [f"{name}.yaml" for name in (*(each.name for each in _FILES), recording.NAME)]
    return document({"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization", "resources": resources})
