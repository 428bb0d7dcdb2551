"""What a cycle over many workers costs: `pdwatch serve` beside Prometheus, on the same targets, in the same minutes.

Run `python -m benchmarks.cycle [--targets 1000] [--cycles 12]`. Both scrape every 5 s; each is measured alone, in turn,
by the CPU time and the resident memory of its process once it has settled. Needs the program `prometheus`.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

INTERVAL_SECONDS = 5
SETTLE_CYCLES = 4
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Cost:
    """CPU seconds a cycle and resident MB at the end."""

    cpu: float
    memory: float


def main() -> None:
    """Print both costs and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--targets", type=int, default=1000)
    parser.add_argument("--cycles", type=int, default=12)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, pages(args.targets) as targets:
        ours = measured(serve(Path(folder), targets), args.cycles)
        theirs = measured(prometheus(Path(folder), targets), args.cycles)
    print(f"{args.targets} targets every {INTERVAL_SECONDS} s, {args.cycles} cycles each")
    print(f"pdwatch serve  {ours.cpu * 1000:7.0f} ms CPU a cycle  {ours.memory:5.0f} MB resident")
    print(f"prometheus     {theirs.cpu * 1000:7.0f} ms CPU a cycle  {theirs.memory:5.0f} MB resident")
    print(f"ratio          {ours.cpu / theirs.cpu:7.2f} of Prometheus' CPU")


@contextlib.contextmanager
def pages(count: int, *options: str) -> Iterator[list[str]]:
    """Serve *count* pages in a process of their own."""
    command = [sys.executable, "-m", "benchmarks.pages", "--targets", str(count), *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            yield json.loads(server.stdout.readline())
        finally:
            server.kill()


def free_port() -> int:
    """Return a port that is free at the moment."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def serve(folder: Path, targets: list[str]) -> list[str]:
    """Return the command line of a serve on *targets*, half of them prefill, in ten services."""
    groups = [
        {"targets": [target], "labels": {"service": f"s{index % 10}", "role": ("prefill", "decode")[index % 2]}}
        for index, target in enumerate(targets)
    ]
    (folder / "targets.json").write_text(json.dumps(groups))
    config = folder / "pdwatch.yaml"
    config.write_text(f"scrape: {{interval: {INTERVAL_SECONDS}s}}\ndiscovery:\n  - file: {{paths: [targets.json]}}\n")
    return [sys.executable, "-m", "pdwatch", "serve", "--config", str(config), "--listen", f"127.0.0.1:{free_port()}"]


def prometheus(folder: Path, targets: list[str]) -> list[str]:
    """Return the command line of a Prometheus on *targets*."""
    (folder / "sd.json").write_text(json.dumps([{"targets": targets}]))
    job = {"job_name": "pages", "file_sd_configs": [{"files": [str(folder / "sd.json")]}]}
    config = {"global": {"scrape_interval": f"{INTERVAL_SECONDS}s", "scrape_timeout": "3s"}, "scrape_configs": [job]}
    (folder / "prometheus.yml").write_text(json.dumps(config))
    return [
        "prometheus",
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{free_port()}",
        "--log.level=error",
    ]


def measured(command: list[str], cycles: int, after: Callable[[], None] = lambda: None) -> Cost:
    """Run *command* for some cycles after it has settled and return what one cycle cost; *after* that, go on."""
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            time.sleep(SETTLE_CYCLES * INTERVAL_SECONDS)
            before = cpu_seconds(process.pid)
            time.sleep(cycles * INTERVAL_SECONDS)
            if process.poll() is not None:
                raise SystemExit(f"{command[0]} ended with {process.returncode}")
            cost = Cost((cpu_seconds(process.pid) - before) / cycles, resident_mb(process.pid))
            after()
            return cost
        finally:
            process.kill()


def cpu_seconds(pid: int) -> float:
    """Return the CPU time of a process, user and system."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def resident_mb(pid: int) -> float:
    """Return the resident memory of a process in MB (10^6 bytes)."""
    pages_resident = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages_resident * os.sysconf("SC_PAGE_SIZE") / 1e6


if __name__ == "__main__":
    main()
