"""Trees like `/sys`, made of the dumps below `sys/`: a line `path: content` for each file of one device."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

DUMPS = Path(__file__).parent / "sys"
GENEROUS = 30.0


def read_dump(name: str) -> dict[str, str]:
    """Return the files of one dump; `\\n` in a content is a line end."""
    lines = (DUMPS / f"{name}.txt").read_text().splitlines()
    return {file: text.replace("\\n", "\n") for file, _, text in (line.partition(": ") for line in lines)}


@dataclass
class SysTree:
    """Writes devices below a folder."""

    root: Path
    pipes: list[Path] = field(default_factory=list)

    @property
    def folder(self) -> Path:
        """Where the kernel lists the devices."""
        return self.root / "class/infiniband"

    def add(self, dump: str, name: str = "", *, bus: str = "", files: Mapping[str, str | None] | None = None) -> Path:
        """Write the device of a dump, as a link into the PCI path *bus* if one is given, with some *files* changed."""
        name = name or dump
        device = self.root / "devices" / bus / "infiniband" / name if bus else self.folder / name
        for file, text in (read_dump(dump) | dict(files or {})).items():
            if text is not None:
                path = self.pci(bus) / file.removeprefix("device/") if bus and "device/" in file else device / file
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text + "\n")
        if bus:
            (device / "device").symlink_to("../..")
            self.folder.mkdir(parents=True, exist_ok=True)
            (self.folder / name).symlink_to(device)
        return self.folder / name

    def pci(self, bus: str, numa_node: int | None = None) -> Path:
        """Make a PCI device, and the link by its slot."""
        path = self.root / "devices" / bus
        path.mkdir(parents=True, exist_ok=True)
        link = self.root / "bus/pci/devices" / path.name
        link.parent.mkdir(parents=True, exist_ok=True)
        if not link.is_symlink():
            link.symlink_to(path)
        if numa_node is not None:
            (path / "numa_node").write_text(f"{numa_node}\n")
        return path

    def block(self, path: Path) -> None:
        """Let reads of a file block, as those of a card whose firmware hangs."""
        path.unlink(missing_ok=True)
        os.mkfifo(path)
        self.pipes.append(path)

    def release(self) -> None:
        """Let the blocked reads end and the files hold numbers again."""
        for pipe in self.pipes:
            with suppress(OSError):  # nobody reads it
                os.close(os.open(pipe, os.O_WRONLY | os.O_NONBLOCK))
            pipe.unlink()
            pipe.write_text("0\n")
        self.pipes.clear()


@pytest.fixture
def tree(tmp_path: Path) -> Iterator[SysTree]:
    """An empty tree; blocked reads end with the test."""
    made = SysTree(tmp_path / "sys")
    made.root.mkdir()
    yield made
    made.release()


@pytest.fixture
def every_dump() -> tuple[str, ...]:
    """The names of all dumps."""
    return tuple(sorted(path.stem for path in DUMPS.glob("*.txt")))


@pytest.fixture
def dumped() -> Callable[[str], dict[str, str]]:
    """The files of a dump."""
    return read_dump


@pytest.fixture
def until() -> Callable[[Callable[[], bool]], None]:
    """Wait for a condition."""

    def wait(condition: Callable[[], bool]) -> None:
        end = time.monotonic() + GENEROUS
        while not condition():
            assert time.monotonic() < end, "waited in vain"
            time.sleep(0.01)

    return wait
