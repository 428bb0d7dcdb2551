"""docs/metrics.md says what the exporter exports."""

from __future__ import annotations

from pathlib import Path

import pytest

from pdwatch.catalog.metrics import METRICS
from pdwatch.generate.docs import docs_table

PAGE = Path(__file__).parents[2] / "docs" / "metrics.md"


def test_the_page_is_what_the_catalogue_gives():
    """The committed page is generated, never written by hand."""
    assert docs_table() == PAGE.read_text("utf-8")


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_metric_is_documented(metric):
    """Every exported metric has a row with its help and each of its labels."""
    (row,) = (line for line in PAGE.read_text("utf-8").splitlines() if line.startswith(f"| `{metric.name}` |"))

    assert row.endswith(f"| {metric.help} |")
    assert all(f"`{label}`" in row for label in metric.labels)
