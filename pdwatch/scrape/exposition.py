"""Exposition text to numbers, for a target that answers nearly the same page every time."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from pdwatch.model.page import Page
from pdwatch.scrape.errors import PageError
from pdwatch.scrape.series import DEFAULT_LIMITS, PageLimits
from pdwatch.scrape.template import Reading, Template, template_for

OPENMETRICS = "application/openmetrics-text"
_EOF = "# EOF"


def every_sample(_name: str) -> bool:
    """Want all samples."""
    return True


class PageParser:
    """Reads the pages of one target; a page that differs from the one before in values only costs a fraction.

    Samples carry the names of the page: a counter keeps its name whether or not that ends in `_total`. Timestamps
    and exemplars are dropped; a series that is repeated is a sample each time. Text format and OpenMetrics are read by
    the same rules, those of prometheus_client's text parser, so that an OpenMetrics page whose types do not fit its
    sample names is read as well.
    """

    def __init__(self, wanted: Callable[[str], bool] = every_sample, limits: PageLimits = DEFAULT_LIMITS) -> None:
        self._reading = Reading(wanted, limits)
        self._template: Template | None = None
        self._content_type = ""

    def parse(self, text: str, content_type: str = "") -> Page:
        """Return the samples of *text* whose names are wanted; raises `PageError`."""
        lines = text.split("\n")
        if self._template is not None and content_type == self._content_type:
            values = self._template.read(text, lines)
            if values is not None:
                return Page(self._template.layout, values)
        return self._parse_anew(text, lines, content_type)

    def _parse_anew(self, text: str, lines: Sequence[str], content_type: str) -> Page:
        _check(text, content_type)
        template = template_for(lines, self._reading, self._template)
        values = template.read(text, lines)
        if values is None:
            raise template.malformed(lines)
        self._template, self._content_type = template, content_type
        return Page(template.layout, values)


def _check(text: str, content_type: str) -> None:
    """Refuse what is no page at all, and an OpenMetrics page without its end."""
    start, end = text[:200].lstrip(), text[-200:].rstrip()
    if start.startswith("<"):
        raise PageError("answered HTML, not metrics: is this the metrics port?")
    if not end and not text.strip():
        raise PageError("answered an empty page: are metrics switched off?")
    if content_type.startswith(OPENMETRICS) and not (end == _EOF or end.endswith(f"\n{_EOF}")):
        raise PageError("ends without '# EOF': the OpenMetrics page was cut short")
