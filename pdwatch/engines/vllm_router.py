"""vllm-router's own page: what it counts about the workers behind it.

`worker_health` is the router's belief and stayed 1 for minutes after a worker had died, so it is never proof of life.
Series exist only once something happened. A worker's URL may end in `@RANK`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pdwatch.engines.family import process_start_index
from pdwatch.model.page import Layout, Page
from pdwatch.model.reading import PageReading, RouterWorker

NAME = "vllm-router"
PREFIX = "vllm_router_"

_PREFILL = ("pd_prefill_requests_total", "pd_prefill_errors_total")
_DECODE = ("pd_decode_requests_total", "pd_decode_errors_total")
_REQUESTS = ("pd_prefill_requests_total", "pd_decode_requests_total")
_ERRORS = ("pd_prefill_errors_total", "pd_decode_errors_total")
_PER_WORKER = frozenset({"worker_health", *_PREFILL, *_DECODE})


@dataclass(frozen=True, slots=True, eq=False)
class _Extraction:
    workers: Mapping[str, Mapping[str, Sequence[int]]]
    """By worker URL and metric, where its series lie: one, or one per rank of the worker."""
    process_start: int | None

    def read(self, page: Page, at: float) -> PageReading:
        routed = tuple(_worker(url, slots, page.values) for url, slots in self.workers.items())
        started = None if self.process_start is None else page.values[self.process_start]
        return PageReading(NAME, at, (), {}, process_start=started, routed=routed)


def _worker(url: str, slots: Mapping[str, Sequence[int]], values: Sequence[float]) -> RouterWorker:
    numbers = {name: sum(values[index] for index in indices) for name, indices in slots.items()}
    health = numbers.get("worker_health")
    roles = [role for role, names in (("prefill", _PREFILL), ("decode", _DECODE)) if any(n in numbers for n in names)]
    return RouterWorker(
        url,
        healthy=None if health is None else health > 0,
        requests=_total(numbers, _REQUESTS),
        errors=_total(numbers, _ERRORS),
        role=roles[0] if len(roles) == 1 else None,
    )


def _total(numbers: Mapping[str, float], names: tuple[str, ...]) -> float | None:
    found = [numbers[name] for name in names if name in numbers]
    return sum(found) if found else None


@dataclass(frozen=True, slots=True)
class _Router:
    name: str = NAME

    def wants(self, name: str) -> bool:
        return name.startswith(PREFIX) and name.removeprefix(PREFIX) in _PER_WORKER

    def recognises(self, layout: Layout) -> bool:
        return any(name.startswith(PREFIX) for name in layout.types)

    def extraction(self, layout: Layout) -> _Extraction:
        workers: dict[str, dict[str, list[int]]] = {}
        for index, series in enumerate(layout.series):
            if self.wants(series.name) and "worker" in series.labels:
                url = series.labels["worker"].partition("@")[0]
                workers.setdefault(url, {}).setdefault(series.name.removeprefix(PREFIX), []).append(index)
        return _Extraction(workers, process_start_index(layout))


FAMILY = _Router()
