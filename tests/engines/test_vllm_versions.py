"""The table against what was read from vLLM's own sources, where that list lies beside the project."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from pdwatch.engines.vllm import ROWS
from pdwatch.model.reading import release

LIST = Path(__file__).parents[3] / "shared" / "reference" / "vllm-metrics-by-version.tsv"
NEWEST = "0.33.0"
HIDDEN_SINCE = {
    "gpu_cache_usage_perc": "0.10.2",
    "gpu_prefix_cache_queries": "0.10.2",
    "gpu_prefix_cache_hits": "0.10.2",
}
"""Registered for longer, but shown from then on only where a flag asks for hidden metrics."""


def _registered() -> dict[str, tuple[str, str]]:
    """Return first and last version by name without prefix and `_total`."""
    if not LIST.is_file():
        pytest.skip("the list of vLLM's metrics by version is not beside the project")
    seen: dict[str, tuple[str, str]] = {}
    with LIST.open(newline="") as lines:
        for row in csv.DictReader(lines, delimiter="\t"):
            name = row["registered_name"].removeprefix("vllm:")
            base = name if name == "iteration_tokens_total" else name.removesuffix("_total")
            first, last = row["first_seen"], row["last_seen"]
            held = seen.get(base, (first, last))
            seen[base] = (min(first, held[0], key=release), max(last, held[1], key=release))
    return seen


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.name}-{row.quantity}")
def test_every_row_is_a_metric_of_vllm_from_its_version_on(row: object) -> None:
    """A name that no version registers is a typing error; a version that is wrong misleads an operator."""
    name, since, until = row.name, row.since, row.until  # type: ignore[attr-defined]
    registered = _registered()

    assert name in registered
    first, last = registered[name]
    if since and not row.where:  # type: ignore[attr-defined]  # one label value may be newer than its metric
        assert since == first
    if until:
        assert until == HIDDEN_SINCE.get(name, last) or release(until) <= release(last)
    else:
        assert NEWEST == last
