"""Workers at home: each worker of a service with its host, its engine group and what on that host is its own."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
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


@dataclass(frozen=True, slots=True, eq=False)
class Home:
    """One worker on one host whose reading is fresh."""

    worker: WorkerState
    placement: Placement
    reading: HostReading
    signals: HostSignals
    group: EngineGroup | None
    ports: tuple[tuple[PortReading, PortSignals], ...] = ()
    """The ports nearest to its GPUs, or all of the host where that is not known."""

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

    def owns(self, gpu: GpuReading) -> bool:
        """Tell whether a GPU is its own; one that is lost still is by the processes that were on it."""
        pids = {process.pid for process in self.group.processes} if self.group is not None else set()
        return gpu.index in self.placement.gpus or not pids.isdisjoint(self.seen(gpu).pids)

    def seen(self, gpu: GpuReading) -> GpuSignals:
        """Return what is known of a GPU over time."""
        return self.signals.gpus.get(gpu.index, UNKNOWN_GPU)

    def writes(self, source: str) -> bool:
        """Tell whether a log is the worker's: by its unit, its container, or the worker's name in the log's."""
        named = re.search(rf"(?<!\w){re.escape(self.worker.worker)}(?!\w)", source) is not None
        return named or (self.group is not None and writes(self.group, source))


@dataclass(frozen=True, slots=True)
class LogFault:
    """A fault that a log told of lately."""

    scope: Mapping[str, str]
    """Of the worker whose log it is; only the host where several run and the log names none."""
    who: str
    """The same for a sentence."""
    seconds_ago: float
    home: Home | None = None


@dataclass(frozen=True, slots=True)
class OwnGpu:
    """A GPU with the worker that suffers when it does, as far as that is known."""

    gpu: GpuReading
    seen: GpuSignals
    home: Home
    """The worker, or any of its host."""
    worker: str | None

    @property
    def scope(self) -> dict[str, str]:
        """Return worker, host and GPU; without a worker where nothing tells whose it is."""
        gpu = str(self.gpu.index)
        return {"host": self.home.host, "gpu": gpu} if self.worker is None else self.home.scope(gpu=gpu)

    @property
    def name(self) -> str:
        """Return `GPU 3 of node1, used by decode-0`."""
        used = f", used by {self.worker}" if self.worker is not None else ""
        return f"GPU {self.gpu.index} of {self.home.host}{used}"

    @property
    def subject(self) -> str:
        """Return the name as the subject of a sentence."""
        return self.name if self.worker is None else f"{self.name},"


def gpus(view: View, spare: bool = False) -> Iterable[OwnGpu]:
    """Return the GPUs of each worker; with *spare*, also those of its host that are nobody's.

    A GPU that nobody is known to use belongs to the only worker of its host whose GPUs are not known; where there are
    several such workers, it is told without one.
    """
    found = view.once(_gpus)
    return (own for own, is_spare in found if spare or not is_spare)


def _gpus(view: View) -> list[tuple[OwnGpu, bool]]:
    """Return the GPUs with whether each is nobody's for sure."""
    return list(_each_gpu(view))


def _each_gpu(view: View) -> Iterator[tuple[OwnGpu, bool]]:
    for living in by_host(view).values():
        reading = living[0].reading.gpus
        lost = [home for home in living if not home.placement.gpus]
        for gpu in reading.gpus if reading is not None else ():
            owners = [home for home in living if home.owns(gpu)]
            if not owners and len(lost) == 1:
                owners = lost
            for home in owners:
                yield OwnGpu(gpu, home.seen(gpu), home, home.worker.worker), False
            if not owners:
                yield OwnGpu(gpu, living[0].seen(gpu), living[0], None), not lost


def by_host(view: View) -> dict[str, list[Home]]:
    """Return the workers that live on each host."""
    return view.once(_by_host)


def _by_host(view: View) -> dict[str, list[Home]]:
    found: dict[str, list[Home]] = defaultdict(list)
    for home in homes(view):
        found[home.host].append(home)
    return found


def port_name(port: PortReading) -> str:
    """Return `mlx5_0/1`, as `rdma link` writes it."""
    return f"{port.device}/{port.port}"


def homes(view: View) -> Sequence[Home]:
    """Return each worker whose host is known and freshly read."""
    return view.once(_homes) if view.service.placements else ()


def _homes(view: View) -> list[Home]:
    return list(_each_home(view))


def _each_home(view: View) -> Iterator[Home]:
    workers = {worker.worker: worker for worker in view.service.workers}
    for placement in view.service.placements:
        state, worker = view.service.hosts.get(placement.host), workers.get(placement.worker)
        if worker is None or state is None or state.stale or state.reading is None:
            continue
        groups = state.reading.processes.groups if state.reading.processes is not None else ()
        group = next((group for group in groups if group.pid == placement.group), None)
        signals = view.service.host_signals.get(placement.host, HostSignals())
        yield Home(worker, placement, state.reading, signals, group, _ports(placement, state.reading, signals))


def _ports(
    placement: Placement, reading: HostReading, signals: HostSignals
) -> tuple[tuple[PortReading, PortSignals], ...]:
    own = set(placement.ports)
    return tuple(
        (port, signals.ports.get((port.device, port.port), UNKNOWN_PORT))
        for port in (reading.fabric.ports if reading.fabric is not None else ())
        if (port.device, port.port) in own
    )


def log_faults(view: View, kind: FaultKind) -> Iterator[LogFault]:
    """Yield who logged a fault lately, each once. A host's only engine group owns all logs of the host."""
    for host, living in by_host(view).items():
        told: dict[Home | None, float] = {}
        for source, age in living[0].signals.faults.get(kind, {}).items():
            owners: list[Home | None] = [home for home in living if home.writes(source)]
            owners = owners or [_only(living)]
            told |= {owner: min(age, told.get(owner, age)) for owner in owners}
        for owner, age in told.items():
            if owner is None:
                yield LogFault({"host": host}, f"A worker on {host}", age)
            else:
                yield LogFault(owner.scope(), f"{owner.worker.worker} on {host}", age, owner)


def _only(living: list[Home]) -> Home | None:
    """Return the worker of a host that has no other engine group."""
    processes = living[0].reading.processes
    engines = [group for group in processes.groups if group.family not in ROUTER_FAMILIES] if processes else []
    return living[0] if len(living) == 1 and len(engines) <= 1 else None


def other_side(role: Role) -> Role | None:
    """Return the role that a worker exchanges KV with."""
    return {Role.PREFILL: Role.DECODE, Role.DECODE: Role.PREFILL}.get(role)


def troubled(view: View) -> frozenset[str]:
    """Return the workers of the service that fail, restarted or do not answer: their peers see it as loss."""
    return view.once(_troubled)


def _troubled(view: View) -> frozenset[str]:
    return frozenset(
        worker.worker
        for worker in view.service.workers
        if worker.failures > 0 or worker.stale or worker.restarts > 0 or worker.health not in (None, 200)
    )
