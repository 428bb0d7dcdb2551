"""Alerts as data: one record each, from which rule files, runbooks and tests are made."""

from __future__ import annotations

from pdwatch.generate.alerts import capacity, findings, itself, muting, objectives, requests, transfer
from pdwatch.generate.alerts.definition import Alert

ALERTS: tuple[Alert, ...] = (
    *findings.ALERTS,
    *muting.ALERTS,
    *objectives.ALERTS,
    *requests.ALERTS,
    *capacity.ALERTS,
    *transfer.ALERTS,
    *itself.ALERTS,
)
"""Every alert: those of findings, of symptoms that users feel, and of pdwatch itself."""

BY_NAME = {alert.name: alert for alert in ALERTS}
