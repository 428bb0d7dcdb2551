"""The real programs that other tests lean on do start, answer and stop."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

ALWAYS = {"groups": [{"name": "g", "rules": [{"alert": "Always", "expr": "vector(1)"}]}]}


@pytest.fixture(scope="module")
def alertmanager(start_alertmanager: Callable[..., Any]) -> Any:
    """An Alertmanager without alerts."""
    return start_alertmanager()


@pytest.fixture(scope="module")
def prometheus(
    start_prometheus: Callable[..., Any], alertmanager: Any, tmp_path_factory: pytest.TempPathFactory
) -> Any:
    """A Prometheus with a rule that always fires, and a job for itself that a reload brought."""
    rules = tmp_path_factory.mktemp("rules") / "rules.yml"
    rules.write_text(yaml.safe_dump(ALWAYS))
    prometheus = start_prometheus(rule_files=[rules], alertmanagers=[alertmanager.url])
    config = yaml.safe_load(prometheus.config.read_text())
    job = {"job_name": "self", "static_configs": [{"targets": [urlsplit(prometheus.url).netloc]}]}
    prometheus.config.write_text(yaml.safe_dump(config | {"scrape_configs": [job]}))
    prometheus.reload()
    return prometheus


@pytest.mark.live
def test_prometheus_scrapes_itself(prometheus: Any) -> None:
    """Its own target is up, and what nobody exports is not there."""
    found = prometheus.wait_for("up", lambda series: any(value == 1.0 for _, value in series))

    assert [({"__name__": "up", "instance": urlsplit(prometheus.url).netloc, "job": "self"}, 1.0)] == found
    assert [] == prometheus.query("absent_from_here")


@pytest.mark.live
def test_a_rule_fires_and_reaches_alertmanager(
    prometheus: Any, alertmanager: Any, eventually: Callable[..., Any]
) -> None:
    """The road of an alert from a rule file to the program that would page somebody."""
    held = eventually(alertmanager.alerts)

    assert ["Always"] == [alert["labels"]["alertname"] for alert in held]
    assert ["firing"] == [alert["state"] for alert in prometheus.alerts()]


def test_a_missing_program_skips_with_the_mend(
    find_program: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a laptop without Prometheus the rest of the tests still tells something."""
    monkeypatch.delenv("REQUIRE_LIVE", raising=False)
    with pytest.raises(pytest.skip.Exception, match="no-such-program is not installed; `make services` installs it"):
        find_program("no-such-program")


def test_a_missing_program_fails_where_it_is_required(
    find_program: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A skipped test must not look like a passed one in CI."""
    monkeypatch.setenv("REQUIRE_LIVE", "1")
    with pytest.raises(pytest.fail.Exception, match="no-such-program is not installed"):
        find_program("no-such-program")
