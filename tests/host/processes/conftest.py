"""A fabricated `/proc` tree, and a scrubbed view on what leaves the collector."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from pdwatch.host.processes import ProcFs

LIMITS = """Limit                     Soft Limit           Hard Limit           Units
Max locked memory         {locked}              8388608              bytes
Max open files            65536                1048576              files
"""


@dataclass(frozen=True)
class ProcTree:
    """Writes processes below a folder in the kernel's formats."""

    root: Path

    def add(
        self,
        pid: int,
        argv: Sequence[str | bytes] = (),
        *,
        parent: int = 1,
        comm: str = "python3",
        state: str = "S",
        flags: int = 0x400000,
        ticks: int = 5000,
        environ: Mapping[str, str] | None = None,
        cgroup: str = "0::/user.slice\n",
        locked: str = "unlimited",
        rss_kb: int = 2048,
        nspid: str = "",
        listens: Sequence[tuple[str, int]] = (),
    ) -> Path:
        """Write one process and return its folder."""
        folder = self.root / str(pid)
        (folder / "net").mkdir(parents=True)
        raw = [part if isinstance(part, bytes) else part.encode() for part in argv]
        (folder / "cmdline").write_bytes(b"".join(part + b"\0" for part in raw))
        numbers = " ".join(["0"] * 12)
        (folder / "stat").write_text(f"{pid} ({comm}) {state} {parent} 1 1 0 -1 {flags} {numbers} {ticks} 0 0\n")
        status = f"Name:\t{comm}\nNSpid:\t{nspid or pid}\nVmRSS:\t{rss_kb} kB\n"
        (folder / "status").write_text(status)
        (folder / "environ").write_bytes(b"".join(f"{k}={v}".encode() + b"\0" for k, v in (environ or {}).items()))
        (folder / "limits").write_text(LIMITS.format(locked=locked))
        (folder / "cgroup").write_text(cgroup)
        self._sockets(pid, folder, listens)
        return folder

    def _sockets(self, pid: int, folder: Path, listens: Sequence[tuple[str, int]]) -> None:
        (folder / "fd").mkdir()
        (folder / "ns").mkdir()
        (folder / "ns" / "net").symlink_to(f"net:[{pid}]")
        lines = ["  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode"]
        for at, (address, port) in enumerate(listens):
            inode = pid * 100 + at
            packed = bytes(int(part) for part in address.split("."))[::-1].hex().upper()
            lines.append(
                f"   {at}: {packed}:{port:04X} 00000000:0000 0A 00000000:00000000 00:00000000 00000000 0 0 {inode} 1"
            )
            lines.append(
                f"   {at}: {packed}:9999 0100007F:0050 01 00000000:00000000 00:00000000 00000000 0 0 {inode}9 1"
            )
            (folder / "fd" / str(3 + at)).symlink_to(f"socket:[{inode}]")
        (folder / "net" / "tcp").write_text("\n".join(lines) + "\n")

    def address(self, pid: int, address: str) -> None:
        """Give the network namespace of *pid* an address."""
        lines = ("Main:", "  +-- 0.0.0.0/0 3 0 5", "     |-- 0.0.0.0", "        /0 universe UNICAST")
        text = "\n".join([*lines, f"     |-- {address}", "        /32 host LOCAL", ""])
        (self.root / str(pid) / "net" / "fib_trie").write_text(text)

    @property
    def procfs(self) -> ProcFs:
        """A reader of this tree."""
        return ProcFs(self.root, ticks_per_second=100)


@pytest.fixture
def proc(tmp_path: Path) -> ProcTree:
    """An otherwise idle host: init and one kernel thread, booted at 1700000000."""
    (tmp_path / "proc").mkdir()
    tree = ProcTree(tmp_path / "proc")
    (tree.root / "stat").write_text("cpu  1 2 3\nbtime 1700000000\n")
    (tree.root / "sys").mkdir()
    tree.add(1, ["/sbin/init"], parent=0, comm="systemd")
    tree.add(2, parent=0, comm="kthreadd", flags=0x208040)
    return tree


@pytest.fixture
def wide_ep(proc: ProcTree) -> ProcTree:
    """`vllm serve` with two ranks: launcher 100, cores 110 and 120, workers below them, a helper and a coordinator."""
    config = '{"kv_connector":"NixlConnector","kv_role":"kv_consumer","kv_load_failure_policy":"fail"}'
    proc.add(
        100,
        ["/opt/venv/bin/python3", "/opt/venv/bin/vllm", "serve", "m/r1", "-dp", "2", "--kv-transfer-config", config],
        environ={"UCX_TLS": "rc,cuda_copy", "HF_TOKEN": "hf_planted"},
        locked="65536",
        listens=[("0.0.0.0", 8000)],
    )
    proc.add(105, ["VLLM_DP_Coordinator"], parent=100)
    proc.add(110, ["VLLM::EngineCore_DP0"], parent=100)
    proc.add(111, ["VLLM::Worker_DP0_TP0_EP0"], parent=110)
    proc.add(112, ["VLLM::Worker_DP0_TP1_EP1"], parent=110)
    proc.add(120, ["VLLM::EngineCore_DP1"], parent=100)
    proc.add(130, ["/opt/venv/bin/python3", "-c", "from multiprocessing.resource_tracker import main"], parent=100)
    return proc
