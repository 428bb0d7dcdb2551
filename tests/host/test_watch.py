"""Collectors on threads of their own."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from pdwatch.host.collector import CollectError, NothingHere
from pdwatch.host.watch import Collectors, HostWatch, is_telling
from pdwatch.model.gpu import GpuReading, NvmlReading
from pdwatch.model.host import HostOrigin, HostReading
from pdwatch.model.logline import HostLogs
from pdwatch.model.port import DeviceReading, FabricReading
from pdwatch.model.process import HostProcesses

GENEROUS = 20.0


@dataclass
class Fake:
    """A collector that does as told, and counts."""

    name: str
    does: Callable[[], Any]
    collections: int = 0
    closed: threading.Event = field(default_factory=threading.Event)

    def collect(self) -> Any:
        self.collections += 1
        return self.does()

    def close(self) -> None:
        self.closed.set()


def nothing() -> Any:
    raise NothingHere("none here")


def until(condition: Callable[[], object]) -> None:
    end = time.monotonic() + GENEROUS
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.005)


@pytest.fixture
def watch() -> Iterator[Callable[..., HostWatch]]:
    """Start a watch over collectors by name; those not given find nothing."""
    made: list[HostWatch] = []

    def start(interval: float = 0.01, monotonic: Callable[[], float] = time.monotonic, **given: Fake) -> HostWatch:
        names = {"gpus": "nvml", "fabric": "fabric", "processes": "processes", "logs": "logs"}
        collectors = Collectors(**{key: given.get(key) or Fake(name, nothing) for key, name in names.items()})
        made.append(HostWatch("node0", collectors, interval=interval, clock=lambda: 99.0, monotonic=monotonic))
        made[-1].start()
        return made[-1]

    yield start
    for each in made:
        each.close()


def test_a_reading_has_what_each_collector_told(watch):
    """Data, nothing here and failed stand beside each other."""

    def fail() -> Any:
        raise CollectError("no rights; run as root")

    gpus = NvmlReading(1.0, (GpuReading(0),))
    watching = watch(gpus=Fake("nvml", lambda: gpus), processes=Fake("processes", fail))

    assert watching.wait_first(GENEROUS)
    reading = watching.reading()
    assert ("node0", HostOrigin.LOCAL, 99.0) == (reading.host, reading.origin, reading.at)
    assert gpus is reading.gpus
    assert {"fabric": "none here", "logs": "none here"} == reading.absent
    assert {"processes": "no rights; run as root"} == reading.failed
    assert {"nvml", "fabric", "processes", "logs"} == set(reading.seconds)


def test_each_collects_again_and_again(watch):
    """A collector that found nothing may find something later."""
    fabric = Fake("fabric", nothing)
    watching = watch(fabric=fabric)
    until(lambda: fabric.collections >= 3)
    fabric.does = lambda: FabricReading(5.0)

    until(lambda: watching.reading().fabric == FabricReading(5.0))
    assert "fabric" not in watching.reading().absent


def test_one_that_hangs_delays_nobody(watch):
    """The others go on, a reading does not wait, and it says which one hangs and for how long."""
    now = [0.0]
    release = threading.Event()
    hung = Fake("nvml", lambda: release.wait(GENEROUS) and NvmlReading(1.0))
    logs = Fake("logs", lambda: HostLogs(()))
    watching = watch(monotonic=lambda: now[0], gpus=hung, logs=logs, interval=0.01)
    until(lambda: hung.collections == 1 and logs.collections == 1)
    now[0] = 7.0
    reading = watching.reading()
    release.set()

    assert {"nvml": "no answer for 7 s"} == {name: why for name, why in reading.failed.items() if name == "nvml"}
    assert None is reading.gpus
    assert 1 == hung.collections


def test_what_a_hanging_collector_told_last_is_shown_for_a_while_only(watch):
    """Old values vanish after three intervals."""
    now = [0.0]
    release = threading.Event()
    answers = [HostProcesses(())]
    processes = Fake("processes", lambda: answers.pop() if answers else release.wait(GENEROUS) and HostProcesses(()))
    watching = watch(monotonic=lambda: now[0], interval=1.0, processes=processes)
    until(lambda: watching.reading().processes is not None)
    now[0] = 2.9
    shown = watching.reading().processes
    now[0] = 3.1
    gone = watching.reading().processes
    release.set()

    assert HostProcesses(()) == shown
    assert None is gone


def test_an_unforeseen_error_ends_no_collector(watch, caplog):
    """One odd file makes one failed collection, told and logged, and the next is tried."""
    odd: list[dict[str, Any]] = [{}]

    def trip_once() -> HostLogs:
        return odd.pop()["missing"] if odd else HostLogs(())

    watching = watch(logs=Fake("logs", trip_once))

    until(lambda: watching.reading().logs is not None)
    assert "collector logs failed" in caplog.text


def test_collectors_are_closed_on_their_own_threads(watch):
    """Closing gives back files and child processes, and ends every thread."""
    gpus, logs = Fake("nvml", nothing), Fake("logs", nothing)
    watching = watch(gpus=gpus, logs=logs, interval=60.0)
    watching.wait_first(GENEROUS)

    assert watching.close()
    assert gpus.closed.is_set()
    assert logs.closed.is_set()


def test_gpus_are_paired_with_the_nearest_devices(watch):
    """By their places on the bus: here, all that is known is that they are on one host."""
    gpus = NvmlReading(1.0, (GpuReading(3, pci_bus_id="0000:1b:00.0"), GpuReading(4)))
    fabric = FabricReading(1.0, (DeviceReading("mlx5_0", pci_slot="0000:18:00.0"),))
    watching = watch(gpus=Fake("nvml", lambda: gpus), fabric=Fake("fabric", lambda: fabric))
    watching.wait_first(GENEROUS)

    assert {3: ("mlx5_0",)} == watching.reading().nearest


@pytest.mark.parametrize(
    ("telling", "facts"),
    [
        (False, {}),
        (False, {"absent": {"nvml": "none"}}),
        (True, {"failed": {"nvml": "hung"}}),
        (True, {"logs": HostLogs(())}),
    ],
)
def test_a_host_with_nothing_to_watch_tells_nothing(telling, facts):
    """A monitoring host without GPUs, ports and engines does not show up as a host."""
    assert telling == is_telling(HostReading("node0", HostOrigin.LOCAL, 1.0, **facts))
