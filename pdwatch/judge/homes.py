"""Workers at home: each worker of a service with its host, its engine group and what on that host is its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pdwatch.judge.definition import View
from pdwatch.model.gpu import GpuReading
from pdwatch.model.host import HostReading
from pdwatch.model.hostsignals import GpuSignals, HostSignals, PortSignals
from pdwatch.model.logline import FaultKind
from pdwatch.model.placement import Placement
from pdwatch.model.port import PortReading
from pdwatch.model.process import ROUTER_FAMILIES, EngineConfig, EngineGroup
from pdwatch.model.snapshot import WorkerState
from pdwatch.model.target import Role
from pdwatch.signals.expert_logs import writes

UNKNOWN_PORT = PortSignals()
UNKNOWN_GPU = GpuSignals()


@dataclass(frozen=True, slots=True)
class Home:
    """One worker on one host whose reading is fresh."""

    worker: WorkerState
    placement: Placement
    reading: HostReading
    signals: HostSignals
    group: EngineGroup | None

    @property
    def host(self) -> str:
        """Name of the host."""
        return self.placement.host

    @property
    def config(self) -> EngineConfig | None:
        """What the worker's arguments say; `None` where its process is not known."""
        return self.group.config if self.group is not None else None

    @property
    def environment(self) -> Mapping[str, str] | None:
        """The allow-listed environment; `None` where it could not be read, which is not "nothing is set"."""
        if self.group is None or self.group.orphaned:
            return None
        unreadable = any(note.startswith("environment ") for note in self.group.notes)
        return None if unreadable else self.group.environment

    def scope(self, **part: str) -> dict[str, str]:
        """Return role, worker and host, with the *part* of the host where one is meant."""
        return {"role": self.worker.role.value, "worker": self.worker.worker, "host": self.host} | part

    def ports(self) -> Iterator[tuple[PortReading, PortSignals]]:
        """Yield the ports nearest to its GPUs, or all of the host where that is not known."""
        own = set(self.placement.ports)
        for port in self.reading.fabric.ports if self.reading.fabric is not None else ():
            if (port.device, port.port) in own:
                yield port, self.signals.ports.get((port.device, port.port), UNKNOWN_PORT)

    def gpus(self) -> Iterator[tuple[GpuReading, GpuSignals]]:
        """Yield its GPUs; one that is lost is still its own by the processes that were on it."""
        pids = {process.pid for process in self.group.processes} if self.group is not None else set()
        for gpu in self.reading.gpus.gpus if self.reading.gpus is not None else ():
            seen = self.signals.gpus.get(gpu.index, UNKNOWN_GPU)
            if gpu.index in self.placement.gpus or pids.intersection(seen.pids):
                yield gpu, seen

    def fault_age(self, kind: FaultKind) -> float | None:
        """Return how many seconds ago its log last told of a fault; `None` when not lately.

        A log that names no process is the worker's own where only one engine group runs on the host.
        """
        ages = self.signals.faults.get(kind, {})
        groups = self.reading.processes.groups if self.reading.processes is not None else ()
        alone = sum(group.family not in ROUTER_FAMILIES for group in groups) <= 1
        own = [age for source, age in ages.items() if alone or (self.group is not None and writes(self.group, source))]
        return min(own, default=None)


def port_name(port: PortReading) -> str:
    """Return `mlx5_0/1`, as `rdma link` writes it."""
    return f"{port.device}/{port.port}"


def homes(view: View) -> Iterator[Home]:
    """Yield each worker whose host is known and freshly read."""
    if not view.service.placements:
        return
    workers = {worker.worker: worker for worker in view.service.workers}
    for placement in view.service.placements:
        state, worker = view.service.hosts.get(placement.host), workers.get(placement.worker)
        if worker is None or state is None or state.stale or state.reading is None:
            continue
        groups = state.reading.processes.groups if state.reading.processes is not None else ()
        group = next((group for group in groups if group.pid == placement.group), None)
        signals = view.service.host_signals.get(placement.host, HostSignals())
        yield Home(worker, placement, state.reading, signals, group)


def other_side(role: Role) -> Role | None:
    """Return the role that a worker exchanges KV with."""
    return {Role.PREFILL: Role.DECODE, Role.DECODE: Role.PREFILL}.get(role)


def troubled_peers(view: View, home: Home) -> list[str]:
    """Return the other workers of the service that fail, restarted or do not answer: their peers see it as loss."""
    return [
        worker.worker
        for worker in view.service.workers
        if worker.worker != home.worker.worker
        and (worker.failures > 0 or worker.stale or worker.restarts > 0 or worker.health not in (None, 200))
    ]
