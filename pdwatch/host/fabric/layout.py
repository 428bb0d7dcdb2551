"""What of a port changes only when somebody changes the host: its files, rows, link layer and interface."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pdwatch.host.fabric import facts
from pdwatch.host.fabric.files import Notes, content, fact, names, numbers
from pdwatch.host.fabric.normalise import choose
from pdwatch.host.fabric.table import Rows, rows_of
from pdwatch.model.port import LinkLayer

Files = tuple[tuple[str, str], ...]

_FOLDERS = ("counters", "counters_ext", "hw_counters")
_LIFESPAN = "hw_counters/lifespan"


@dataclass(frozen=True, slots=True)
class PortLayout:
    """One port's constant part."""

    number: int
    folder: str
    files: Files
    """Name below the port's folder and path of each counter."""
    rows: Rows
    link_layer: LinkLayer | None = None
    netdev: str | None = None
    lifespan_seconds: float | None = None
    unreadable: Mapping[str, str] = field(default_factory=dict)


def port_layout(device: str, number: int, driver: str | None, notes: Notes) -> PortLayout:
    """Look up a port of the device in the folder *device*."""
    folder = f"{device}/ports/{number}"
    files = counter_files(folder, _FOLDERS, notes)
    lifespan = numbers([(_LIFESPAN, f"{folder}/{_LIFESPAN}")], Notes()).get(_LIFESPAN)
    return PortLayout(
        number=number,
        folder=folder,
        files=files,
        rows=choose(rows_of(driver), {name for name, _ in files}),
        link_layer=facts.link_layer(fact(folder, "link_layer", notes)),
        netdev=netdev(device, number),
        lifespan_seconds=None if lifespan is None else lifespan / 1000,
        unreadable=notes.unreadable,
    )


def counter_files(folder: str, below: Sequence[str], notes: Notes) -> Files:
    """Return the counters in the folders *below*, of which any may be missing."""
    found = (f"{name}/{file}" for name in below for file in names(folder, name, notes))
    return tuple((file, f"{folder}/{file}") for file in found if file != _LIFESPAN)


def netdev(device: str, number: int) -> str | None:
    """Return the interface of a port: that of its first GID, else the one with its number on the same card."""
    named = _quiet(f"{device}/ports/{number}/gid_attrs/ndevs/0")
    if named:
        return named
    interfaces = names(device, "device/net", Notes())
    ports = {_quiet(f"{device}/device/net/{name}/dev_port"): name for name in reversed(interfaces)}
    return ports.get(str(number - 1)) or (interfaces[0] if len(interfaces) == 1 else None)


def _quiet(path: str) -> str | None:
    """Return the text of a file whose absence says nothing; a port without interface gives EINVAL."""
    try:
        return content(path).decode("utf-8", "replace").strip()
    except OSError:
        return None
