"""A fabric reading as a table for people."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pdwatch.model.port import DeviceReading, FabricReading, PortCounter, PortReading

_HEAD = ("port", "driver", "link", "state", "rate", "interface", "pci", "numa", "received", "sent", "notes")
_UNITS = ("B", "kB", "MB", "GB", "TB", "PB", "EB", "ZB")


def table(reading: FabricReading) -> str:
    """Return a line for each port and for each device without one."""
    known = {device.name: device for device in reading.devices}
    rows = [_port(port, known[port.device]) for port in reading.ports]
    with_ports = {port.device for port in reading.ports}
    rows += [_device(device) for device in reading.devices if device.name not in with_ports]
    return "\n".join(_aligned([_HEAD, *rows]))


def _port(port: PortReading, device: DeviceReading) -> Sequence[str]:
    rate = port.rate_bits_per_second
    return (
        f"{port.device}/{port.port}",
        device.driver or "-",
        port.link_layer or "-",
        port.state or "-",
        f"{rate / 1e9:g} Gb/s" if rate is not None else "-",
        port.netdev or "-",
        device.pci_slot or "-",
        "-" if device.numa_node is None else str(device.numa_node),
        _bytes(port.counters.get(PortCounter.RX_BYTES)),
        _bytes(port.counters.get(PortCounter.TX_BYTES)),
        "; ".join(_notes(port)),
    )


def _device(device: DeviceReading) -> Sequence[str]:
    blank = ["-"] * (len(_HEAD) - 3)
    return (device.name, device.driver or "-", *blank, f"stale: {device.stale}" if device.stale else "no port")


def _notes(port: PortReading) -> Iterable[str]:
    if port.slower_than_siblings:
        yield f"slower than its siblings ({(port.sibling_rate_bits_per_second or 0) / 1e9:g} Gb/s)"
    if port.saturated:
        yield "saturated: " + ", ".join(sorted(port.saturated))
    if port.unreadable:
        name, reason = next(iter(port.unreadable.items()))
        more = f" and {len(port.unreadable) - 1} more" if len(port.unreadable) > 1 else ""
        yield f"unreadable: {name} ({reason}){more}"


def _bytes(count: int | None) -> str:
    if count is None:
        return "-"
    value, power = float(count), 0
    while value >= 1000 and power < len(_UNITS) - 1:
        value, power = value / 1000, power + 1
    return f"{value:.3g} {_UNITS[power]}"


def _aligned(rows: Sequence[Sequence[str]]) -> Iterable[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
