"""The collector of RDMA devices and ports."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

from pdwatch.host.collector import CollectError, NothingHere
from pdwatch.host.fabric.device import Device, Read
from pdwatch.host.fabric.lanes import Lanes
from pdwatch.host.fabric.siblings import with_siblings
from pdwatch.model.port import DeviceReading, FabricReading

Clock = Callable[[], float]


class FabricCollector:
    """Reads every RDMA device below *sysfs*: InfiniBand, RoCE, iWARP, EFA, Omni-Path and software ones.

    A collection takes at most *deadline* seconds. A device that does not answer by then is reported as stale and is
    not read again before it answers; the others are read, at the latest after *patience* seconds. Facts and file
    lists are looked up every *rescan* seconds. *clock* gives Unix seconds, *monotonic* measures.
    """

    name = "fabric"
    """Name in metrics and messages."""

    def __init__(
        self,
        sysfs: Path = Path("/sys"),
        *,
        deadline: float = 1.0,
        patience: float = 0.1,
        rescan: float = 60.0,
        clock: Clock = time.time,
        monotonic: Clock = time.monotonic,
    ) -> None:
        self._sysfs = sysfs
        self._rescan = rescan
        self._clock = clock
        self._monotonic = monotonic
        self._lanes: Lanes[Read] = Lanes("fabric", patience, deadline, monotonic)
        self._devices: dict[str, Device] = {}
        self._answered: dict[str, float] = {}

    def collect(self) -> FabricReading:
        """Read every device once.

        Raises `NothingHere` when the host has no RDMA device, `CollectError` when they cannot be listed. A file or a
        device that cannot be read costs only itself and says why.
        """
        self._find()
        now = self._monotonic()
        jobs = {name: partial(device.read, now, self._rescan) for name, device in self._devices.items()}
        read = self._lanes.run(jobs)
        at = self._clock()
        self._answered |= dict.fromkeys(read, at)
        devices = tuple(self._device(name, read.get(name)) for name in self._devices)
        ports = [port for name in self._devices if name in read for port in read[name][1]]
        return FabricReading(at, devices, with_siblings(devices, ports))

    def _find(self) -> None:
        folder = self._sysfs / "class/infiniband"
        names = _listed(folder)
        kept = {name: self._devices.get(name) for name in names}
        self._devices = {name: kept[name] or Device(str(folder / name), self._sysfs) for name in names}
        self._answered = {name: at for name, at in self._answered.items() if name in self._devices}

    def _device(self, name: str, read: Read | None) -> DeviceReading:
        if read is not None:
            return replace(read[0], answered_at=self._answered[name])
        return replace(self._devices[name].known, answered_at=self._answered.get(name), stale=self._why(name))

    def _why(self, name: str) -> str:
        began = self._lanes.hanging().get(name)
        if began is None:
            return "no answer in time"
        waited = self._monotonic() - began
        position = self._devices[name].position
        return f"no answer for {waited:.1f} s while reading {position}; not read again until it answers"


def _listed(folder: Path) -> list[str]:
    try:
        names = sorted(os.listdir(folder))  # noqa: PTH208 - names are what is needed
    except FileNotFoundError:
        raise NothingHere(f"no RDMA device: {folder} is not there") from None
    except OSError as error:
        raise CollectError(
            f"{folder} cannot be listed ({error.strerror}); name the right sysfs with --path.sysfs"
        ) from error
    if not names:
        raise NothingHere(f"no RDMA device in {folder}")
    return names
