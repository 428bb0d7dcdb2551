"""What operators are told to find has a finding of that name."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pdwatch.judge.findings import BY_ID

GUIDE = Path(__file__).parents[3] / "shared" / "reference" / "operator-guide.md"
_ID = re.compile(r"\b[a-z0-9]+(?:_[a-z0-9]+)+\b")
_COLUMNS = 4
"""Of the table of faults, whose last one names the finding."""


def test_every_fault_of_the_guide_has_its_finding() -> None:
    """By name: the last column of the faults, and what is set in bold elsewhere."""
    if not GUIDE.is_file():
        pytest.skip("the guide is not beside the project")
    text = GUIDE.read_text(encoding="utf-8")
    rows = [line.strip("|").split(" | ") for line in text.splitlines() if line.startswith("| ")]
    named = {name for row in rows if len(row) == _COLUMNS for name in _ID.findall(row[-1])}
    named |= {name for bold in re.findall(r"\*\*([^*]+)\*\*", text) for name in _ID.findall(bold)}

    assert {"worker_not_ready", "kv_leak", "fabric_rate_degraded", "prefix_cache_ineffective"} <= named
    assert named <= BY_ID.keys()
