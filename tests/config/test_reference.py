"""docs/configuration.md tells every key."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from pdwatch.config.errors import KeyPath
from pdwatch.config.load import load, schema
from pdwatch.config.reference import EXAMPLE, docs_page, key_name, told_elsewhere

PAGE = Path(__file__).parents[2] / "docs/configuration.md"

KEYS = [path for path, node in schema().paths() if node.field is not None]


def test_page_is_what_the_models_say() -> None:
    """The committed page is the one that the models make; `pdwatch generate docs` writes it."""
    assert docs_page() == PAGE.read_text(encoding="utf-8")


@pytest.mark.parametrize("path", [path for path in KEYS if not told_elsewhere(path)], ids=key_name)
def test_key_has_a_row(path: KeyPath) -> None:
    """Every key has one row with a type and a meaning."""
    (row,) = (line for line in docs_page().splitlines() if line.startswith(f"| `{key_name(path)}` |"))

    _, kind, _, meaning = row.removesuffix(" |").split(" | ")
    assert kind
    assert meaning.endswith(".")


def test_key_that_is_told_elsewhere_has_a_twin() -> None:
    """A key without a row of its own is the same as one that has it."""
    for path in (path for path in KEYS if told_elsewhere(path)):
        twin = ("discovery", *path[1:]) if path[0] == "hosts" else path
        if told_elsewhere(twin):
            twin = ("scrape", *twin[3:])
        assert schema().at(path) == schema().at(twin), path


def test_example_of_the_page_is_a_configuration(tmp_path: Path) -> None:
    """The file that the page shows is read without a word."""
    path = tmp_path / "pdwatch.yaml"
    path.write_text(EXAMPLE, encoding="utf-8")

    assert 0.85 == load(path, {}).thresholds.kv_usage_high
    assert f"```yaml\n{EXAMPLE}```\n" in docs_page()


def test_variable_of_the_page_can_be_read() -> None:
    """The value that the page shows for a variable can be read."""
    (line,) = (line for line in docs_page().splitlines() if "PDWATCH_DISCOVERY='" in line)

    assert [{"static": [{"targets": ["node0:8087"]}]}] == yaml.safe_load(line.split("'")[1])
