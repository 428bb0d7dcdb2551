"""`pdwatch check` in words, where there is nothing to tell of workers."""

from __future__ import annotations

from pdwatch.cli.report import report
from pdwatch.model.snapshot import SelfState, Snapshot


def test_without_workers_what_discovery_says_is_told() -> None:
    """Whoever finds no worker sees why, source by source."""
    error = "http://10.96.0.1/api/v1/pods: answers 403; let it list and watch pods"
    snapshot = Snapshot(1.0, {}, {}, SelfState(0, 0, 0, discovery_errors={"kubernetes pods in all namespaces": error}))

    assert ["No worker was found.", f"discovery kubernetes pods in all namespaces: {error}"] == [
        line.partition(" Name")[0] for line in report(snapshot).splitlines()
    ]
