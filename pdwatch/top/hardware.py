"""GPUs and fabric ports as rows: how each stands, whose it is, and what moved between two readings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from pdwatch.model.gpu import GpuReading, GpuState
from pdwatch.model.host import HostReading, HostState
from pdwatch.model.judgement import Finding, Severity
from pdwatch.model.port import PortCounter, PortReading, PortState
from pdwatch.model.snapshot import ServiceState, Snapshot
from pdwatch.top.status import Status, of_severity

Key = tuple[str, ...]

_NO_THROTTLE = ("gpu_idle", "applications_clocks_setting", "sw_power_cap")
"""Reasons for a clock that mean no trouble; at the power limit a busy GPU is normal."""
_RATES = {"rx": PortCounter.RX_BYTES, "tx": PortCounter.TX_BYTES}


@dataclass(frozen=True, slots=True)
class GpuRow:
    """One GPU of one host."""

    host: str
    gpu: GpuReading
    status: Status
    workers: tuple[str, ...]
    """Whose it is, where that is known."""
    trouble: str
    """What holds it back or broke, in a few words."""

    @property
    def key(self) -> Key:
        """Of the trail of its utilization."""
        return gpu_key(self.host, self.gpu)


@dataclass(frozen=True, slots=True)
class PortRow:
    """One port of one host."""

    host: str
    port: PortReading
    status: Status | None
    """`None` where it is down and nobody minds."""

    def key(self, way: str) -> Key:
        """Of the trail of its rate, `rx` or `tx`."""
        return port_key(self.host, self.port, way)


def gpu_key(host: str, gpu: GpuReading) -> Key:
    """Return the key of a GPU's trail of utilization."""
    return ("gpu", host, str(gpu.index))


def port_key(host: str, port: PortReading, way: str) -> Key:
    """Return the key of a port's trail of bytes a second, `rx` or `tx`."""
    return ("port", host, port.device, str(port.port), way)


def gpu_rows(snapshot: Snapshot, service: ServiceState | None) -> list[GpuRow]:
    """Return every GPU, by host and index."""
    findings = service.findings if service is not None else ()
    return [
        GpuRow(host, gpu, _gpu_status(host, gpu, findings), _owners(service, host, gpu), _gpu_trouble(gpu))
        for host, reading in _readings(snapshot)
        for gpu in (reading.gpus.gpus if reading.gpus is not None else ())
    ]


def port_rows(snapshot: Snapshot, service: ServiceState | None) -> list[PortRow]:
    """Return every port, by host and device."""
    findings = service.findings if service is not None else ()
    return [
        PortRow(host, port, _port_status(host, port, findings))
        for host, reading in _readings(snapshot)
        for port in (reading.fabric.ports if reading.fabric is not None else ())
    ]


def _readings(snapshot: Snapshot) -> Iterator[tuple[str, HostReading]]:
    for host, state in sorted(snapshot.hosts.items()):
        if state.reading is not None:
            yield host, state.reading


def silent_hosts(snapshot: Snapshot) -> list[HostState]:
    """Return the hosts that tell nothing at the moment."""
    return [state for _, state in sorted(snapshot.hosts.items()) if not state.up or state.reading is None]


def _owners(service: ServiceState | None, host: str, gpu: GpuReading) -> tuple[str, ...]:
    placements = service.placements if service is not None else ()
    return tuple(place.worker for place in placements if place.host == host and gpu.index in place.gpus)


def _gpu_status(host: str, gpu: GpuReading, findings: Iterable[Finding]) -> Status:
    said = _said(findings, host, "gpu", (str(gpu.index), gpu.uuid or ""))
    if gpu.state is not GpuState.OK:
        return Status.BAD
    broken = gpu.remapped_rows_failed or (gpu.ecc_uncorrected_volatile_total or 0) > 0
    if broken:
        said.append(Status.BAD)
    if _gpu_trouble(gpu):
        said.append(Status.WARN)
    return max(said, default=Status.OK)


def _gpu_trouble(gpu: GpuReading) -> str:
    if gpu.state is not GpuState.OK:
        return gpu.state_reason or gpu.state.value.replace("_", " ")
    words = [f"Xid {xid.xid}" for xid in gpu.xids or ()]
    if gpu.ecc_uncorrected_volatile_total:
        words.append(f"{gpu.ecc_uncorrected_volatile_total} ECC errors")
    if gpu.remapped_rows_failed:
        words.append("row remapping failed")
    words += [reason.replace("_", " ") for reason in gpu.clocks_event_reasons or () if reason not in _NO_THROTTLE]
    return ", ".join(words)


def _port_status(host: str, port: PortReading, findings: Iterable[Finding]) -> Status | None:
    said = _said(findings, host, "port", (port.device, f"{port.device}/{port.port}"))
    if port.slower_than_siblings:
        said.append(Status.WARN)
    if port.state is None:
        said.append(Status.UNKNOWN)
    elif port.state is PortState.ACTIVE:
        said.append(Status.OK)
    return max(said, default=None)


def _said(findings: Iterable[Finding], host: str, word: str, names: tuple[str, ...]) -> list[Status]:
    return [
        of_severity(finding.severity)
        for finding in findings
        if finding.severity > Severity.INFO and finding.scope.get("host") == host and finding.scope.get(word) in names
    ]


def hardware_readings(before: Snapshot | None, after: Snapshot) -> Iterator[tuple[Key, float | None]]:
    """Yield utilization of every GPU and bytes a second of every port since the reading before, by key."""
    old = dict(_readings(before)) if before is not None else {}
    for host, reading in _readings(after):
        for gpu in reading.gpus.gpus if reading.gpus is not None else ():
            yield gpu_key(host, gpu), gpu.utilization_ratio
        yield from _port_rates(host, old.get(host), reading)


def _port_rates(host: str, before: HostReading | None, after: HostReading) -> Iterator[tuple[Key, float | None]]:
    if before is None or before.fabric is None or after.fabric is None:
        return
    seconds = after.fabric.at - before.fabric.at
    held: Mapping[tuple[str, int], PortReading] = {(port.device, port.port): port for port in before.fabric.ports}
    for port in after.fabric.ports if seconds > 0 else ():
        old = held.get((port.device, port.port))
        for way, counter in _RATES.items():
            first = old.counters.get(counter) if old is not None else None
            last = port.counters.get(counter)
            if first is not None and last is not None and last >= first:
                yield port_key(host, port, way), (last - first) / seconds
