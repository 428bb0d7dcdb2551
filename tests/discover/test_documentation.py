"""docs/discovery.md shows configurations that can be used, and names every label that is read."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from pdwatch.config.load import from_mapping
from pdwatch.config.sources import Source
from pdwatch.discover.kubernetes.labels import ENGINES, PORT_LABELS, ROLE_LABELS, SERVICE_LABELS

PAGE = (Path(__file__).parents[2] / "docs/discovery.md").read_text(encoding="utf-8")
BLOCKS = [block for block in re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL) if "discovery:" in block]


@pytest.mark.parametrize("block", BLOCKS)
def test_example_is_a_configuration(block: str) -> None:
    """What the page shows is read without a word."""
    assert from_mapping(yaml.safe_load(block), "docs/discovery.md").discovery


def test_every_kind_has_an_example() -> None:
    """No kind of source is without one."""
    shown = {kind for block in BLOCKS for entry in yaml.safe_load(block)["discovery"] for kind in entry}

    assert set(Source.model_fields) == shown


@pytest.mark.parametrize("label", [*ROLE_LABELS, *SERVICE_LABELS, *PORT_LABELS])
def test_label_is_named(label: str) -> None:
    """Every label of a pod that tells something stands on the page."""
    assert f"`{label}`" in PAGE


@pytest.mark.parametrize("engine", ENGINES)
def test_usual_port_is_named(engine: str) -> None:
    """The port that is taken where a pod names none stands on the page."""
    assert re.search(rf"\b{ENGINES[engine].port}\b", PAGE)
