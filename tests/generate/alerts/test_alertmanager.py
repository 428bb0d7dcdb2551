"""The example for Alertmanager: amtool takes it, alerts go where they should, and nothing grave is muted by less."""

from __future__ import annotations

import pytest
import yaml

from pdwatch.generate.alerts import ALERTS
from pdwatch.generate.alerts.alertmanager import alertmanager_config


@pytest.fixture(scope="module")
def path(root):
    """The committed example."""
    return root / "alerts" / "alertmanager.yaml"


def test_the_example_is_valid(amtool, path):
    """For the version of Alertmanager at hand, with every receiver, route and inhibition."""
    assert "SUCCESS" in amtool("check-config", path)


@pytest.mark.parametrize(
    ("labels", "receiver"),
    [
        ({"alertname": "PDWatchWorkerDown", "severity": "critical", "service": "s"}, "pager"),
        ({"alertname": "PDWatchKvLeak", "severity": "warning", "service": "s"}, "tickets"),
        ({"alertname": "PDWatchEplbOff", "severity": "info", "service": "s"}, "log"),
        ({"alertname": "PDWatchFindingIsSymptom", "severity": "none", "mutes": "critical"}, "nobody"),
        ({"alertname": "PDWatchWatchdog", "severity": "none"}, "watchdog"),
        ({"alertname": "SomebodyElses", "severity": "critical"}, "nobody"),
    ],
)
def test_alerts_go_where_they_should(amtool, path, labels, receiver):
    """By severity; what is for Alertmanager only reaches nobody."""
    told = amtool("config", "routes", "test", f"--config.file={path}", *(f"{k}={v}" for k, v in labels.items()))

    assert receiver == told.strip()


def test_what_comes_of_one_service_comes_together(path):
    """One message for one fault."""
    (route,) = yaml.safe_load(path.read_text())["route"]["routes"]

    assert ["cluster", "service"] == route["group_by"]
    assert not any("group_by" in below for below in route["routes"])


def test_nothing_is_muted_over_the_border_of_a_cluster_or_a_service():
    """Two clusters may have services of one name; only pdwatch itself mutes more than one service."""
    rules = alertmanager_config()["inhibit_rules"]
    wide = [rule for rule in rules if "service" not in rule["equal"]]

    assert all("cluster" in rule["equal"] for rule in rules)
    assert [['alertname="PDWatchAbsent"'], ['alertname="PDWatchDown"']] == [rule["source_matchers"] for rule in wide]


def muting(alert):
    """Return the severities that the alerts have which mute a symptom, for each rule that does."""
    rules = alertmanager_config()["inhibit_rules"]
    own = [rule for rule in rules if any(alert.name in matcher for matcher in rule["target_matchers"])]
    sources = [matcher for rule in own for matcher in rule["source_matchers"]]
    return [s.partition("~")[2].strip('"').split("|") for s in sources if s.startswith("severity")]


@pytest.mark.parametrize("alert", [alert for alert in ALERTS if alert.muted_by], ids=lambda alert: alert.name)
def test_a_symptom_is_muted_by_nothing_milder(alert):
    """Whoever would be woken is woken by the cause."""
    order = ["info", "warning", "critical"]

    assert 1 == len(muting(alert))
    assert all(order.index(severity) >= order.index(alert.severity) for severity in muting(alert)[0])


def test_objectives_are_muted_only_while_pdwatch_is_absent():
    """What users feel is always told."""
    rules = alertmanager_config()["inhibit_rules"]
    general = [rule for rule in rules if any('"PDWatch.+"' in matcher for matcher in rule["target_matchers"])]
    named = [rule for rule in rules if any("Budget" in matcher for matcher in rule["target_matchers"])]

    assert [['alertname="PDWatchAbsent"']] == [rule["source_matchers"] for rule in general]
    assert [] == named
