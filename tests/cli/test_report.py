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


def test_a_shard_without_a_service_says_so() -> None:
    """Nothing is missing: its services are elsewhere."""
    told = [
        report(Snapshot(1.0, {}, {}, SelfState(0, 0, 0, shard="2/2", services_elsewhere=count))) for count in (1, 3)
    ]

    assert [
        "Nothing to watch: the only service falls to another shard than 2/2.",
        "Nothing to watch: none of the 3 services falls to shard 2/2.",
    ] == told
