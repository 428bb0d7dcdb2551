"""A page: the text of one scrape, and the same page as numbers in the order of its series."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pdwatch.model.target import Target


@dataclass(frozen=True, slots=True)
class Scrape:
    """The outcome of asking one target for its page once; `body` or `error` is set, never both."""

    target: Target
    at: float
    """Unix seconds at which the answer was complete (or the attempt given up)."""
    seconds: float
    status: int | None = None
    body: str | None = None
    error: str | None = None
    """One line for people: `connection refused`, `timed out after 3s`, `503 scaling`."""
    content_type: str = ""


@dataclass(frozen=True, slots=True)
class Series:
    """The identity of one sample: its name on the page and its labels, unescaped."""

    name: str
    labels: Mapping[str, str]


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class Layout:
    """The series of a page in page order. Pages with the same lines share one layout, so that whatever is
    worked out from names and labels is worked out once and kept beside the layout."""

    series: Sequence[Series]
    types: Mapping[str, str]
    """Declared type by family name as written on the page's `# TYPE` lines."""


@dataclass(frozen=True, slots=True)
class Page:
    """The values of one scrape, aligned with `layout.series`."""

    layout: Layout
    values: Sequence[float]


@dataclass(frozen=True, slots=True)
class Repeated:
    """Series that stand on a page more than once, of which the first counts."""

    series: int
    differing: int
    """Of these, with another value further down."""
    example: str
    """Name of one of them, of one that differs where there is one."""
