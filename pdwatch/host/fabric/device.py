"""One device below `class/infiniband`: facts and file lists looked up now and then, states and counters each time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from pdwatch.host.fabric import facts
from pdwatch.host.fabric.files import Notes, fact, names, numbers
from pdwatch.host.fabric.identity import identity
from pdwatch.host.fabric.layout import Files, PortLayout, counter_files, port_layout
from pdwatch.host.fabric.normalise import Extender, normalise
from pdwatch.model.port import DeviceReading, PortReading, PortState

Read = tuple[DeviceReading, tuple[PortReading, ...]]


class Device:
    """Reads one device, one thread at a time. `position` and `known` may be looked at from any thread."""

    def __init__(self, folder: str, sysfs: Path) -> None:
        self._folder = folder
        self._sysfs = sysfs
        self._notes = Notes()
        self._scanned_at: float | None = None
        self._identity = DeviceReading(Path(folder).name)
        self._files: Files = ()
        self._ports: tuple[PortLayout, ...] = ()
        self._extenders: dict[int, Extender] = {}

    @property
    def known(self) -> DeviceReading:
        """What the device is, as far as it was found out."""
        return self._identity

    @property
    def position(self) -> str:
        """The file being read, below the device's folder."""
        return self._notes.position

    def read(self, now: float, rescan: float) -> Read:
        """Read states and counters at *now*; look up the rest again when that is *rescan* seconds ago (monotonic)."""
        if self._scanned_at is None or now - self._scanned_at >= rescan:
            self._scan()
            self._scanned_at = now
        notes = self._note("", self._identity.unreadable)
        raw = numbers(self._files, notes)
        ports = tuple(self._port(layout) for layout in self._ports)
        return replace(self._identity, raw=raw, unreadable=notes.unreadable), ports

    def _note(self, folder: str, unreadable: Mapping[str, str] | None = None) -> Notes:
        self._notes = Notes(folder, unreadable=dict(unreadable or {}))
        return self._notes

    def _scan(self) -> None:
        notes = self._note("")
        self._identity = identity(self._folder, self._sysfs, notes)
        self._files = counter_files(self._folder, ("hw_counters",), notes)
        numbered = sorted(int(name) for name in names(self._folder, "ports", notes) if name.isdecimal())
        self._ports = tuple(
            port_layout(self._folder, number, self._identity.driver, self._note(f"ports/{number}/"))
            for number in numbered
        )

    def _port(self, layout: PortLayout) -> PortReading:
        notes = self._note(f"ports/{layout.number}/", layout.unreadable)
        state = facts.port_state(fact(layout.folder, "state", notes))
        active = state is PortState.ACTIVE
        rate = facts.rate(fact(layout.folder, "rate", notes)) if active else None
        raw = numbers(layout.files, notes)
        canonical = normalise(layout.rows, raw, self._extenders.setdefault(layout.number, Extender()))
        return PortReading(
            device=self._identity.name,
            port=layout.number,
            state=state,
            physical_state=facts.physical_state(fact(layout.folder, "phys_state", notes)),
            link_layer=layout.link_layer,
            netdev=layout.netdev,
            rate_bits_per_second=rate.bits_per_second if rate else None,
            lanes=rate.lanes if rate else None,
            speed=rate.speed if rate else None,
            lifespan_seconds=layout.lifespan_seconds,
            counters=canonical.counters,
            gauges=canonical.gauges,
            raw=raw,
            saturated=frozenset(canonical.saturated),
            unreadable=notes.unreadable,
        )
