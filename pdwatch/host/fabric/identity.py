"""What a device is: driver, maker, firmware, place on the PCI bus."""

from __future__ import annotations

import os
from pathlib import Path

from pdwatch.host.fabric import facts
from pdwatch.host.fabric.files import Notes, fact, pairs
from pdwatch.host.fabric.pci import path_of, pci_path, slot_of
from pdwatch.model.port import DeviceReading


def identity(folder: str, sysfs: Path, notes: Notes) -> DeviceReading:
    """Return the facts of the device in *folder*; what its driver does not give is `None`."""
    name = Path(folder).name
    event = pairs(fact(folder, "device/uevent", notes))
    vendor = fact(folder, "device/vendor", notes)
    target = os.path.realpath(f"{folder}/device")
    slot = slot_of(event.get("PCI_SLOT_NAME")) or slot_of(Path(target).name)
    driver = facts.driver(name, _bound(folder) or event.get("DRIVER"), vendor, Path(folder, "parent").exists())
    return DeviceReading(
        name=name,
        driver=driver,
        vendor=facts.vendor(vendor),
        firmware=fact(folder, "fw_ver", notes),
        board=fact(folder, "board_id", notes),
        type=fact(folder, "hca_type", notes),
        guid=facts.guid(fact(folder, "node_guid", notes)),
        pci_slot=slot,
        pci_path=path_of(target) or (pci_path(sysfs, slot) if slot else ()),
        numa_node=facts.numa_node(fact(folder, "device/numa_node", notes)),
        unreadable=notes.unreadable,
    )


def _bound(folder: str) -> str | None:
    try:
        return Path(os.readlink(f"{folder}/device/driver")).name  # noqa: PTH115 - beside the other strings of this room
    except OSError:
        return None
