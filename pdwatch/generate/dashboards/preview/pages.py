"""All boards as pages."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx

from pdwatch.generate.dashboards.grafana import dashboard
from pdwatch.generate.dashboards.preview.frames import Source
from pdwatch.generate.dashboards.preview.page import page
from pdwatch.generate.dashboards.preview.prometheus import Prometheus, Span
from pdwatch.generate.dashboards.preview.variables import chosen, rate_interval
from pdwatch.generate.dashboards.sets import SETS

_POINTS = 240
"""Points of a line."""
_TIMEOUT_SECONDS = 30.0


def write(url: str, folder: Path, seconds: float, clock: Callable[[], float] = time.time) -> list[Path]:
    """Draw every board over the last *seconds* from the Prometheus at *url*; return the files.

    Raises `PreviewError` where the Prometheus cannot be asked, and `OSError` where the folder cannot be written.
    """
    with httpx.Client(timeout=_TIMEOUT_SECONDS, trust_env=False) as client:
        pages = {folder / f"{uid}.html": text for uid, text in _drawn(Prometheus(url, client), clock(), seconds)}
    folder.mkdir(parents=True, exist_ok=True)
    for path, text in pages.items():
        path.write_text(text, encoding="utf-8")
    return list(pages)


def _drawn(prometheus: Prometheus, end: float, seconds: float) -> Iterator[tuple[str, str]]:
    scrape = prometheus.scrape_seconds()
    span = Span(end - seconds, end, max(scrape, seconds / _POINTS))
    for boards in SETS.values():
        links = {f"{board.uid}.html": board.title for board in boards}
        for board in boards:
            drawn = dashboard(board, boards)
            values = chosen(drawn, prometheus, span, {"__rate_interval": rate_interval(span, scrape)})
            yield board.uid, page(drawn, Source(prometheus, span, values), links)
