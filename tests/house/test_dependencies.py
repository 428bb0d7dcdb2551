"""The house rules that no linter knows."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HEADLESS = (
    "pdwatch.scrape.loop",
    "pdwatch.signals.service",
    "pdwatch.judge.judge",
    "pdwatch.export.app",
    "pdwatch.road.road",
    "pdwatch.cli.main",
)


def test_each_dependency_has_a_line_of_why() -> None:
    """Every dependency in pyproject.toml has a row in docs/dependencies.md, and no row is left over."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    required = {re.split(r"[<>=\[ ]", line)[0] for line in project["dependencies"]}
    explained = set(re.findall(r"^\| `([^`]+)` \|", (ROOT / "docs/dependencies.md").read_text(), re.MULTILINE))

    assert required == explained


def test_no_module_outgrows_one_idea() -> None:
    """No module of the package has more than 300 lines."""
    lengths = {path: len(path.read_text().splitlines()) for path in (ROOT / "pdwatch").rglob("*.py")}

    assert {} == {str(path): lines for path, lines in lengths.items() if lines > 300}


@pytest.mark.parametrize("module", HEADLESS)
def test_headless_modules_do_not_load_the_screen(module: str) -> None:
    """The daemon starts without importing textual or grafanalib."""
    code = f"import sys, {module}; print([m for m in ('textual', 'grafanalib') if m in sys.modules])"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert "[]" == result.stdout.strip()
