"""What an engine family provides: which samples it needs, and how to read a page of a given layout."""

from __future__ import annotations

from typing import Protocol

from pdwatch.model.page import Layout, Page
from pdwatch.model.reading import PageReading


class Extraction(Protocol):
    """Where everything lies on pages of one layout; worked out once, used for every later scrape."""

    def read(self, page: Page, at: float) -> PageReading:
        """Return the page's reading; *at* is the Unix time of the scrape."""
        ...


class Family(Protocol):
    """One engine family."""

    @property
    def name(self) -> str:
        """`vllm`, `vllm-router`, ..."""
        ...

    def wants(self, name: str) -> bool:
        """Tell whether a reading of this family needs samples of this name."""
        ...

    def recognises(self, layout: Layout) -> bool:
        """Tell whether a page is of this family."""
        ...

    def extraction(self, layout: Layout) -> Extraction:
        """Work out where everything lies on pages of this layout."""
        ...


PROCESS_START = "process_start_time_seconds"


def process_start_index(layout: Layout) -> int | None:
    """Return where the page tells when its process started, if it does."""
    return next((i for i, series in enumerate(layout.series) if series.name == PROCESS_START), None)
