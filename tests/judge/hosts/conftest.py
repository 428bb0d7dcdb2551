"""Services whose workers live on hosts made by hand: a prefill worker on node0, a decode worker on node1."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from pdwatch.judge.definition import Hit
from pdwatch.model.gpu import GpuReading, NvmlReading
from pdwatch.model.host import HostOrigin, HostReading, HostState
from pdwatch.model.hostsignals import HostSignals
from pdwatch.model.logline import HostLogs
from pdwatch.model.placement import Placement
from pdwatch.model.port import FabricReading, LinkLayer, PhysicalState, PortReading, PortState
from pdwatch.model.process import (
    EngineConfig,
    EngineFamily,
    EngineGroup,
    EngineProcess,
    HostProcesses,
    Limits,
    ProcessKind,
    ProcessState,
)
from pdwatch.model.snapshot import ServiceSignals, WorkerState
from pdwatch.model.target import Role

GROUP = 100


@dataclass(frozen=True)
class House:
    """What stands on one host, and what of it belongs to its worker (all, unless said otherwise)."""

    gpus: Sequence[GpuReading] = ()
    ports: Sequence[PortReading] = ()
    group: EngineGroup | None = None
    logs: HostLogs | None = None
    nearest: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    signals: HostSignals = field(default_factory=HostSignals)
    own_gpus: Sequence[int] | None = None
    stale: bool = False

    def state(self, name: str) -> HostState:
        groups = () if self.group is None else (self.group,)
        reading = HostReading(
            name,
            HostOrigin.AGENT,
            100.0,
            gpus=NvmlReading(100.0, tuple(self.gpus)),
            fabric=FabricReading(100.0, (), tuple(self.ports)),
            processes=HostProcesses(groups),
            logs=self.logs,
            nearest=self.nearest,
        )
        return HostState(name, (HostOrigin.AGENT,), True, 1.0, reading=reading, stale=self.stale)

    def placement(self, worker: str, host: str) -> Placement:
        gpus = [gpu.index for gpu in self.gpus] if self.own_gpus is None else self.own_gpus
        ports = tuple((port.device, port.port) for port in self.ports)
        return Placement(worker, host, None if self.group is None else self.group.pid, tuple(gpus), ports)


@pytest.fixture
def house() -> Callable[..., House]:
    """Furnish a host other than decode-0's."""
    return House


@pytest.fixture
def named(
    worker: Callable[..., WorkerState],
    service: Callable[..., ServiceSignals],
    hits: Callable[[str, ServiceSignals], list[Hit]],
) -> Callable[..., list[Hit]]:
    """Judge a service whose decode-0 lives on a host as furnished by what is given.

    `prefill` is the house of prefill-0, `changed` has fields of the two workers by name, `more` has further workers
    with host and house, `service_signals` what the service's signals say beyond hosts.
    """

    def make(
        finding: str,
        *,
        prefill: House | None = None,
        changed: Mapping[str, Mapping[str, Any]] | None = None,
        more: Sequence[tuple[WorkerState, str, House]] = (),
        service_signals: Mapping[str, Any] | None = None,
        **furnished: Any,
    ) -> list[Hit]:
        changed = changed or {}
        lodgings = [
            (worker(Role.PREFILL, "prefill-0", **changed.get("prefill-0", {})), "node0", prefill or House()),
            (worker(Role.DECODE, "decode-0", **changed.get("decode-0", {})), "node1", House(**furnished)),
            *more,
        ]
        signals = replace(
            service([each for each, _, _ in lodgings]),
            hosts={host: home.state(host) for _, host, home in lodgings},
            placements=tuple(home.placement(each.worker, host) for each, host, home in lodgings),
            host_signals={host: home.signals for _, host, home in lodgings},
            **(service_signals or {}),
        )
        return hits(finding, signals)

    return make


@pytest.fixture
def port() -> Callable[..., PortReading]:
    """Build an active 400 Gb/s InfiniBand port."""

    def make(device: str = "mlx5_0", **changed: Any) -> PortReading:
        fields: dict[str, Any] = {
            "port": 1,
            "state": PortState.ACTIVE,
            "physical_state": PhysicalState.LINK_UP,
            "link_layer": LinkLayer.INFINIBAND,
            "rate_bits_per_second": 400_000_000_000,
            "sibling_rate_bits_per_second": 400_000_000_000,
        }
        return PortReading(device, **(fields | changed))

    return make


@pytest.fixture
def group() -> Callable[..., EngineGroup]:
    """Build a vLLM engine group of one process; `config` changes its arguments."""

    def make(
        environment: Mapping[str, str] | None = None,
        limits: Limits | None = None,
        notes: tuple[str, ...] = (),
        family: EngineFamily = EngineFamily.VLLM,
        **config: Any,
    ) -> EngineGroup:
        process = EngineProcess(GROUP, 1, ProcessKind.LAUNCHER, ProcessState.SLEEPING)
        told = EngineConfig(family, **config)
        return EngineGroup(GROUP, family, told, (process,), environment or {}, limits or Limits(), notes=notes)

    return make
