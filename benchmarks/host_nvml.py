"""CPU time of one NVML collection of eight GPUs with eighteen NVLinks each, on a driver that costs nothing.

    python benchmarks/host_nvml.py [--collections 300]

Builds the fake driver library of the tests with gcc. The budget is 10 ms CPU a collection, child and parent together.
A slow round, which comes each ten seconds, also asks for every link; its cost is printed beside that of a quick one.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from pdwatch.host.nvml.supervisor import NvmlCollector

ROOT = Path(__file__).resolve().parents[1]
FAKE = ROOT / "tests/host/nvml/fake"
BUDGET_MS = 10.0
FIELDS = {
    **dict.fromkeys((185, 190, 82, 94, 142, 143, 144, 145, 230), "u 5"),
    **dict.fromkeys((83, 74, 75, 76, 77, 78, 79, 269, 270, 271, 197, 198, 3, 4, 5, 6), "q 5"),
    **dict.fromkeys((161, 162, 163), "q 0"),
    91: "u 18",
    165: "u 1",
}
FACTS = {
    **{f"field.{number}": value for number, value in FIELDS.items()},
    **dict.fromkeys(("field.138.all", "field.139.all"), "q 5"),
    **dict.fromkeys(("clock.1", "clock.2", "max_clock.1", "max_clock.2"), "1980"),
    **dict.fromkeys(("pcie_generation", "pcie_generation_max", "pcie_width", "pcie_width_max"), "5"),
    "name": "NVIDIA H200",
    "serial": "1",
    "pci": "00000000:1B:00.0",
    "util_gpu": "97",
    "util_memory": "41",
    "memory_total": "150754820096",
    "temperature": "58",
    "temperature_margin": "29",
    "clocks_event_reasons": "4",
    "mig_mode": "0",
    "processes": "4711:120259084288",
    "fabric": "3 0 0 0 0 00000000000000000000000000000000",
}


def cpu_seconds(pid: int) -> float:
    """Return the CPU time of a running process, user and system, at the resolution of a clock tick."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measure(collector: NvmlCollector, count: int) -> tuple[float, float]:
    """Return milliseconds of CPU for one collection in the child and in the parent."""
    child = collector.child_pid
    assert child is not None
    started, own = cpu_seconds(child), time.process_time()
    for _ in range(count):
        collector.collect()
    return 1000 * (cpu_seconds(child) - started) / count, 1000 * (time.process_time() - own) / count


def measure_slow(environment: dict[str, str], count: int) -> float:
    """Return milliseconds of CPU for one slow round in the child, from a session whose clock is pushed."""
    command = [sys.executable, str(FAKE / "drive_session.py")]
    with subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for number in range(count + 1):
            if number == 1:
                started = cpu_seconds(process.pid)
            process.stdin.write(b"11\n")
            process.stdin.flush()
            process.stdout.readline()
        spent = cpu_seconds(process.pid) - started
        process.stdin.close()
    return 1000 * spent / count


def main() -> None:
    """Print the cost of a collection and whether it is within the budget."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--collections", type=int, default=300)
    count = parser.parse_args().collections
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        library = folder / "libnvidia-ml.so.1"
        subprocess.run(["gcc", "-O2", "-shared", "-fPIC", "-o", library, FAKE / "fake_nvml.c"], check=True)
        state = folder / "state.txt"
        facts = [f"* {key} {value}" for key, value in FACTS.items()]
        state.write_text("\n".join(["system count 8", "system driver 580.65.06", *facts, ""]))
        settings = {"LD_LIBRARY_PATH": name, "FAKE_NVML_STATE": str(state), "PYTHONPATH": str(ROOT)}
        environment = {**os.environ, **settings}
        collector = NvmlCollector(environment=environment)
        try:
            reading = collector.collect()
            child, parent = measure(collector, count)
        finally:
            collector.close()
        slow = measure_slow(environment, count)
    print(f"{len(reading.gpus)} GPUs, {count} collections of each kind, CPU per collection")
    for kind, child_ms in (("quick", child), ("slow", slow)):
        total = child_ms + parent
        verdict = "within" if total <= BUDGET_MS else "OVER"
        print(f"{kind:5}  child {child_ms:.2f} ms, parent {parent:.2f} ms: {total:.2f} ms, {verdict} {BUDGET_MS:g} ms")


if __name__ == "__main__":
    main()
