"""Balance of experts by replica, from the engine logs of the hosts that its workers live on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from pdwatch.model.host import HostReading, HostState
from pdwatch.model.logline import Balancedness
from pdwatch.model.placement import Placement
from pdwatch.model.process import ROUTER_FAMILIES, EngineGroup
from pdwatch.model.snapshot import WorkerState

FRESH_SECONDS = 300.0
"""An idle engine prints no balance; an older one than this says nothing of the present."""


def expert_balance(
    workers: Iterable[WorkerState], placed: Iterable[Placement], hosts: Mapping[str, HostState]
) -> dict[str, float]:
    """Return mean over maximum of tokens per rank by replica, 1 is even; of several models or logs the least even."""
    replicas = {worker.worker: worker.replica for worker in workers}
    found: dict[str, float] = {}
    for placement in placed:
        state = hosts[placement.host]
        if state.reading is None or state.stale or placement.worker not in replicas:
            continue
        replica = replicas[placement.worker]
        for balance in _own(placement, state.reading):
            found[replica] = min(balance.ratio, found.get(replica, balance.ratio))
    return found


def _own(placement: Placement, reading: HostReading) -> Iterator[Balancedness]:
    groups = reading.processes.groups if reading.processes is not None else ()
    engines = [group for group in groups if group.family not in ROUTER_FAMILIES]
    group = next((group for group in engines if group.pid == placement.group), None)
    for balance in reading.logs.balancedness if reading.logs is not None else ():
        fresh = balance.age_seconds <= FRESH_SECONDS and balance.usable is not False
        if fresh and group is not None and (len(engines) == 1 or writes(group, balance.source)):
            yield balance


def writes(group: EngineGroup, source: str) -> bool:
    """Tell whether a log is that of a group: its systemd unit, or a file named after its container or its pod."""
    container = group.container
    names = [name for name in (container.container_id, container.pod_uid) if name]
    spellings = {spelling for name in names for spelling in (name, name.replace("_", "-"))}
    return source == container.unit or any(spelling in source for spelling in spellings)
