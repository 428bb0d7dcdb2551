"""Pages of real engines as readings."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from pdwatch.engines import read, wants
from pdwatch.model.reading import PageReading
from pdwatch.scrape.exposition import PageParser

PAGES = Path(__file__).parents[1] / "pages"


@pytest.fixture
def reading_of() -> Callable[[str], PageReading]:
    """Read a page given as text, or by its path below tests/pages."""

    def make(page: str) -> PageReading:
        text = page if "\n" in page else (PAGES / page).read_text()
        return read(PageParser(wanted=wants).parse(text), at=100.0)

    return make
