"""Hosts over time: what their readings tell only in comparison with earlier ones."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from pdwatch.catalog.thresholds import Thresholds
from pdwatch.model.gpu import GpuReading, NvmlReading
from pdwatch.model.host import HostState
from pdwatch.model.hostsignals import HostSignals
from pdwatch.model.logline import FaultKind, HostLogs
from pdwatch.model.port import FabricReading
from pdwatch.signals.host_gpu import GpuWatch
from pdwatch.signals.host_port import PortWatch


class HostSignalsWatch:
    """Every host of the fleet between ticks. *horizon* is the length of the window in seconds."""

    def __init__(self, thresholds: Thresholds, horizon: float) -> None:
        self._thresholds = thresholds
        self._horizon = horizon
        self._hosts: dict[str, _HostWatch] = {}

    def configure(self, thresholds: Thresholds, horizon: float) -> None:
        """Measure by other settings from now on: windows and baselines begin anew."""
        if (thresholds, horizon) != (self._thresholds, self._horizon):
            self._thresholds, self._horizon = thresholds, horizon
            self._hosts.clear()

    def observe(self, state: HostState) -> None:
        """Take a host as it is known at this tick. A stale one, or one never read, tells nothing new."""
        if state.reading is None or state.stale:
            return
        watch = self._hosts.get(state.host)
        if watch is None:
            watch = self._hosts[state.host] = _HostWatch(self._thresholds, self._horizon)
        if state.reading.gpus is not None:
            watch.see_gpus(state.reading.gpus)
        if state.reading.fabric is not None:
            watch.see_fabric(state.reading.fabric)
        watch.logs = state.reading.logs

    def keep(self, hosts: Collection[str]) -> None:
        """Forget every host that is not among *hosts*."""
        self._hosts = {name: watch for name, watch in self._hosts.items() if name in hosts}

    def signals(self, now: float) -> Mapping[str, HostSignals]:
        """Return what is known of each host at *now*, Unix seconds."""
        return {name: watch.signals(now) for name, watch in self._hosts.items()}


class _HostWatch:
    """One host."""

    def __init__(self, thresholds: Thresholds, horizon: float) -> None:
        self.logs: HostLogs | None = None
        self._thresholds = thresholds
        self._horizon = horizon
        self._ports: dict[tuple[str, int], PortWatch] = {}
        self._gpus: dict[str, GpuWatch] = {}
        self._fabric_at = 0.0
        self._gpus_at = 0.0

    def see_gpus(self, reading: NvmlReading) -> None:
        self._gpus_at = max(self._gpus_at, reading.at)
        for gpu in reading.gpus:
            key = _identity(gpu)
            watch = self._gpus.get(key)
            if watch is None:
                watch = self._gpus[key] = GpuWatch(self._thresholds, self._horizon)
            watch.observe(reading.at, gpu)

    def see_fabric(self, reading: FabricReading) -> None:
        self._fabric_at = max(self._fabric_at, reading.at)
        for port in reading.ports:
            key = (port.device, port.port)
            watch = self._ports.get(key)
            if watch is None:
                watch = self._ports[key] = PortWatch(self._thresholds, self._horizon)
            watch.observe(reading.at, port)
        silent = {device.name for device in reading.devices if device.stale}
        for key, watch in list(self._ports.items()):
            gone = reading.at - watch.seen_at
            if gone > self._thresholds.host_event_seconds:
                del self._ports[key]
            elif key[0] in silent and gone > 0:
                watch.seen_at = reading.at

    def signals(self, now: float) -> HostSignals:
        return HostSignals(
            ports={key: watch.signals(self._fabric_at) for key, watch in self._ports.items()},
            gpus={watch.index: watch.signals(now) for watch in self._gpus.values() if watch.seen_at >= self._gpus_at},
            faults=_recent(self.logs, now, self._thresholds.host_event_seconds),
        )


def _identity(gpu: GpuReading) -> str:
    """Return what stays when GPUs are numbered anew."""
    return gpu.uuid or f"index {gpu.index}"


def _recent(logs: HostLogs | None, now: float, seconds: float) -> dict[FaultKind, dict[str, float]]:
    faults: dict[FaultKind, dict[str, float]] = {}
    for source in logs.sources if logs is not None else ():
        for kind, at in source.fault_at.items():
            if now - at <= seconds:
                faults.setdefault(kind, {})[source.source] = max(0.0, now - at)
    return faults
