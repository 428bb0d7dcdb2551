"""Pages of exporters that were there before, read as hosts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from pdwatch.host.adapters import read, wants
from pdwatch.model.host import HostReading
from pdwatch.scrape.exposition import PageParser

PAGES = Path(__file__).parent / "pages"
AT = 1_795_237_620.0


@pytest.fixture
def page() -> Callable[[str], str]:
    """The text of a page by name."""
    return lambda name: (PAGES / f"{name}.prom").read_text()


@pytest.fixture
def reading() -> Callable[[str], HostReading | None]:
    """Read a page as that of node0."""
    return lambda text: read(PageParser(wants).parse(text), "node0", AT)
