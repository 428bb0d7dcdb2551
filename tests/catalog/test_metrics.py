"""The catalogue of metrics follows the conventions of Prometheus."""

from __future__ import annotations

import re

import pytest

from pdwatch.catalog.metrics import METRICS, metric

every_metric = pytest.mark.parametrize("entry", METRICS, ids=lambda entry: entry.name)

INTERFACE = [
    "worker_up",
    "worker_scrape_duration_seconds",
    "requests_waiting",
    "requests_running",
    "queue_imbalance_ratio",
    "pool_pressure_ratio",
    "kv_cache_usage_ratio",
    "prefix_cache_hit_ratio",
    "kv_transfer_seconds",
    "kv_transfer_bytes_total",
    "kv_transfer_failures_total",
    "kv_transfer_bandwidth_bytes_per_second",
    "kv_transfer_prefill_ratio",
    "expert_balancedness_ratio",
    "ttft_seconds",
    "itl_seconds",
    "slo_attainment_ratio",
    "current_replicas",
    "desired_replicas",
    "advice",
    "finding_active",
    "build_info",
    "config_last_reload_successful",
    "cycle_duration_seconds",
    "snapshot_age_seconds",
]


@every_metric
def test_names_say_what_they_are(entry):
    """Only counters end in `_total`, only infos in `_info`, and the unit is the end of the name."""
    stem = entry.name.removesuffix("_total")

    assert ("counter" == entry.kind) == entry.name.endswith("_total")
    assert ("info" == entry.kind) == entry.name.endswith("_info")
    assert stem.endswith(f"_{entry.unit}" if entry.unit else stem)
    assert re.fullmatch("(pdwatch|process)(_[a-z0-9]+)+", entry.name)


@every_metric
def test_help_is_one_sentence(entry):
    """Help ends once, with a full stop, and fits a table."""
    assert re.fullmatch(r"[^.|\n]+\.", entry.help)


@every_metric
def test_labels_are_distinct_and_not_reserved(entry):
    """No label is given twice, and none is one that Prometheus or a histogram sets."""
    assert len(entry.labels) == len(set(entry.labels))
    assert not {"le", "quantile", "job", "instance", "type"} & set(entry.labels)


def test_names_are_distinct():
    """A family is defined once."""
    assert len(METRICS) == len({entry.name for entry in METRICS})


@pytest.mark.parametrize("name", INTERFACE)
def test_promised_names_exist(name):
    """What other programs rely on is in the catalogue, found with or without the prefix."""
    assert metric(name) is metric(f"pdwatch_{name}")


def test_an_unknown_name_is_refused():
    """A dashboard cannot be built on a metric that does not exist."""
    with pytest.raises(KeyError, match="pdwatch_gpu_mood is no metric of pdwatch"):
        metric("gpu_mood")


@pytest.mark.parametrize(
    ("name", "level"),
    [
        ("requests_waiting", "engine"),
        ("worker_up", "worker"),
        ("pool_pressure_ratio", "pool"),
        ("advice", "service"),
        ("cycles_total", "pdwatch"),
    ],
)
def test_labels_tell_what_a_series_is_about(name, level):
    """The documentation is ordered by it."""
    assert level == metric(name).level
