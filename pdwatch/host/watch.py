"""This host as its own collectors see it: GPUs, fabric ports, engine processes and engine logs."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pdwatch.host.collector import Collector, Result
from pdwatch.host.fabric.pairing import pair
from pdwatch.host.paced import PacedCollector
from pdwatch.model.gpu import NvmlReading
from pdwatch.model.host import HostOrigin, HostReading
from pdwatch.model.logline import HostLogs
from pdwatch.model.port import FabricReading
from pdwatch.model.process import HostProcesses

T = TypeVar("T")
Clock = Callable[[], float]

KEEP_INTERVALS = 3.0
"""Intervals for which the last data of a collector that hangs are shown."""
JOIN_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Collectors:
    """What to collect with. Each is run on a thread of its own and closed there."""

    gpus: Collector[NvmlReading]
    fabric: Collector[FabricReading]
    processes: Collector[HostProcesses]
    logs: Collector[HostLogs]


class HostWatch:
    """Runs the collectors from `start` to `close`, every *interval* seconds each; `reading` never waits for one.

    *clock* gives Unix seconds, *monotonic* measures.
    """

    def __init__(
        self,
        host: str,
        collectors: Collectors,
        *,
        interval: float = 5.0,
        sysfs: Path = Path("/sys"),
        clock: Clock = time.time,
        monotonic: Clock = time.monotonic,
    ) -> None:
        self.host = host
        self._sysfs = sysfs
        self._clock = clock
        self._monotonic = monotonic
        self._gpus = PacedCollector(collectors.gpus, interval, monotonic)
        self._fabric = PacedCollector(collectors.fabric, interval, monotonic)
        self._processes = PacedCollector(collectors.processes, interval, monotonic)
        self._logs = PacedCollector(collectors.logs, interval, monotonic)
        self._all = (self._gpus, self._fabric, self._processes, self._logs)
        self._nearest: tuple[object, dict[int, tuple[str, ...]]] = (None, {})

    def start(self) -> None:
        """Begin to collect."""
        for paced in self._all:
            paced.start()

    def wait_first(self, seconds: float) -> bool:
        """Wait up to *seconds* until each collector has an outcome; tell whether all have."""
        until = self._monotonic() + seconds
        came = [paced.wait_first(max(0.0, until - self._monotonic())) for paced in self._all]
        return all(came)

    def close(self) -> bool:
        """Stop collecting; tell whether every thread ended in time."""
        for paced in self._all:
            paced.stop()
        until = self._monotonic() + JOIN_SECONDS
        ended = [paced.join(max(0.0, until - self._monotonic())) for paced in self._all]
        return all(ended)

    def reading(self) -> HostReading:
        """Return the newest of what each collector told, and why one tells nothing."""
        gpus, fabric = self._data(self._gpus), self._data(self._fabric)
        absent: dict[str, str] = {}
        failed: dict[str, str] = {}
        seconds: dict[str, float] = {}
        for paced in self._all:
            self._note(paced, absent, failed, seconds)
        return HostReading(
            host=self.host,
            origin=HostOrigin.LOCAL,
            at=self._clock(),
            gpus=gpus,
            fabric=fabric,
            processes=self._data(self._processes),
            logs=self._data(self._logs),
            absent=absent,
            failed=failed,
            seconds=seconds,
            nearest=self._pairs(gpus, fabric),
        )

    def _data(self, paced: PacedCollector[T]) -> T | None:
        """Return what a collector told last, as long as that is not too old."""
        latest = paced.latest
        if latest is None or self._monotonic() - latest.came > KEEP_INTERVALS * paced.interval:
            return None
        return latest.outcome.data

    def _note(
        self,
        paced: PacedCollector[Any],
        absent: dict[str, str],
        failed: dict[str, str],
        seconds: dict[str, float],
    ) -> None:
        waited = paced.hanging()
        latest = paced.latest
        if latest is not None:
            seconds[paced.name] = latest.outcome.seconds
            if latest.outcome.result is Result.ABSENT:
                absent[paced.name] = latest.outcome.reason
            elif latest.outcome.result is Result.FAILED:
                failed[paced.name] = latest.outcome.reason
        if waited is not None and waited > paced.interval:
            failed[paced.name] = f"no answer for {waited:.0f} s"

    def _pairs(self, gpus: NvmlReading | None, fabric: FabricReading | None) -> dict[int, tuple[str, ...]]:
        """Return the devices nearest to each GPU; looked up again when GPUs or devices change."""
        if gpus is None or fabric is None:
            return {}
        places = {gpu.pci_bus_id: gpu.index for gpu in gpus.gpus if gpu.pci_bus_id}
        key = (tuple(places.items()), tuple((device.name, device.pci_path) for device in fabric.devices))
        if self._nearest[0] != key:
            found = pair(places, fabric.devices, self._sysfs)
            self._nearest = key, {places[bus_id]: pairing.devices for bus_id, pairing in found.items()}
        return self._nearest[1]


def is_telling(reading: HostReading) -> bool:
    """Whether a host has anything to watch: one of its collectors told something, or failed to."""
    kinds = (reading.gpus, reading.fabric, reading.processes, reading.logs)
    return bool(reading.failed) or any(kind is not None for kind in kinds)
