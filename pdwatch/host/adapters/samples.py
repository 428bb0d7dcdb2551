"""The samples of one page by name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import isfinite
from typing import Any

from pdwatch.model.page import Page

Labels = Mapping[str, str]
Sample = tuple[Labels, float]
Facts = dict[str, Any]


class Samples:
    """What a page has under each name, in page order. Values that are not finite are left out."""

    def __init__(self, page: Page) -> None:
        self._by_name: dict[str, list[Sample]] = {}
        for series, value in zip(page.layout.series, page.values, strict=True):
            if isfinite(value):
                self._by_name.setdefault(series.name, []).append((series.labels, value))

    def __contains__(self, name: str) -> bool:
        return name in self._by_name

    def names(self, prefix: str) -> Iterator[str]:
        """Yield the names that begin with *prefix*."""
        return (name for name in self._by_name if name.startswith(prefix))

    def of(self, name: str) -> Sequence[Sample]:
        """Return the samples of *name*; none where the page has none."""
        return self._by_name.get(name, ())

    def value(self, name: str) -> float | None:
        """Return the value of the first sample of *name*."""
        found = self._by_name.get(name)
        return found[0][1] if found else None


def told(labels: Labels, *same: str, **names: str) -> Facts:
    """Return facts, those of *same* from labels of that name, *names* from others; an empty label tells nothing."""
    wanted = dict(zip(same, same, strict=True)) | names
    return {name: labels[label] for name, label in wanted.items() if labels.get(label)}
