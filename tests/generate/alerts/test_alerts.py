"""Properties that every alert has: names, severities, words, links, and that its expression asks for what exists."""

from __future__ import annotations

import json
import re

import pytest
import yaml

from pdwatch.catalog.metrics import METRICS
from pdwatch.catalog.thresholds import Thresholds
from pdwatch.config.model import Config
from pdwatch.generate.alerts import ALERTS, BY_NAME
from pdwatch.generate.alerts.definition import Board, Component
from pdwatch.generate.alerts.files import alert_files
from pdwatch.generate.alerts.rendering import alert_rule
from pdwatch.generate.alerts.shares import RECORDS
from pdwatch.generate.options import Options
from pdwatch.generate.rules.document import duration, filled
from pdwatch.judge.findings import BY_ID, FINDINGS

every_alert = pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert.name)
EXPORTED = {metric.name for metric in METRICS} | {"up"}
"""What a rule may ask for, beside what other rules record."""
RULE_FILES = ("pdwatch-findings.yaml", "pdwatch-objectives.yaml", "pdwatch-symptoms.yaml", "pdwatch-itself.yaml")
ALWAYS_STANDS = 60.0
"""A fault of one instant stands for pdwatch's window, which is as long or longer."""


def test_every_finding_has_its_alert():
    """One for each, by its name, in the order of the findings."""
    told = [alert.finding for alert in ALERTS if alert.component is Component.FINDING]

    assert [definition.id for definition in FINDINGS] == told
    assert {"PDWatchKvCacheSaturated"} == {alert.name for alert in ALERTS if alert.finding == "kv_cache_saturated"}


def test_names_and_runbooks_are_distinct():
    """Two alerts never share a name or a page."""
    assert len(ALERTS) == len({alert.name for alert in ALERTS}) == len({alert.id for alert in ALERTS})


@every_alert
def test_words_are_whole(alert):
    """Each text is there and ends; the summary is one line without the value, which the description tells."""
    texts = (alert.summary, alert.description, alert.meaning, alert.confirm, alert.fix, alert.confused_with)

    assert re.fullmatch("PDWatch([A-Z][a-z0-9]+)+", alert.name)
    assert alert.severity in {"critical", "warning", "info", "none"}
    assert all(text.rstrip().endswith((".", ".`")) and "\n" not in text for text in texts)
    assert "$value" not in alert.summary


@every_alert
def test_it_asks_for_what_is_exported(alert):
    """Every metric in an expression is in the catalogue, or recorded by a rule of the same file."""
    recorded = {record.name for record in RECORDS}
    asked = re.findall(r"[a-z_]+:[a-z_:]+\w+|\b(?:pdwatch_|process_)\w+|\bup\b", alert.expr)

    assert set(asked) <= EXPORTED | recorded
    assert asked or alert.name == "PDWatchWatchdog"


@every_alert
def test_nothing_is_left_to_fill_in(alert):
    """Each placeholder is a threshold of the catalogue or something that the rule's templates know."""
    rule = alert_rule(alert, Options())
    left = re.findall(r"\$(\w+)", f"{rule['expr']} {rule['annotations']}")

    assert set(left) <= {"labels", "value", "n", "place"}


@every_alert
def test_it_fires_before_a_fault_of_an_instant_is_forgotten(alert):
    """An alert of a finding waits less than the finding stands, and outlasts a restart of pdwatch."""
    if alert.finding is not None:
        definition = BY_ID[alert.finding]

        assert alert.for_seconds <= ALWAYS_STANDS + definition.clear_seconds
        assert alert.keep_firing_for_seconds >= 2 * BY_NAME["PDWatchAbsent"].for_seconds


@every_alert
def test_what_mutes_it_exists(alert):
    """A symptom names findings, and never its own; objectives are muted by nothing."""
    assert set(alert.muted_by) <= BY_ID.keys() - {alert.finding}
    assert not (alert.muted_by and alert.component is not Component.SYMPTOM)


@every_alert
def test_what_is_muted_ends_before_what_mutes_it(alert):
    """A symptom that fired on for longer than its cause would be told when all is well again."""
    causes = [each for each in ALERTS if each.finding in alert.muted_by]

    assert all(alert.keep_firing_for_seconds < cause.keep_firing_for_seconds for cause in causes)


def test_symptoms_stay_muted_until_they_are_over():
    """After the end of its root a symptom stands for the window and its clearing, and its alert fires on."""
    lasting = max(
        ALWAYS_STANDS + BY_ID[a.finding].clear_seconds + a.keep_firing_for_seconds for a in ALERTS if a.finding
    )

    assert lasting < BY_NAME["PDWatchFindingIsSymptom"].keep_firing_for_seconds


