"""A driver library of our own that does what a text file says, and collectors that find it."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pdwatch.host.collector import CollectError
from pdwatch.host.nvml.supervisor import NvmlCollector, Patience
from pdwatch.model.gpu import NvmlReading

SOURCE = Path(__file__).parent / "fake" / "fake_nvml.c"
GENEROUS_SECONDS = 30.0

H200 = {
    "name": "NVIDIA H200",
    "serial": "1650024001234",
    "pci": "00000000:1B:00.0",
    "minor": "0",
    "numa": "1",
    "util_gpu": "97",
    "util_memory": "41",
    "memory_total": str(150754820096),
    "memory_used": str(120259084288),
    "memory_reserved": str(645922816),
    "temperature": "58",
    "temperature_margin": "29",
    "clock.1": "1755",
    "clock.2": "3201",
    "max_clock.1": "1980",
    "max_clock.2": "3201",
    "clocks_event_reasons": "0",
    "pcie_generation": "5",
    "pcie_generation_max": "5",
    "pcie_width": "16",
    "pcie_width_max": "16",
    "mig_mode": "0",
    "field.185": "u 612500",
    "field.186": "u 640000",
    "field.190": "u 700000",
    "field.83": "q 987654321",
    "field.82": "u 71",
    "field.74": "q 2500000000",
    "field.269": "q 0",
    "field.270": "q 0",
    "field.271": "q 0",
    "field.197": "q 123456789",
    "field.198": "q 234567890",
    "field.94": "u 0",
    "field.91": "u 18",
    "field.138.all": "q 1000",
    "field.139.all": "q 2000",
    "field.3": "q 0",
    "field.4": "q 0",
    "field.5": "q 12",
    "field.6": "q 0",
    "field.142": "u 1",
    "field.143": "u 0",
    "field.144": "u 0",
    "field.145": "u 0",
    "field.165": "u 1",
    "field.161": "q 0",
    "field.162": "q 0",
    "field.163": "q 3",
    "field.230": "u 0",
    "fabric": "3 0 0 0 0 00000000000000000000000000000000",
}
GB200_CHANGES = {
    "name": "NVIDIA GB200",
    "field.138.all": "",
    "field.139.all": "",
    "field.161": "",
    "field.162": "",
    "field.163": "",
    "field.202.all": "q 5000000",
    "field.204.all": "q 7000000",
    "field.208.all": "q 4",
    "field.214.all": "q 0",
    "field.170": "u 10",
    "field.171": "u 1",
    "field.171.9": "u 0",
    "field.172": "u 45000",
    "field.172.9": "error 3",
    "field.232": "q 1",
    "fabric": "3 0 7 0x55aa 2 0a1b2c3d4e5f60718293a4b5c6d7e8f9",
}


class State:
    """What the fake driver says. Changes reach it when they are written, all at once."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._facts: dict[tuple[str, str], str] = {}

    def set(self, scope: str, **facts: str) -> None:
        """Say *facts* of *scope* from now on; two underscores in a name stand for a dot, an empty fact is forgotten."""
        self.update(scope, {name.replace("__", "."): value for name, value in facts.items()})

    def update(self, scope: str, facts: dict[str, str]) -> None:
        """Say *facts* of *scope* from now on; an empty fact is forgotten."""
        self._facts |= {(scope, name): value for name, value in facts.items()}
        lines = [f"{scope} {name} {value}\n" for (scope, name), value in self._facts.items() if value]
        fresh = self.path.with_suffix(".new")
        fresh.write_text("".join(lines))
        fresh.replace(self.path)


class Clock:
    """The monotonic clock, which a test can push forward."""

    def __init__(self) -> None:
        self._offset = 0.0

    def __call__(self) -> float:
        return time.monotonic() + self._offset

    def advance(self, seconds: float) -> None:
        """Let *seconds* pass."""
        self._offset += seconds


def build(folder: Path, *options: str) -> Path:
    """Build the fake library in *folder*."""
    compiler = shutil.which("gcc")
    if compiler is None:
        pytest.fail("gcc is needed to build the fake NVML library: apt-get install gcc libc6-dev")
    folder.mkdir()
    library = folder / "libnvidia-ml.so.1"
    command = [compiler, "-Wall", "-Wextra", "-Werror", "-O1", "-shared", "-fPIC", *options]
    subprocess.run([*command, "-Wl,-soname,libnvidia-ml.so.1", "-o", library, SOURCE], check=True)
    return folder


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a fake driver library that has every function."""
    return build(tmp_path_factory.mktemp("nvml") / "full")


@pytest.fixture(scope="session")
def old_library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a fake driver library without the newer functions."""
    return build(tmp_path_factory.mktemp("nvml") / "old", "-DOLD_DRIVER")


@pytest.fixture
def state(tmp_path: Path) -> State:
    """The fake driver's facts: one H200, which tests change."""
    state = State(tmp_path / "state.txt")
    state.set("system", count="1", driver="580.65.06", nvml="13.580.65.06", cuda="13000")
    state.update("*", H200)
    return state


@pytest.fixture
def gb200(state: State) -> State:
    """The fake driver's facts: a GB200 in an NVL72 domain with one C2C link down."""
    state.update("*", GB200_CHANGES)
    return state


@pytest.fixture
def environment(library: Path, state: State) -> dict[str, str]:
    """Environment in which the child finds the fake library."""
    return {**os.environ, "LD_LIBRARY_PATH": str(library), "FAKE_NVML_STATE": str(state.path)}


@pytest.fixture
def clock() -> Clock:
    """The clock of `collector`."""
    return Clock()


@pytest.fixture
def make_collector(environment: dict[str, str], clock: Clock) -> Iterator[Callable[..., NvmlCollector]]:
    """Make collectors on the fake library, closed at the end."""
    made: list[NvmlCollector] = []

    def make(**options: object) -> NvmlCollector:
        settings = {"environment": environment, "clock": clock, "patience": Patience(answer=GENEROUS_SECONDS)}
        made.append(NvmlCollector(**(settings | options)))
        return made[-1]

    yield make
    for collector in made:
        collector.close()


@pytest.fixture
def collector(make_collector: Callable[..., NvmlCollector]) -> NvmlCollector:
    """A collector on the fake library."""
    return make_collector()


@pytest.fixture
def collect_until() -> Callable[..., NvmlReading]:
    """Collect again and again until a reading is as wanted, for a generous while."""

    def collect(collector: NvmlCollector, wanted: Callable[[NvmlReading], bool]) -> NvmlReading:
        end = time.monotonic() + GENEROUS_SECONDS
        last: object = None
        while time.monotonic() < end:
            try:
                last = reading = collector.collect()
                if wanted(reading):
                    return reading
            except CollectError as error:
                last = error
            time.sleep(0.02)
        return pytest.fail(f"nothing wanted came; the last was {last}")

    return collect
