"""What a router counts about the workers behind it, as rates.

A router's counters rise while it lives; its page shows a worker only after its first request, keeps showing it after it
has gone, and its `worker_health` is a belief that outlives the worker by minutes.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

from pdwatch.model.reading import RouterWorker
from pdwatch.model.target import page_url


@dataclass(frozen=True, slots=True)
class Routed:
    """What routers say of one worker."""

    healthy: bool | None = None
    """Their belief; never proof of life."""
    requests_per_second: float | None = None
    errors_per_second: float | None = None


NOT_ROUTED = Routed()


class RoutedWatch:
    """The recent counts of one router about each worker, by the URL of the worker's page."""

    def __init__(self, horizon: float) -> None:
        self._horizon = horizon
        self._counts: dict[str, deque[tuple[float, RouterWorker]]] = {}

    def push(self, at: float, workers: Iterable[RouterWorker]) -> None:
        """Take the counts of a router's page at *at* (Unix seconds)."""
        for worker in workers:
            held = self._counts.setdefault(page_url(worker.url), deque())
            if held and at <= held[-1][0]:
                continue
            if held and _fell(held[-1][1], worker):
                held.clear()  # the router started again
            held.append((at, worker))
            while len(held) > 2 and held[1][0] <= at - self._horizon:
                held.popleft()

    def routed(self, url: str) -> Routed | None:
        """Return what the router says of the worker with this page URL; `None` where it says nothing."""
        held = self._counts.get(url)
        if not held:
            return None
        (start, first), (end, last) = held[0], held[-1]
        seconds = end - start
        return Routed(
            last.healthy, _rate(first.requests, last.requests, seconds), _rate(first.errors, last.errors, seconds)
        )


def _fell(before: RouterWorker, after: RouterWorker) -> bool:
    pairs = ((before.requests, after.requests), (before.errors, after.errors))
    return any(old is not None and (new or 0.0) < old for old, new in pairs)


def _rate(first: float | None, last: float | None, seconds: float) -> float | None:
    """Return the increase per second; a series that is not there yet counted nothing."""
    if seconds <= 0 or last is None:
        return None
    return (last - (first or 0.0)) / seconds
