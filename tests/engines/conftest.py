"""Pages of engines as readings."""

from __future__ import annotations

import gzip
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # `synthetic` is imported from beside the tests

from pdwatch.engines import read, wants
from pdwatch.model.reading import PageReading
from pdwatch.scrape.exposition import PageParser

PAGES = Path(__file__).parents[1] / "pages"


@pytest.fixture
def page_text() -> Callable[[str], str]:
    """Return the text of a page below tests/pages."""

    def load(path: str) -> str:
        data = (PAGES / path).read_bytes()
        return (gzip.decompress(data) if path.endswith(".gz") else data).decode()

    return load


@pytest.fixture
def reading_of(page_text: Callable[[str], str]) -> Callable[[str], PageReading]:
    """Read a page given as text, or by its path below tests/pages."""

    def make(text: str) -> PageReading:
        return read(PageParser(wanted=wants).parse(text if "\n" in text else page_text(text)), at=100.0)

    return make


DYNAMO = {"p0": "prefill0", "d0": "decode0", "d1": "decode1", "front": "frontend"}


@pytest.fixture
def dynamo(page_text: Callable[[str], str]) -> dict[str, str]:
    """The recorded pages of a Dynamo fleet, as one service `dyn`."""
    return {f"dyn/{name}": page_text(f"dynamo/{path}.underload.metrics.txt") for name, path in DYNAMO.items()}