@every_alert
def test_its_runbook_exists(alert, root):
    """The link leads to a page of the documentation."""
    assert (root / "docs" / "runbooks" / f"{alert.id}.md").is_file()


@pytest.mark.parametrize("board", Board)
def test_its_dashboard_exists(board, root):
    """The uid of each link is that of a committed board."""
    page = root / "dashboards" / "pdwatch" / f"{board.value}.json"

    assert board.value == json.loads(page.read_text())["uid"]
    assert any(board is alert.board for alert in ALERTS)


def test_thresholds_are_those_that_pdwatch_judges_by():
    """An overridden threshold is in the rules as it is on the screen."""
    changed = Thresholds().overridden({"pressure_high": 1.25, "min_requests": 7.0})
    text = "\n".join(alert_files(Options(thresholds=changed)).values())

    assert "max by (service, role) (pdwatch_pool_pressure_ratio) >= 1.25" in text
    assert "(pdwatch_pool_window_requests) >= 7" in text
    assert f">= {Thresholds().pressure_high:g}\n" not in text


def test_waiting_can_be_shortened_to_try_alerts_out():
    """Every `for` and `keep_firing_for` by the same factor; nothing else changes."""
    usual, quick = (alert_files(Options(scale_for=factor))["pdwatch-findings.yaml"] for factor in (1.0, 0.05))

    assert "    for: 30s\n    keep_firing_for: 2m\n" in usual
    assert "    for: 1s500ms\n    keep_firing_for: 6s\n" in quick
    assert len(usual.splitlines()) == len(quick.splitlines())


def test_old_prometheus_can_be_served():
    """Before 2.42 a rule with `keep_firing_for` is refused."""
    assert "keep_firing_for" not in "".join(alert_files(Options(keep_firing_for=False)).values())


def test_clusters_can_be_kept_apart():
    """Where one Prometheus holds several, every aggregation and every match goes by the label, and so do the words."""
    files = alert_files(Options(keep=("cluster",)))
    rules = [rule for name in RULE_FILES for rule in yaml.safe_load(files[name])["groups"][0]["rules"]]
    by = [labels for rule in rules for labels in re.findall(r"\b(?:by|on) \(([^)]*)\)", rule["expr"])]
    down = next(rule for rule in rules if rule.get("alert") == "PDWatchWorkerDown")

    assert {"cluster"} == {labels.partition(",")[0] for labels in by}
    assert "severity=%q,cluster=%q}" in down["annotations"]["description"]
    assert "$labels.severity $labels.cluster | query" in down["annotations"]["description"]


def test_links_lead_where_one_says():
    """The bases are configurable; a slash at their end does no harm."""
    options = Options(runbook_base="https://docs.example.com/rb/", grafana="https://grafana.example.com/")
    rule = next(alert_rule(alert, options) for alert in ALERTS if alert.finding == "worker_down")

    assert "https://docs.example.com/rb/worker_down.md" == rule["annotations"]["runbook_url"]
    assert rule["annotations"]["dashboard_url"].startswith("https://grafana.example.com/d/pdwatch-service?var-service=")


def test_resources_of_the_operator_hold_the_same_rules():
    """Plain files and PrometheusRule resources differ in their wrapping only."""
    files = alert_files(Options())
    for name in RULE_FILES:
        resource = yaml.safe_load(files[f"kubernetes/{name}"])
        assert ("monitoring.coreos.com/v1", "PrometheusRule") == (resource["apiVersion"], resource["kind"])
        assert yaml.safe_load(files[name])["groups"] == resource["spec"]["groups"]
    assert set(RULE_FILES) < set(yaml.safe_load(files["kubernetes/kustomization.yaml"])["resources"])


def test_only_generated_files_lie_in_the_folder(root):
    """A file that is no longer generated is taken away."""
    generated = {*alert_files(Options()), "pdwatch-recording.yaml", "kubernetes/pdwatch-recording.yaml"}
    folder = root / "alerts"

    assert generated == {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.0, "0s"), (0.25, "250ms"), (1.5, "1s500ms"), (90.0, "1m30s"), (86400.0, "1d")]
)
def test_durations_are_written_as_prometheus_reads_them(seconds, text):
    """In whole units, the largest first."""
    assert text == duration(seconds)


def test_unknown_placeholders_are_left_to_the_templates():
    """`$labels` and `$value` belong to Prometheus."""
    assert "0.9 $labels.service $value" == filled("$kv_usage_high $labels.service $value", Options())


def test_the_window_that_alerts_rely_on_is_the_usual_one():
    """What stands for an instant stands for at least that long."""
    assert ALWAYS_STANDS <= Config().window
