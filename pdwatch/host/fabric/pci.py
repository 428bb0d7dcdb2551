"""Where on the PCI bus a device sits."""

from __future__ import annotations

import os
import re
from pathlib import Path

_ROOT = re.compile(r"pci[0-9a-f]{4,}:[0-9a-f]{2}")
_SLOT = re.compile(r"[0-9a-f]{4,}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]")


def slot_of(name: str | None) -> str | None:
    """Return *name* when it is a slot, `0000:18:00.0`."""
    return name if name is not None and _SLOT.fullmatch(name) else None


def path_of(target: str) -> tuple[str, ...]:
    """Return root, bridges and slot in the real path of a device, `/sys/devices/pci0000:15/...`; empty without any."""
    parts = Path(target).parts
    start = next((index for index, part in enumerate(parts) if _ROOT.fullmatch(part)), len(parts))
    return parts[start:]


def pci_path(sysfs: Path, slot: str) -> tuple[str, ...]:
    """Return the path of the device in *slot*; empty when there is no such device."""
    return path_of(os.path.realpath(sysfs / "bus/pci/devices" / slot))
