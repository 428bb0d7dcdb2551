"""What people may choose of generated files."""

from __future__ import annotations

from dataclasses import dataclass

from pdwatch.catalog.thresholds import Thresholds

RUNBOOKS = "https://github.com/pdwatch/pdwatch/blob/main/docs/runbooks"
"""Where the runbooks of the documentation lie on the forge."""
GRAFANA = "http://localhost:3000"
"""Grafana's own default address."""


@dataclass(frozen=True, slots=True)
class Options:
    """Choices with their defaults, by which the committed files are made."""

    thresholds: Thresholds = Thresholds()
    runbook_base: str = RUNBOOKS
    """What a link to a runbook begins with; a page is `BASE/worker_down.md`."""
    grafana: str = GRAFANA
    """What a link to a dashboard begins with; a board is `BASE/d/UID`."""
    scale_for: float = 1.0
    """By what `for` and `keep_firing_for` of alerts are multiplied; less than 1 to try them out."""
    keep_firing_for: bool = True
    """Whether rules say `keep_firing_for`, which Prometheus knows since 2.42."""
    window: str = "5m"
    """Over which recording rules take rates: four scrape intervals or more."""
    keep: tuple[str, ...] = ()
    """Labels that every aggregation of rules keeps, such as `cluster` where one Prometheus holds several."""
