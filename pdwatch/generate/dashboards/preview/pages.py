"""All boards as pages."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import httpx

from pdwatch.generate.dashboards.grafana import dashboard
from pdwatch.generate.dashboards.preview.frames import Source
from pdwatch.generate.dashboards.preview.page import page
from pdwatch.generate.dashboards.preview.prometheus import Prometheus, Span
from pdwatch.generate.dashboards.preview.variables import chosen, rate_interval
from pdwatch.generate.dashboards.sets import SETS
from pdwatch.generate.options import Options

_POINTS = 240
"""Points of a line."""
_TIMEOUT_SECONDS = 30.0


def write(url: str, folder: Path, seconds: float, choices: Options) -> list[Path]:
    """Draw every board over the last *seconds* from the Prometheus at *url*; return the files.

    Raises `PreviewError` where the Prometheus cannot be asked, and `OSError` where the folder cannot be written.
    """
    with httpx.Client(timeout=_TIMEOUT_SECONDS, trust_env=False) as client:
        pages = dict(drawn(Prometheus(url, client), time.time(), seconds, choices))
    folder.mkdir(parents=True, exist_ok=True)
    paths = {folder / f"{uid}.html": text for uid, text in pages.items()}
    for path, text in paths.items():
        path.write_text(text, encoding="utf-8")
    return list(paths)


def drawn(prometheus: Prometheus, end: float, seconds: float, choices: Options) -> Iterator[tuple[str, str]]:
    """Yield uid and page of each board, over the *seconds* before *end*. Raises `PreviewError`."""
    scrape = prometheus.scrape_seconds()
    span = Span(end - seconds, end, max(scrape, seconds / _POINTS))
    for boards in SETS.values():
        links = {f"{board.uid}.html": board.title for board in boards}
        for board in boards:
            made = dashboard(board, boards, choices)
            values = chosen(made, prometheus, span, {"__rate_interval": rate_interval(span, scrape)})
            yield board.uid, page(made, Source(prometheus, span, values), links)
