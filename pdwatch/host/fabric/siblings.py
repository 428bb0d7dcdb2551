"""Ports slower than others of their kind on the same host: a cable, a transceiver or a slot gone bad."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from pdwatch.model.port import DeviceReading, LinkLayer, PortReading

Kind = tuple[str | None, LinkLayer | None, str | None]


def with_siblings(devices: Iterable[DeviceReading], ports: Sequence[PortReading]) -> tuple[PortReading, ...]:
    """Return the *ports* of one host, each active one with the highest rate among the others of its kind."""
    known = {device.name: device for device in devices}
    rates: dict[Kind, list[int]] = defaultdict(list)
    for port in ports:
        if port.rate_bits_per_second is not None:
            rates[_kind(port, known)].append(port.rate_bits_per_second)
    ranked = {kind: sorted(values, reverse=True) for kind, values in rates.items()}
    return tuple(_with_sibling(port, ranked.get(_kind(port, known), [])) for port in ports)


def slow_ports(ports: Iterable[PortReading]) -> tuple[PortReading, ...]:
    """Return the active ports that run below the rate of their siblings."""
    return tuple(port for port in ports if port.slower_than_siblings)


def _with_sibling(port: PortReading, ranked: Sequence[int]) -> PortReading:
    own = port.rate_bits_per_second
    if own is None or len(ranked) < 2:
        return port
    best = ranked[1] if own == ranked[0] else ranked[0]
    return replace(port, sibling_rate_bits_per_second=best)


def _kind(port: PortReading, known: Mapping[str, DeviceReading]) -> Kind:
    """Boards differ in what they can do, so only the same board is compared; drivers without one give `None`."""
    device = known[port.device]
    return device.driver, port.link_layer, device.board
