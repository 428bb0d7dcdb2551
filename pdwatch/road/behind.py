"""Workers that one page speaks for, each as a target of its own."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import replace

from pdwatch.model.reading import Behind, PageReading
from pdwatch.model.target import Role, RoleSource, Target, worker_name

_GONE_AFTER = 3
"""Pages in a row without a worker after which it is forgotten."""


class WorkersBehind:
    """By the page that speaks for them, the workers on it. They have its service and their own roles.

    Where a worker answers itself, its own address stays in the URL; the part behind `#` says by which page it is known.
    """

    def __init__(self) -> None:
        self._known: dict[str, dict[str, tuple[Target, int]]] = {}

    def of(self, url: str) -> list[Target]:
        """Return the workers known by the page at *url*."""
        return [target for target, _ in self._known.get(url, {}).values()]

    def read(
        self, page: Target, reading: PageReading, is_scraped: Callable[[str], bool]
    ) -> Iterator[tuple[Target, PageReading]]:
        """Yield the workers on a page with what it says of them; one that is scraped itself is left to itself."""
        known = self._known.setdefault(page.url, {})
        missed = {url: (target, count + 1) for url, (target, count) in known.items()}
        present: dict[str, tuple[Target, int]] = {}
        for behind in reading.behind:
            if not is_scraped(behind.url):
                target = _target(page, behind)
                present[target.url] = (target, 0)
                yield target, behind.reading
        gone = {url: entry for url, entry in missed.items() if url not in present and entry[1] < _GONE_AFTER}
        self._known[page.url] = present | gone

    def keep(self, pages: Collection[str]) -> dict[str, str]:
        """Forget the workers of pages that are not among *pages*; return the URLs of the others with their service."""
        self._known = {url: held for url, held in self._known.items() if url in pages}
        return {url: target.service for held in self._known.values() for url, (target, _) in held.items()}


def _target(page: Target, behind: Behind) -> Target:
    via = worker_name(page.url) if behind.url else behind.name
    return replace(
        page,
        url=f"{behind.url or page.url}#{via}",
        worker=behind.name,
        role=Role.UNKNOWN,
        role_source=RoleSource.NONE,
        replica=behind.replica or behind.name,
        host=None if behind.url else page.host,
    )
