"""One host on the page for people: what could not be read first, then its GPUs, ports and engine processes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pdwatch.export import words
from pdwatch.export.html import Html, join, table, tag
from pdwatch.model.gpu import GpuReading, GpuState, NvmlReading
from pdwatch.model.host import HostReading, HostState
from pdwatch.model.logline import Balancedness, HostLogs, SourceLog
from pdwatch.model.port import FabricReading, PortCounter, PortReading
from pdwatch.model.process import EngineGroup, ProcessKind

_GPU_HEAD = ("GPU", "Name", "State", "Use", "Memory", "Power", "Temperature", "SM clock", "XIDs", "Nearest ports")
_PORT_HEAD = ("Port", "Driver", "State", "Rate", "Received", "Sent", "Retransmits", "CNP sent", "Link down")
_GROUP_HEAD = ("Launcher", "Engine", "Role", "Model", "Listens on", "Ranks", "Connector", "Processes")
_LOG_HEAD = ("Log", "Version", "Lines", "Faults", "Experts")


def host_section(state: HostState) -> Html:
    """Return the section of one host."""
    reading = state.reading
    parts = () if reading is None else (_gpus(reading), _ports(reading), _groups(reading), _logs(reading))
    return tag("section", tag("h2", f"Host {state.host}"), _condition(state), *parts)


def _condition(state: HostState) -> Html:
    origins = ", ".join(origin.value for origin in state.origins) or "nothing"
    lines = [tag("p", f"Told by {origins}, {words.duration(state.age_seconds)} ago.", css="note")]
    if state.error is not None:
        lines.append(tag("p", state.error, css="critical"))
    if state.stale:
        lines.append(tag("p", "What is shown is too old to be judged.", css="warning"))
    reading = state.reading
    if reading is not None:
        lines += [tag("p", f"{name} failed: {why}", css="critical") for name, why in sorted(reading.failed.items())]
        lines += [tag("p", f"{name}: {why}", css="note") for name, why in sorted(reading.absent.items())]
    return join(lines)


def _gpus(reading: HostReading) -> Html:
    gpus: NvmlReading | None = reading.gpus
    if gpus is None or not gpus.gpus:
        return Html("")
    stale = (tag("p", gpus.stale_reason, css="warning"),) if gpus.stale_reason else ()
    rows = (_gpu_row(gpu, reading.nearest.get(gpu.index, ())) for gpu in gpus.gpus)
    return join((*stale, table("GPUs", _GPU_HEAD, rows)))


def _gpu_row(gpu: GpuReading, nearest: Iterable[str]) -> tuple[str, ...]:
    ok = gpu.state is GpuState.OK
    reasons = ", ".join(gpu.clocks_event_reasons or ())
    state = (reasons or "ok") if ok else f"{gpu.state.value}: {gpu.state_reason}"
    return (
        tag("th", str(gpu.index), scope="row"),
        gpu.name or words.DASH,
        state if ok else tag("td", state, css="critical"),
        words.percent(gpu.utilization_ratio),
        _share(gpu.memory_used_bytes, gpu.memory_total_bytes),
        _with_unit(gpu.power_watts, "W"),
        _with_unit(gpu.temperature_celsius, "°C"),
        _with_unit(_scaled(gpu.clock_sm_hertz, 1e-6), "MHz"),
        words.DASH if gpu.xids is None else ", ".join(str(xid.xid) for xid in gpu.xids) or "none",
        ", ".join(nearest) or words.DASH,
    )


def _ports(reading: HostReading) -> Html:
    fabric: FabricReading | None = reading.fabric
    if fabric is None:
        return Html("")
    drivers = {device.name: device.driver or words.DASH for device in fabric.devices}
    stale = [tag("p", f"{device.name}: {device.stale}", css="critical") for device in fabric.devices if device.stale]
    rows = (_port_row(port, drivers.get(port.device, words.DASH)) for port in fabric.ports)
    return join((*stale, table("Fabric ports", _PORT_HEAD, rows)))


def _port_row(port: PortReading, driver: str) -> tuple[str, ...]:
    counters = port.counters
    slow = f" of {_rate(port.sibling_rate_bits_per_second)}" if port.slower_than_siblings else ""
    state = port.state.value if port.state is not None else words.DASH
    return (
        tag("th", f"{port.device}:{port.port}", scope="row"),
        driver,
        state if port.active else tag("td", state, css="critical"),
        tag("td", _rate(port.rate_bits_per_second) + slow, css="warning" if slow else ""),
        _bytes(counters.get(PortCounter.RX_BYTES)),
        _bytes(counters.get(PortCounter.TX_BYTES)),
        words.count(counters.get(PortCounter.RETRANSMITS)),
        words.count(counters.get(PortCounter.CNP_SENT)),
        words.count(counters.get(PortCounter.LINK_DOWNED)),
    )


def _groups(reading: HostReading) -> Html:
    groups = reading.processes.groups if reading.processes is not None else ()
    return table("Engine processes", _GROUP_HEAD, map(_group_row, groups)) if groups else Html("")


def _group_row(group: EngineGroup) -> tuple[str, ...]:
    config = group.config
    ports = sorted({port for _, port in group.listens})
    kv = config.kv if config is not None else None
    return (
        tag("th", str(group.pid), scope="row"),
        group.family.value,
        config.role.value if config is not None else tag("td", "launcher is gone", css="critical"),
        (config.served_model_name or config.model if config is not None else None) or words.DASH,
        ", ".join(map(str, ports)) or words.DASH,
        str(len(group.of_kind(ProcessKind.ENGINE_CORE)) or words.DASH),
        (kv.connector if kv is not None else None) or words.DASH,
        str(len(group.processes)),
    )


def _logs(reading: HostReading) -> Html:
    logs: HostLogs | None = reading.logs
    if logs is None:
        return Html("")
    notes = [tag("p", note, css="warning") for note in logs.notes]
    rows = [_log_row(source, logs.balancedness) for source in logs.sources]
    return join((*notes, table("Engine logs", _LOG_HEAD, rows) if rows else ""))


def _log_row(source: SourceLog, balances: Iterable[Balancedness]) -> tuple[str, ...]:
    faults = ", ".join(f"{kind.value} {count}" for kind, count in source.faults.items())
    return (
        tag("th", source.source, scope="row"),
        source.version or words.DASH,
        words.count(source.lines),
        faults or "none",
        ", ".join(_even(source, balances)) or words.DASH,
    )


def _even(source: SourceLog, balances: Iterable[Balancedness]) -> Iterator[str]:
    return (f"{balance.model} {balance.ratio:.2f}" for balance in balances if balance.source == source.source)


def _share(used: int | None, total: int | None) -> str:
    if used is None or not total:
        return _bytes(used)
    return f"{_bytes(used)} of {_bytes(total)}"


def _bytes(value: float | None) -> str:
    if value is None:
        return words.DASH
    for unit in ("B", "KiB", "MiB", "GiB", "TiB"):
        if value < 1024:
            return f"{value:.0f} {unit}" if value >= 10 or unit == "B" else f"{value:.1f} {unit}"
        value /= 1024
    return f"{value:.1f} PiB"


def _rate(bits: int | None) -> str:
    return words.DASH if bits is None else f"{bits / 1e9:g} Gb/s"


def _scaled(value: float | None, scale: float) -> float | None:
    return None if value is None else value * scale


def _with_unit(value: float | None, unit: str) -> str:
    return words.DASH if value is None else f"{value:.0f} {unit}"
