"""The words of sysfs as facts: states, rates, drivers, vendors. Pure functions of text.

Sources: `drivers/infiniband/core/sysfs.c` for the formats, the PCI vendor identifiers of the drivers.
"""

from __future__ import annotations

import re
from enum import Enum
from typing import NamedTuple, TypeVar

from pdwatch.model.port import LinkLayer, PhysicalState, PortState

E = TypeVar("E", bound=Enum)

_STATES = tuple(PortState)
_PHYSICAL_STATES = (None, *PhysicalState)
_RATE = re.compile(r"(\d+(?:\.\d+)?) G[bB]/sec(?: \((\d+)X(?: ([A-Z]+\d*))?\))?")
_VENDORS = {"0x15b3": "NVIDIA", "0x1d0f": "Amazon", "0x14e4": "Broadcom", "0x8086": "Intel", "0x434e": "Cornelis"}
_DRIVERS = {
    "mlx5_core": "mlx5",
    "mlx4_core": "mlx4",
    "bnxt_en": "bnxt_re",
    "ice": "irdma",
    "i40e": "irdma",
    "idpf": "irdma",
    "i40iw": "irdma",
}
"""By name of the PCI driver below the RDMA driver."""
_VENDOR_DRIVERS = {"0x15b3": "mlx5", "0x1d0f": "efa", "0x14e4": "bnxt_re"}
_NAME = re.compile(r"(mlx5|mlx4|hfi1|irdma|i40iw|efa|bnxt_re|rxe|siw)")
_SOFTWARE = ("rxe", "siw")


class Rate(NamedTuple):
    """A port's rate; lanes and speed are `None` where an old kernel leaves them out."""

    bits_per_second: int
    lanes: int | None
    speed: str | None


def port_state(text: str | None) -> PortState | None:
    """Read `4: ACTIVE`; `None` for a state that the kernel does not name either."""
    return _numbered(text, _STATES)


def physical_state(text: str | None) -> PhysicalState | None:
    """Read `5: LinkUp`."""
    return _numbered(text, _PHYSICAL_STATES)


def _numbered(text: str | None, members: tuple[E | None, ...]) -> E | None:
    number = (text or "").partition(":")[0]
    return members[int(number)] if number.isdecimal() and int(number) < len(members) else None


def link_layer(text: str | None) -> LinkLayer | None:
    """Read `InfiniBand` or `Ethernet`; EFA says `Unknown`."""
    return next((layer for layer in LinkLayer if layer == (text or "").lower()), None)


def rate(text: str | None) -> Rate | None:
    """Read `400 Gb/sec (4X NDR)`."""
    match = _RATE.match(text or "")
    if match is None:
        return None
    gigabits, lanes, speed = match.groups()
    return Rate(round(float(gigabits) * 1e9), int(lanes) if lanes else None, speed)


def vendor(identifier: str | None) -> str | None:
    """Return the maker of a PCI device."""
    return _VENDORS.get(identifier or "", identifier)


def driver(name: str, bound: str | None, vendor_id: str | None, software: bool) -> str | None:
    """Return the RDMA driver of the device *name*.

    *bound* is the driver of the PCI device. A *software* device may hang on somebody else's card, so it comes first.
    """
    match = _NAME.match(name)
    named = match[1] if match else None
    if named in _SOFTWARE or software:
        return named if named in _SOFTWARE else "rxe"
    found = bound or named or _VENDOR_DRIVERS.get(vendor_id or "")
    return _DRIVERS.get(found or "", found)


def numa_node(text: str | None) -> int | None:
    """Read a NUMA node; the kernel writes -1 for none."""
    return int(text) if text is not None and text.isdecimal() else None


def guid(text: str | None) -> str | None:
    """Return a GUID, `None` when it is all zeros."""
    return text if text is not None and text.strip("0:") else None
