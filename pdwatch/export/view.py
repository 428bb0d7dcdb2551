"""The rows of a snapshot: each engine, worker, pool and service with its label values, worked out once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cached_property

from pdwatch.catalog.metrics import MetricDef
from pdwatch.model.gpu import GpuReading
from pdwatch.model.host import HostReading, HostState
from pdwatch.model.port import PortReading
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

    @cached_property
    def hosts(self) -> list[tuple[Labels, HostState]]:
        """Hosts in order of name, those that are down or stale included."""
        return [((name,), state) for name, state in sorted(self.snapshot.hosts.items())]

    @cached_property
    def readings(self) -> list[tuple[Labels, HostReading]]:
        """What is known of the hosts that are not stale."""
        return [
            (labels, state.reading) for labels, state in self.hosts if state.reading is not None and not state.stale
        ]

    @cached_property
    def gpus(self) -> list[tuple[Labels, GpuReading]]:
        """GPUs of the hosts that are not stale; the second label is the index."""
        return [
            ((*labels, str(gpu.index)), gpu)
            for labels, reading in self.readings
            for gpu in (reading.gpus.gpus if reading.gpus is not None else ())
        ]

    @cached_property
    def ports(self) -> list[tuple[Labels, PortReading]]:
        """RDMA ports of the hosts that are not stale; the labels are host, device and number."""
        return [
            ((*labels, port.device, str(port.port)), port)
            for labels, reading in self.readings
            for port in (reading.fabric.ports if reading.fabric is not None else ())
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


def of_gpus(pick: Callable[[GpuReading], float | None]) -> Extractor:
    """One sample per GPU."""
    return lambda view: ((labels, pick(gpu)) for labels, gpu in view.gpus)


def each_gpu(rows: Callable[[GpuReading], Iterable[Sample]]) -> Extractor:
    """Several samples per GPU; *rows* leaves out the labels `host` and `gpu`, which stand first."""
    return lambda view: (((*labels, *more), value) for labels, gpu in view.gpus for more, value in rows(gpu))


def of_ports(pick: Callable[[PortReading], float | None]) -> Extractor:
    """One sample per port."""
    return lambda view: ((labels, pick(port)) for labels, port in view.ports)


def each_port(rows: Callable[[PortReading], Iterable[Sample]]) -> Extractor:
    """Several samples per port; *rows* leaves out the labels `host`, `device` and `port`, which stand first."""
    return lambda view: (((*labels, *more), value) for labels, port in view.ports for more, value in rows(port))


def of_readings(pick: Callable[[HostReading], float | None]) -> Extractor:
    """One sample per host that is not stale."""
    return lambda view: ((labels, pick(reading)) for labels, reading in view.readings)


def each_reading(rows: Callable[[HostReading], Iterable[Sample]]) -> Extractor:
    """Several samples per host that is not stale; *rows* leaves out the label `host`, which stands first."""
    return lambda view: (
        ((*labels, *more), value) for labels, reading in view.readings for more, value in rows(reading)
    )


def text(value: object) -> str:
    """Return a label value; what is not known is empty."""
    return "" if value is None else str(value)
