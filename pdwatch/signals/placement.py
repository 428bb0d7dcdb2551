"""Which worker lives on which host, and which process, GPUs and ports there are its own."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from ipaddress import ip_address
from urllib.parse import urlsplit

from pdwatch.model.gpu import GpuReading
from pdwatch.model.host import HostReading, HostState
from pdwatch.model.placement import Placement
from pdwatch.model.process import EngineGroup
from pdwatch.model.serving import serving
from pdwatch.model.snapshot import WorkerState

_EVERY = "all"
_NONE = ("", "none", "void", "-1", "NoDevFiles")


def placements(workers: Iterable[WorkerState], hosts: Mapping[str, HostState]) -> tuple[Placement, ...]:
    """Return where each of *workers* lives, as far as it is among *hosts*.

    Its label `host` tells, else the address of its URL where exactly one host answers to it.
    """
    if not hosts:
        return ()
    by_address = _by_address(hosts)
    placed = ((worker, _host(worker, hosts, by_address)) for worker in workers)
    return tuple(_placement(worker, hosts[host]) for worker, host in placed if host is not None)


def _by_address(hosts: Mapping[str, HostState]) -> Mapping[str, set[str]]:
    """Return the hosts by each name and address of theirs; loopback counts for the host of this process only."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for name, state in hosts.items():
        for address in (name, *state.addresses):
            found[address].add(name)
        processes = state.reading.processes if state.reading is not None else None
        for group in processes.groups if processes is not None else ():
            for address in group.addresses:
                if not ip_address(address).is_loopback:
                    found[address].add(name)
    return found


def _host(worker: WorkerState, hosts: Mapping[str, HostState], by_address: Mapping[str, set[str]]) -> str | None:
    if worker.host in hosts:
        return worker.host
    found = by_address.get(urlsplit(worker.url).hostname or "", set())
    return next(iter(found)) if len(found) == 1 else None


def _placement(worker: WorkerState, state: HostState) -> Placement:
    reading = state.reading
    if reading is None:
        return Placement(worker.worker, state.host)
    group = None if reading.processes is None else serving(worker.url, reading.processes.groups)
    gpus = () if reading.gpus is None else own_gpus(group, reading.gpus.gpus)
    return Placement(
        worker=worker.worker,
        host=state.host,
        group=None if group is None else group.pid,
        gpus=gpus,
        ports=_ports(gpus, reading),
    )


def own_gpus(group: EngineGroup | None, gpus: Sequence[GpuReading]) -> tuple[int, ...]:
    """Return the indexes of the GPUs that a group computes on, else of those it may see; empty where neither tells."""
    if group is None:
        return ()
    pids = {process.pid for process in group.processes}
    used = tuple(gpu.index for gpu in gpus if any(process.pid in pids for process in gpu.processes or ()))
    return used or visible_gpus(group.environment, gpus)


def visible_gpus(environment: Mapping[str, str], gpus: Sequence[GpuReading]) -> tuple[int, ...]:
    """Return the indexes of the GPUs that the environment leaves visible; empty where it says nothing.

    `NVIDIA_VISIBLE_DEVICES` counts the host's GPUs, `CUDA_VISIBLE_DEVICES` those that it leaves, both in PCI order as
    NVML has it. Source: documentation of the NVIDIA container toolkit; CUDA programming guide.
    """
    container, cuda = environment.get("NVIDIA_VISIBLE_DEVICES"), environment.get("CUDA_VISIBLE_DEVICES")
    if container is None and cuda is None:
        return ()
    within = list(gpus) if container is None else _named(container, gpus)
    return tuple(gpu.index for gpu in (within if cuda is None else _named(cuda, within)))


def _named(text: str, gpus: Sequence[GpuReading]) -> list[GpuReading]:
    """Return the GPUs that a list of positions or of beginnings of UUIDs names, up to the first that names none."""
    if text == _EVERY:
        return list(gpus)
    found: list[GpuReading] = []
    for word in (word.strip() for word in text.split(",")):
        if word in _NONE:
            break
        if word.isdecimal():
            named = list(gpus[int(word) : int(word) + 1])
        else:
            named = [gpu for gpu in gpus if gpu.uuid is not None and gpu.uuid.startswith(word)]
        if not named:
            break
        found += named
    return found


def _ports(gpus: Sequence[int], reading: HostReading) -> tuple[tuple[str, int], ...]:
    """Return the ports of the devices nearest to *gpus*, else all of the host."""
    if reading.fabric is None:
        return ()
    devices = {device for gpu in gpus for device in reading.nearest.get(gpu, ())}
    return tuple((port.device, port.port) for port in reading.fabric.ports if not devices or port.device in devices)
