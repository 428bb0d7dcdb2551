"""Which ports processes listen on and which addresses their network namespace has.

Read from `/proc/PID/net`, which shows the namespace of that process: two pods that both listen on 8000 stay apart.
"""

from __future__ import annotations

import ipaddress
import re
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import islice

from pdwatch.host.processes.procfs import Gone, ProcFs

_LISTEN = "0A"
_MOST_DESCRIPTORS = 65536
_LOCAL_V4 = re.compile(r"\|-- (\d+\.\d+\.\d+\.\d+)\n\s+/32 host LOCAL")
_SOCKET = re.compile(r"socket:\[(\d+)\]")

Endpoint = tuple[str, int]


@dataclass(slots=True)
class Sockets:
    """Sockets of many processes, each network namespace read once."""

    procfs: ProcFs
    _listening: dict[str, dict[int, Endpoint]] = field(default_factory=dict)

    def listens(self, pids: Iterable[int]) -> tuple[Endpoint, ...]:
        """Return address and port of every TCP socket that one of *pids* listens on; none where unreadable."""
        found: set[Endpoint] = set()
        for pid in pids:
            try:
                table = self._table(pid)
                found.update(table[inode] for inode in self._inodes(pid) if inode in table)
            except (Gone, OSError):
                continue
        return tuple(sorted(found))

    def addresses(self, pid: int) -> tuple[str, ...]:
        """Return the addresses of the process's network namespace; none where unreadable."""
        found: set[str] = set()
        try:
            found.update(_LOCAL_V4.findall(self.procfs.read(pid, "net/fib_trie").decode("ascii", "replace")))
        except (Gone, OSError):
            return ()
        try:
            lines = self.procfs.read(pid, "net/if_inet6").decode("ascii", "replace").splitlines()
        except (Gone, OSError):
            lines = []
        found.update(str(ipaddress.IPv6Address(int(line.split()[0], 16))) for line in lines if line[:32].isalnum())
        return tuple(sorted(found))

    def _table(self, pid: int) -> dict[int, Endpoint]:
        namespace = self._namespace(pid)
        if namespace not in self._listening:
            self._listening[namespace] = {
                **_listening(self.procfs.read(pid, "net/tcp")),
                **_listening(self._read_or_nothing(pid, "net/tcp6")),
            }
        return self._listening[namespace]

    def _namespace(self, pid: int) -> str:
        try:
            return str((self.procfs.root / str(pid) / "ns" / "net").readlink())
        except OSError:
            return f"pid {pid}"

    def _read_or_nothing(self, pid: int, name: str) -> bytes:
        try:
            return self.procfs.read(pid, name)
        except Gone:
            return b""

    def _inodes(self, pid: int) -> set[int]:
        folder = self.procfs.root / str(pid) / "fd"
        found: set[int] = set()
        for entry in islice(folder.iterdir(), _MOST_DESCRIPTORS):
            try:
                match = _SOCKET.fullmatch(str(entry.readlink()))
            except OSError:
                continue
            if match:
                found.add(int(match[1]))
        return found


def _listening(table: bytes) -> dict[int, Endpoint]:
    """Return listening sockets of a `net/tcp` table by inode."""
    found: dict[int, Endpoint] = {}
    for line in table.decode("ascii", "replace").splitlines()[1:]:
        fields = line.split()
        if len(fields) > 9 and fields[3] == _LISTEN and fields[9].isdigit():
            address, _, port = fields[1].partition(":")
            try:
                found[int(fields[9])] = (_address(address), int(port, 16))
            except ValueError:
                continue
    return found


def _address(text: str) -> str:
    """Return the address of a hexadecimal one, whose 32-bit words are in the byte order of the machine."""
    raw = bytes.fromhex(text)
    if sys.byteorder == "little":
        raw = b"".join(raw[at : at + 4][::-1] for at in range(0, len(raw), 4))
    address = ipaddress.ip_address(raw)
    mapped = getattr(address, "ipv4_mapped", None)
    return str(mapped or address)
