"""The rows of a snapshot: each engine, worker, pool and service with its label values, worked out once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cached_property

from pdwatch.catalog.metrics import MetricDef
from pdwatch.model.reading import Histogram
from pdwatch.model.snapshot import EngineState, PoolState, ServiceState, Snapshot, WorkerState

Labels = tuple[str, ...]
Value = float | Histogram | None
Sample = tuple[Labels, Value]


class View:
    """One snapshot by rows. Label values stand in the order of `POOL`, `WORKER` and `ENGINE` in the catalogue."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot

    @cached_property
    def services(self) -> list[ServiceState]:
        """Services in order of name."""
        return [service for _, service in sorted(self.snapshot.services.items())]

    @cached_property
    def pools(self) -> list[tuple[Labels, PoolState]]:
        """Pools of all services."""
        return [
            ((service.service, role.value), pool) for service in self.services for role, pool in service.pools.items()
        ]

    @cached_property
    def workers(self) -> list[tuple[Labels, WorkerState]]:
        """Workers of all services, those that are down or stale included."""
        return [
            ((service.service, worker.role.value, worker.replica, worker.worker), worker)
            for service in self.services
            for worker in service.workers
        ]

    @cached_property
    def engines(self) -> list[tuple[Labels, EngineState]]:
        """Engines of the workers that are not stale: an old value is no value."""
        return [
            ((*labels, engine.engine), engine)
            for labels, worker in self.workers
            if not worker.stale
            for engine in worker.engines
        ]


Extractor = Callable[[View], Iterable[Sample]]
Table = Mapping[MetricDef, Extractor]


def of_engines(pick: Callable[[EngineState], float | None]) -> Extractor:
    """One sample per engine."""
    return lambda view: ((labels, pick(engine)) for labels, engine in view.engines)


def of_workers(pick: Callable[[WorkerState], float | None]) -> Extractor:
    """One sample per worker."""
    return lambda view: ((labels, pick(worker)) for labels, worker in view.workers)


def of_pools(pick: Callable[[PoolState], float | None]) -> Extractor:
    """One sample per pool."""
    return lambda view: ((labels, pick(pool)) for labels, pool in view.pools)


def of_services(pick: Callable[[ServiceState], float | None]) -> Extractor:
    """One sample per service."""
    return lambda view: (((service.service,), pick(service)) for service in view.services)


def each_service(rows: Callable[[ServiceState], Iterable[Sample]]) -> Extractor:
    """Several samples per service; *rows* leaves out the label `service`, which stands first."""
    return lambda view: (
        ((service.service, *labels), value) for service in view.services for labels, value in rows(service)
    )
