"""Every name in a query is one that somebody exports, and every variable is defined."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pdwatch.catalog.metrics import METRICS
from pdwatch.engines.vllm import ROWS

ADDED = {"cluster", "job", "instance"}
"""Labels that Prometheus adds."""
OTHERS = {"ALERTS": {"alertname", "alertstate", "service", "severity"}, "process_start_time_seconds": {"role"}}
"""What Prometheus itself and every program export."""
BUILT_IN = {"__rate_interval", "__url_time_range", "__data", "__field"}
PAGES = Path(__file__).parents[2] / "pages" / "vllm"
KNOWN = {metric.name: set(metric.labels) for metric in METRICS}
PARTS = {f"{m.name}{part}": {*m.labels, "le"} for m in METRICS if m.kind == "histogram" for part in ("_bucket",)}
RAW_LABELS = {"model_name", "engine", "role", "le"} | {label for row in ROWS for label in row.where}
CONFIGURED = {"block_size", "num_gpu_blocks", "cache_dtype", "enable_prefix_caching"}


def labels_of(metric: str) -> set[str] | None:
    """Return the labels that a metric may have, or nothing where nobody exports it."""
    if metric.startswith("vllm:"):
        return RAW_LABELS | CONFIGURED
    return {**PARTS, **KNOWN, **OTHERS}.get(metric)


def made(expr: str) -> set[str]:
    """Return the labels that an expression makes itself."""
    return set(re.findall(r'"(\w+)", " ", "', expr))


def test_every_metric_of_pdwatch_is_in_the_catalogue(expressions, selectors):
    """A rename breaks this test, not a dashboard."""
    unknown = [(where, s.metric) for where, expr in expressions for s in selectors(expr) if labels_of(s.metric) is None]

    assert [] == unknown


def test_every_label_is_one_of_its_metric(expressions, selectors):
    """In selectors. `role` of an engine's own metric is added by whoever scrapes it."""
    unknown = [
        (where, selector.metric, label)
        for where, expr in expressions
        for selector in selectors(expr)
        for label in selector.labels
        if label not in (labels_of(selector.metric) or set()) | ADDED
    ]

    assert [] == unknown


def test_every_grouping_label_is_one_of_the_query(expressions, selectors, grouped_by):
    """`by` a label that no metric of the expression has would merge everything silently."""
    unknown = [
        (where, label)
        for where, expr in expressions
        for label in grouped_by(expr)
        if label not in set().union(ADDED, made(expr), *(labels_of(s.metric) or set() for s in selectors(expr)))
    ]

    assert [] == unknown


def test_every_variable_is_defined(boards, expressions):
    """In expressions, titles and links."""
    for uid, board in boards.items():
        defined = {variable["name"] for variable in board["templating"]["list"]} | BUILT_IN
        texts = [expr for where, expr in expressions if where.startswith(f"{uid}:")]
        texts += [panel["title"] for panel in board["panels"]]
        texts += [panel["repeat"] and f"${panel['repeat']}" for panel in board["panels"] if "repeat" in panel]
        used = set(re.findall(r"\$\{?([a-z_]\w*)", " ".join(texts)))

        assert set() == used - defined, uid


def test_every_variable_is_used(boards, expressions):
    """A choice that changes nothing misleads."""
    for uid, board in boards.items():
        text = " ".join(expr for where, expr in expressions if where.startswith(f"{uid}:"))
        idle = [v["name"] for v in board["templating"]["list"] if v["type"] == "query" and f"${v['name']}" not in text]

        assert [] == idle, uid


def test_every_query_is_narrowed_by_the_cluster(expressions, selectors):
    """Two clusters in one Prometheus are not mixed, wherever pdwatch or an engine is asked."""
    everywhere = [
        (where, s.metric)
        for where, expr in expressions
        for s in selectors(expr)
        if s.metric.startswith(("pdwatch_", "vllm:")) and "cluster" not in s.labels and " variable cluster" not in where
    ]

    assert [] == everywhere


def test_every_metric_of_vllm_is_on_a_page_of_some_version(expressions, selectors):
    """Names as vLLM's own code printed them, from 0.6 to 0.33; Mooncake's are read from its source."""
    pages = " ".join(path.read_text() for path in PAGES.glob("*.txt"))
    asked = {s.metric for _, expr in expressions for s in selectors(expr) if s.metric.startswith("vllm:")}
    absent = {name for name in asked if not re.search(rf"^{re.escape(name)}[{{ ]", pages, re.MULTILINE)}

    assert {"vllm:mooncake"} >= {name.partition("_")[0] for name in absent}


@pytest.mark.parametrize(
    ("expr", "expected"),
    [
        ("up", [("up", (), "")]),
        ('max by (a, b) (x{c=~"$c", d!="}"}) > bool 1e-9', [("x", ("c", "d"), "")]),
        ("sum(rate(y_total[$__rate_interval])) / 2 or on (a) z", [("y_total", (), "$__rate_interval"), ("z", (), "")]),
        ("histogram_quantile(0.9, sum by (le) (rate(h_bucket{}[5m])))", [("h_bucket", (), "5m")]),
        ("time() - vllm:x", [("vllm:x", (), "")]),
    ],
)
def test_the_reader_of_queries(selectors, expr, expected):
    """It sees every metric with its labels and range, and no function, keyword or label."""
    assert expected == [(found.metric, found.labels, found.window) for found in selectors(expr)]
