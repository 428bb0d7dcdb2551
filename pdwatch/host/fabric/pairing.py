"""Which network ports are near which GPU: by their places on the PCI bus, else by NUMA node."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum
from itertools import takewhile
from pathlib import Path

from pdwatch.host.fabric.facts import numa_node
from pdwatch.host.fabric.pci import pci_path
from pdwatch.model.port import DeviceReading


class Nearness(IntEnum):
    """How far data goes between two PCI devices; a higher one is nearer."""

    HOST = 0
    """Across the link between CPU sockets, or not known."""
    NUMA_NODE = 1
    ROOT = 2
    """Through the same PCI root of the CPU."""
    SWITCH = 3
    """Below a common PCI bridge: peer to peer without the CPU."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a PCI device is."""

    path: tuple[str, ...] = ()
    """Root, bridges and slot; empty when not known."""
    numa_node: int | None = None


@dataclass(frozen=True, slots=True)
class Pairing:
    """The RDMA devices nearest to one GPU; more than one when they are equally near."""

    devices: tuple[str, ...]
    nearness: Nearness


def place_of(pci_bus_id: str, sysfs: Path = Path("/sys")) -> Place:
    """Look up the place of a PCI device, for instance of a GPU; empty when *sysfs* does not have it."""
    slot = pci_bus_id.lower()
    try:
        node = (sysfs / "bus/pci/devices" / slot / "numa_node").read_text(encoding="ascii").strip()
    except OSError:
        node = None
    return Place(pci_path(sysfs, slot), numa_node(node))


def nearness(one: Place, other: Place) -> tuple[Nearness, int]:
    """Return how near two devices are, and the number of bridges on their common way from the root."""
    steps = zip(one.path, other.path, strict=False)
    common = sum(1 for _ in takewhile(lambda step: step[0] == step[1], steps))
    if common:
        return (Nearness.SWITCH, common - 1) if common > 1 else (Nearness.ROOT, 0)
    same_node = one.numa_node is not None and one.numa_node == other.numa_node
    return (Nearness.NUMA_NODE if same_node else Nearness.HOST), 0


def nearest(gpu: Place, devices: Iterable[DeviceReading]) -> Pairing | None:
    """Return the devices nearest to *gpu*; `None` when none sits on a PCI bus."""
    near = {d.name: nearness(gpu, Place(d.pci_path, d.numa_node)) for d in devices if d.pci_slot}
    if not near:
        return None
    best = max(near.values())
    return Pairing(tuple(name for name, value in near.items() if value == best), best[0])


def pair(
    pci_bus_ids: Iterable[str], devices: Iterable[DeviceReading], sysfs: Path = Path("/sys")
) -> dict[str, Pairing]:
    """Return the nearest devices for each GPU, by its PCI bus id (`0000:1b:00.0`)."""
    known = tuple(devices)
    found = {bus_id: nearest(place_of(bus_id, sysfs), known) for bus_id in pci_bus_ids}
    return {bus_id: pairing for bus_id, pairing in found.items() if pairing is not None}
