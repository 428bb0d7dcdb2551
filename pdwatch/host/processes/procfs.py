"""A process file system below a configurable root, read file by file with bounds.

Gone          the process ended between two reads
PermissionError  as the kernel raises it: the file is another user's
"""

from __future__ import annotations

import math
import os
import re
from dataclasses import dataclass
from pathlib import Path

from pdwatch.host.processes.environment import allowed
from pdwatch.model.process import Container, Limits, ProcessState

_LARGEST = 1 << 20
_KERNEL_THREAD = 0x00200000
_STATES = {
    b"R": ProcessState.RUNNING,
    b"S": ProcessState.SLEEPING,
    b"I": ProcessState.SLEEPING,
    b"D": ProcessState.BLOCKED,
    b"T": ProcessState.STOPPED,
    b"t": ProcessState.STOPPED,
    b"Z": ProcessState.ZOMBIE,
    b"X": ProcessState.ZOMBIE,
}
_CONTAINER_ID = re.compile(r"(?:^|[/:-])([0-9a-f]{64})(?:\.scope)?(?=/|$)")
_POD = re.compile(r"pod([0-9a-f]{8}(?:[-_][0-9a-f]{4}){3}[-_][0-9a-f]{12})")
_UNIT = re.compile(r"/([\w@.:\\-]+\.service)(?=/|$)")


class Gone(Exception):  # noqa: N818 - a process that ends is no error
    """The process ended while it was being looked at."""


@dataclass(frozen=True, slots=True)
class Stat:
    """One process's line of `/proc/PID/stat`."""

    pid: int
    comm: str
    """At most 15 characters, set by the program."""
    state: ProcessState
    parent: int
    kernel_thread: bool
    start_ticks: int
    """Clock ticks after boot; with the pid it names a process for good."""


@dataclass(frozen=True, slots=True)
class ProcFs:
    """Reads `/proc`. Every method about one process raises `Gone` when it has ended."""

    root: Path = Path("/proc")
    ticks_per_second: int = os.sysconf("SC_CLK_TCK")

    def read(self, pid: int, name: str) -> bytes:
        """Return at most 1 MiB of `/proc/PID/name`."""
        try:
            with (self.root / str(pid) / name).open("rb", buffering=0) as file:
                return _read_all(file.fileno())
        except (FileNotFoundError, NotADirectoryError, ProcessLookupError):
            raise Gone(pid) from None

    def pids(self) -> list[int]:
        """Return every process id, ascending. Raises `OSError` where the root cannot be listed."""
        return sorted(int(path.name) for path in self.root.iterdir() if path.name.isascii() and path.name.isdecimal())

    def boot_time(self) -> float | None:
        """Return Unix seconds of the boot, `None` where `/proc/stat` does not tell."""
        try:
            text = (self.root / "stat").read_bytes()
        except OSError:
            return None
        match = re.search(rb"^btime (\d+)$", text, re.MULTILINE)
        return float(match[1]) if match else None

    def stat(self, pid: int) -> Stat:
        """Return the state, parent and start of a process. Its name may hold blanks, brackets and any byte."""
        before, _, after = self.read(pid, "stat").rpartition(b")")
        fields = after.split()
        comm = before.partition(b"(")[2].decode("utf-8", "replace")
        try:
            state = _STATES.get(fields[0], ProcessState.UNKNOWN)
            return Stat(pid, comm, state, int(fields[1]), bool(int(fields[6]) & _KERNEL_THREAD), int(fields[19]))
        except (IndexError, ValueError):
            raise Gone(pid) from None

    def arguments(self, pid: int) -> list[str]:
        """Return the argument list; empty for kernel threads and zombies. It holds secrets: never keep it."""
        raw = self.read(pid, "cmdline").rstrip(b"\0")
        return raw.decode("utf-8", "replace").split("\0") if raw else []

    def environment(self, pid: int) -> dict[str, str]:
        """Return the allow-listed variables of the environment."""
        return allowed(self.read(pid, "environ"))

    def limits(self, pid: int) -> Limits:
        """Return the soft limits that registering memory and many connections run into."""
        text = self.read(pid, "limits").decode("ascii", "replace")
        return Limits(_limit(text, "Max locked memory"), _limit(text, "Max open files"))

    def container(self, pid: int) -> Container:
        """Return what the control group's path tells about container, pod and unit."""
        text = self.read(pid, "cgroup").decode("utf-8", "replace").rstrip("\n")
        found = _CONTAINER_ID.findall(text.replace("\n", "/"))
        pod, unit = _POD.search(text), _UNIT.findall(text.replace("\n", "/"))
        return Container(
            found[-1] if found else None, pod[1].replace("_", "-") if pod else None, unit[-1] if unit else None
        )

    def memory_and_namespace_pid(self, pid: int) -> tuple[int | None, int | None]:
        """Return resident bytes and the innermost pid of a process in a pid namespace of its own."""
        text = self.read(pid, "status").decode("ascii", "replace")
        resident = re.search(r"^VmRSS:\s+(\d+) kB$", text, re.MULTILINE)
        spaces = re.search(r"^NSpid:\s+\d+(?:\s+\d+)*\s+(\d+)$", text, re.MULTILINE)
        return int(resident[1]) * 1024 if resident else None, int(spaces[1]) if spaces else None


def _read_all(file: int) -> bytes:
    parts: list[bytes] = []
    left = _LARGEST
    while left > 0 and (part := os.read(file, min(left, 1 << 16))):
        parts.append(part)
        left -= len(part)
    return b"".join(parts)


def _limit(text: str, name: str) -> float | None:
    match = re.search(rf"^{name}\s+(\d+|unlimited)\s", text, re.MULTILINE)
    if match is None:
        return None
    return math.inf if match[1] == "unlimited" else float(match[1])
