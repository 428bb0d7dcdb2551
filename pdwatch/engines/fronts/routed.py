"""What a router's own page counts about the workers behind it: the part that vllm-router and sglang-router share.

Series exist only once something happened, and stay when the worker has gone. Health is the router's belief: it stayed 1
for minutes after a worker had died. A worker's URL may end in `@RANK`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pdwatch.engines.family import Routing
from pdwatch.engines.table import View
from pdwatch.model.reading import RouterWorker
from pdwatch.model.target import page_url

REMOVED = -1.0
"""What sglang-router's gauges say of a worker that was taken out."""


@dataclass(frozen=True, slots=True)
class Names:
    """Under which names a router counts, each with the role that the name itself tells, if any."""

    health: Sequence[str]
    requests: Mapping[str, str | None]
    errors: Mapping[str, str | None]
    labels: Sequence[str] = ("worker",)
    """Labels that may hold the worker's URL."""
    failed: Mapping[str, str] | None = None
    """Labels that mark a series of `requests` as one of `errors`."""

    @property
    def all(self) -> tuple[str, ...]:
        """Every sample name."""
        return (*self.health, *self.requests, *self.errors)


@dataclass(slots=True)
class _Places:
    health: list[int]
    requests: list[int]
    errors: list[int]
    roles: set[str]


def routing(view: View, names: Names, blames_both: bool = False) -> Routing:
    """Return how to read what the router counts; *blames_both* says that its errors do not tell which side failed."""
    places: dict[str, _Places] = {}
    for index, series in view:
        url = _url(next((series.labels[label] for label in names.labels if label in series.labels), ""))
        if url and series.name in names.all:
            _place(places.setdefault(url, _Places([], [], [], set())), index, series.name, series.labels, names)

    def read(values: Sequence[float]) -> tuple[RouterWorker, ...]:
        told = (_worker(url, own, values, blames_both) for url, own in places.items())
        return tuple(worker for worker in told if worker is not None)

    return read


def _url(label: str) -> str:
    """Return a worker's URL without its rank; nothing for what is no address that could be scraped, such as gRPC's."""
    url = label.partition("@")[0]
    try:
        page_url(url)
    except ValueError:
        return ""
    return url


def _place(own: _Places, index: int, name: str, labels: Mapping[str, str], names: Names) -> None:
    if name in names.health:
        own.health.append(index)
        return
    role = names.requests.get(name) or names.errors.get(name)
    own.roles.update([role] if role else [])
    if name in names.requests:
        own.requests.append(index)
    failed = names.failed is not None and all(labels.get(label) == value for label, value in names.failed.items())
    if name in names.errors or failed:
        own.errors.append(index)


def _worker(url: str, own: _Places, values: Sequence[float], blames_both: bool) -> RouterWorker | None:
    health = max((values[index] for index in own.health), default=None)
    if health == REMOVED:
        return None
    return RouterWorker(
        url,
        healthy=None if health is None else health > 0,
        requests=_sum(own.requests, values),
        errors=None if blames_both else _sum(own.errors, values),
        role=next(iter(own.roles)) if len(own.roles) == 1 else None,
    )


def _sum(indices: Sequence[int], values: Sequence[float]) -> float | None:
    return sum(values[index] for index in indices) if indices else None
