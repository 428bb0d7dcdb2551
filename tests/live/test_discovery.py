"""Workers that come and go while `pdwatch serve` runs, by file, by router, by another pdwatch."""

from __future__ import annotations

import json
import re

import pytest

pytestmark = pytest.mark.live


@pytest.fixture(scope="module")
def targets(write, fleet):
    """A file of targets with one worker of each role, and an empty folder beside it."""
    path = write({"scrape": {"interval": "1s"}}).with_name("targets.json")
    return write(json.dumps(fleet.groups("prefill-0", "decode-0")), path)


@pytest.fixture(scope="module")
def by_file(serve_of, targets, write):
    """pdwatch that looks at the file each second."""
    source = {"file": {"paths": [str(targets.with_name("*.json"))], "refresh": "1s"}}
    return serve_of("--config", str(write({"discovery": [source]})))


@pytest.fixture(scope="module")
def by_router(serve_of, fleet):
    """pdwatch that knows nothing but a router."""
    return serve_of("--router", fleet.urls["router"])


def watched(snapshot):
    """Return the workers of all services by name."""
    return {worker["worker"]: worker for service in snapshot["services"].values() for worker in service["workers"]}


def now(serve):
    """Return the time of the newest snapshot."""
    return serve.snapshots[-1]["t"] if serve.snapshots else 0.0


def test_a_file_that_changes(by_file, targets, write, fleet):
    """A worker written into a file of targets is watched, one taken out of it is forgotten; no reload is needed."""
    before = by_file.wait_for(watched, "workers of the file")
    write(json.dumps(fleet.groups("prefill-0", "decode-0", "decode-1")), targets)
    added = by_file.wait_for(lambda one: len(watched(one)) == 3, "the added worker")
    write(json.dumps(fleet.groups("prefill-0", "decode-1")), targets)
    removed = by_file.wait_for(lambda one: len(watched(one)) == 2, "one worker less", after=added["t"])

    assert ["decode-0", "prefill-0"] == sorted(watched(before))
    assert ["decode-0", "decode-1", "prefill-0"] == sorted(watched(added))
    assert ["decode-1", "prefill-0"] == sorted(watched(removed))
    assert [] == [f for f in removed["services"]["default"]["findings"] if f["severity"] != "info"]


def test_a_broken_file_keeps_its_workers(by_file, targets, write, fleet):
    """A file that cannot be read is named in the snapshot and the metrics; its last good targets stay."""
    write(json.dumps(fleet.groups()), targets)
    by_file.wait_for(lambda one: len(watched(one)) == 4, "all workers", after=now(by_file))
    write('[{"targets": [', targets)
    broken = by_file.wait_for(lambda one: one["self"]["discovery_errors"], "a word of the broken file")
    page = by_file.client.get("/metrics").text
    write(json.dumps(fleet.groups()), targets)
    by_file.wait_for(lambda one: not one["self"]["discovery_errors"], "a whole file", after=broken["t"])

    assert 4 == len(watched(broken))
    assert any("targets.json" in error for error in broken["self"]["discovery_errors"].values())
    assert re.search(r'^pdwatch_discovery_up\{source=".*\*\.json"\} 0\.0$', page, re.MULTILINE)


def test_a_router_names_its_workers_and_their_roles(by_router, fleet):
    """`--router URL` alone finds every worker, and its role by the router's word."""
    found = watched(by_router.wait_for(lambda one: one["self"]["up"] == 4, "the workers of the router"))

    assert {fleet.address(name): (name.partition("-")[0], "router") for name in fleet.workers} == {
        name: (worker["role"], worker["role_source"]) for name, worker in found.items()
    }


def test_one_pdwatch_finds_what_another_watches(by_router, serve_of, write, fleet):
    """The list for Prometheus is a list for any reader of http_sd."""
    by_router.wait_for(lambda one: one["self"]["up"] == 4, "the workers of the router")
    source = {"http": {"url": f"{by_router.url}sd/workers", "refresh": "1s"}}
    second = serve_of("--config", str(write({"discovery": [source]})))
    found = watched(second.wait_for(lambda one: one["self"]["up"] == 4, "the workers of the list"))

    assert {fleet.address(name): name.partition("-")[0] for name in fleet.workers} == {
        name: worker["role"] for name, worker in found.items()
    }


def test_a_reload_while_a_source_is_away_loses_no_worker(serve_of, write, fleet):
    """A source that fails keeps what it found, also over a reload: nobody is told that the fleet is gone."""
    first = serve_of(*fleet.flags)
    first.wait_for(lambda one: one["self"]["up"] == 4, "the workers of the first")
    source = {"http": {"url": f"{first.url}sd/workers", "refresh": "1s"}}
    second = serve_of("--config", str(write({"discovery": [source]})))
    second.wait_for(lambda one: one["self"]["up"] == 4, "the workers of the list")
    first.stop()
    away = second.wait_for(lambda one: one["self"]["discovery_errors"], "a word of the source that is away")
    answer = second.client.post("/-/reload")
    later = second.wait_for(lambda one: one["self"]["cycles"] > away["self"]["cycles"] + 2, "rounds after the reload")

    assert 200 == answer.status_code
    assert later["self"]["discovery_errors"]
    assert {fleet.address(name) for name in fleet.workers} == watched(later).keys()
