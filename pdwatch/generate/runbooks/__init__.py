"""docs/runbooks/: a page for each thing that may wake somebody, from the records that also judge and alert."""

from __future__ import annotations

from pdwatch.generate.alerts import ALERTS
from pdwatch.generate.runbooks.alert import alert_runbook
from pdwatch.generate.runbooks.finding import finding_runbook
from pdwatch.generate.runbooks.index import index_page
from pdwatch.judge.findings import FINDINGS

__all__ = ["runbook_pages"]


def runbook_pages() -> dict[str, str]:
    """Return every runbook and their index by path below docs/."""
    findings = {definition.id: finding_runbook(definition) for definition in FINDINGS}
    alerts = {alert.id: alert_runbook(alert) for alert in ALERTS if alert.finding is None}
    pages = {**findings, **alerts}
    return {"runbooks/README.md": index_page(), **{f"runbooks/{name}.md": text for name, text in pages.items()}}
