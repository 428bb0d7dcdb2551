"""Autoscalers do what pdwatch advises, once, and nothing where it does not say."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from pdwatch.catalog.metrics import METRICS
from pdwatch.catalog.thresholds import Thresholds

FOLDER = Path(__file__).parents[2] / "deploy" / "kubernetes" / "autoscaling"
ROLES = ("prefill", "decode")

Json = dict[str, Any]


@pytest.fixture(scope="module")
def scaled(read) -> dict[str, Json]:
    return {role: read(FOLDER / "keda" / f"{role}.yaml")[0]["spec"] for role in ROLES}


@pytest.fixture(scope="module")
def autoscalers(read) -> dict[str, Json]:
    return {role: read(FOLDER / "hpa" / f"{role}.yaml")[0]["spec"] for role in ROLES}


@pytest.fixture(scope="module")
def adapter(read) -> Json:
    (rule,) = read(FOLDER / "hpa" / "prometheus-adapter-values.yaml")[0]["rules"]["external"]
    return rule


def trigger(spec: Json) -> Json:
    (found,) = spec["triggers"]
    return found


def plain(query: str) -> str:
    return " ".join(query.split())


@pytest.mark.parametrize("role", ROLES)
def test_keda_takes_the_number_as_it_is_and_no_answer_for_no_answer(role, scaled):
    """`AverageValue` of 1 makes as many replicas as the number says; null as zero would scale to the minimum."""
    found = trigger(scaled[role])

    assert ("prometheus", "AverageValue") == (found["type"], found["metricType"])
    assert ("1", "false") == (found["metadata"]["threshold"], found["metadata"]["ignoreNullValues"])
    assert f'role="{role}"' in found["metadata"]["query"]
    assert role in scaled[role]["scaleTargetRef"]["name"]


@pytest.mark.parametrize("role", ROLES)
def test_an_hpa_takes_the_number_as_it_is(role, autoscalers, adapter):
    """The same with an HPA, whose metric is the one that the adapter gives."""
    (metric,) = autoscalers[role]["metrics"]

    assert {"type": "AverageValue", "averageValue": "1"} == metric["external"]["target"]
    assert adapter["name"]["as"] == metric["external"]["metric"]["name"]
    assert {"service": "default", "role": role} == metric["external"]["metric"]["selector"]["matchLabels"]


@pytest.mark.parametrize("role", ROLES)
def test_nothing_is_damped_twice_and_both_kinds_have_the_same_bounds(role, scaled, autoscalers):
    """pdwatch has waited already: no window of an autoscaler comes on top."""
    keda, hpa = scaled[role], autoscalers[role]
    behavior = keda["advanced"]["horizontalPodAutoscalerConfig"]["behavior"]

    assert behavior == hpa["behavior"]
    assert {0} == {behavior[way]["stabilizationWindowSeconds"] for way in ("scaleUp", "scaleDown")}
    assert (keda["minReplicaCount"], keda["maxReplicaCount"]) == (hpa["minReplicas"], hpa["maxReplicas"])
    assert 1 <= keda["minReplicaCount"] < keda["maxReplicaCount"]
    assert keda["scaleTargetRef"] == hpa["scaleTargetRef"]


def test_keda_and_the_adapter_ask_the_same(scaled, adapter):
    """One question in both worlds."""
    for role in ROLES:
        asked = plain(adapter["metricsQuery"]).replace("<<.LabelMatchers>>", f'service="default", role="{role}"')

        assert plain(trigger(scaled[role])["metadata"]["query"]) == asked


def test_what_is_asked_for_is_exported_and_old_numbers_count_as_none(adapter):
    """The names are in the catalogue, and the age is the one from which an alert calls pdwatch stuck."""
    names = set(re.findall(r"pdwatch_\w+", adapter["metricsQuery"]))

    assert set() == names - {metric.name for metric in METRICS}
    assert {f"{Thresholds().snapshot_age_seconds:g}"} == set(re.findall(r"> (\d+)", adapter["metricsQuery"]))


CASES = {
    "more are wanted": ({"a": (4, 2)}, 4),
    "fewer are wanted": ({"a": (2, 3)}, 2),
    "hold: nothing is asked of the autoscaler": ({"a": (3, 3)}, None),
    "a worker is gone from discovery while the advice is to mend: nothing is scaled in": ({"a": (2, 2)}, None),
    "cannot tell: there is no number": ({"a": (None, 2)}, None),
    "pdwatch is not there": ({}, None),
    "two instances, one cannot tell yet": ({"a": (4, 2), "b": (None, 2)}, 4),
    "two instances, one still holds: replicas are added": ({"a": (4, 2), "b": (2, 2)}, 4),
    "two instances, one still holds: nothing is taken away": ({"a": (2, 3), "b": (3, 3)}, None),
    "an old snapshot counts for nothing": ({"old": (4, 2)}, None),
    "of two instances the fresh one counts": ({"old": (6, 2), "b": (3, 2)}, 3),
}


def test_prometheus_answers_with_the_number_to_set_or_with_nothing(scaled, find, tmp_path):
    """Each case on Prometheus' own evaluation: the replicas to set, or no answer, at which autoscalers hold."""
    query = trigger(scaled["decode"])["metadata"]["query"]
    (tmp_path / "rules.yml").write_text(
        yaml.safe_dump({"groups": [{"name": "asked", "rules": [{"record": "asked", "expr": query}]}]})
    )
    tests = {
        "rule_files": ["rules.yml"],
        "evaluation_interval": "15s",
        "tests": [_case(*case) for case in CASES.items()],
    }
    (tmp_path / "tests.yml").write_text(yaml.safe_dump(tests))
    done = subprocess.run(
        [find("promtool"), "test", "rules", "tests.yml"], cwd=tmp_path, capture_output=True, text=True, check=False
    )

    assert 0 == done.returncode, done.stdout + done.stderr


def _case(name: str, case: tuple[dict[str, tuple[int | None, int]], int | None]) -> Json:
    instances, expected = case
    series = [
        {"series": f"{metric}{{{labels}}}", "values": f"{value}x4"}
        for instance, (desired, current) in instances.items()
        for metric, labels, value in (
            ("pdwatch_desired_replicas", f'instance="{instance}",service="default",role="decode"', desired),
            ("pdwatch_desired_replicas", f'instance="{instance}",service="default",role="prefill"', desired and 9),
            ("pdwatch_current_replicas", f'instance="{instance}",service="default",role="decode"', current),
            ("pdwatch_current_replicas", f'instance="{instance}",service="default",role="prefill"', 1),
            ("pdwatch_snapshot_age_seconds", f'instance="{instance}"', 90 if instance == "old" else 2),
        )
        if value is not None
    ]
    answer = [] if expected is None else [{"labels": "asked", "value": expected}]
    return {
        "name": name,
        "interval": "15s",
        "input_series": series,
        "promql_expr_test": [{"expr": "asked", "eval_time": "30s", "exp_samples": answer}],
    }
