"""CPU time of one collection of 16 RDMA ports, and what a device that does not answer costs the others.

Run `python -m benchmarks.host_fabric`. The tree is built from the files of an mlx5 RoCE port, 53 counters each. On real
cards the firmware adds its own time to the wait, not to the CPU time.
"""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from pathlib import Path

from pdwatch.host.fabric import FabricCollector

DUMP = Path(__file__).parent.parent / "tests" / "host" / "fabric" / "sys" / "mlx5_0.txt"
DEVICES, COLLECTIONS, GOAL_MS = 16, 50, 5.0
DEADLINE = 0.5


def main() -> None:
    """Print CPU milliseconds a collection and the longest collection with a blocked device."""
    with tempfile.TemporaryDirectory() as folder:
        sysfs = Path(folder)
        for number in range(DEVICES):
            write_device(sysfs / f"class/infiniband/mlx5_{number}", DUMP.read_text(encoding="utf-8"))
        cpu(sysfs)
        blocked(sysfs)


def write_device(folder: Path, dump: str) -> None:
    """Write the files of a device, a line `path: content` each, with `\\n` for a line end in the content."""
    for line in dump.splitlines():
        name, _, text = line.partition(": ")
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.replace("\\n", "\n") + "\n", encoding="utf-8")


def cpu(sysfs: Path) -> None:
    """Print the CPU time of a collection, the first with its look around apart."""
    collector = FabricCollector(sysfs)
    first, *rest = (cpu_ms(collector) for _ in range(COLLECTIONS + 1))
    reading = collector.collect()
    files = sum(len(port.raw) for port in reading.ports)
    print(f"{len(reading.ports)} ports, {files} counters, {COLLECTIONS} collections")
    print(f"first collection        {first:6.2f} ms CPU")
    print(f"later ones, median      {statistics.median(rest):6.2f} ms CPU   goal {GOAL_MS:.0f} ms")


def cpu_ms(collector: FabricCollector) -> float:
    """Return the CPU time of one collection, all threads together."""
    started = time.process_time()
    collector.collect()
    return (time.process_time() - started) * 1e3


def blocked(sysfs: Path) -> None:
    """Print how long collections take while a read of one device blocks, and how many of the others answered."""
    pipe = sysfs / "class/infiniband/mlx5_0/ports/1/counters/symbol_error"
    pipe.unlink()
    os.mkfifo(pipe)
    collector = FabricCollector(sysfs, deadline=DEADLINE)
    seconds, answered = zip(*(timed(collector) for _ in range(3)), strict=True)
    print(f"one device blocked      {seconds[0]:6.3f} s wall, later {max(seconds[1:]):.3f} s; deadline {DEADLINE} s")
    print(f"others that answered    {min(answered)} of {DEVICES - 1}")
    os.close(os.open(pipe, os.O_WRONLY))


def timed(collector: FabricCollector) -> tuple[float, int]:
    """Return the wall time of a collection and the number of devices that answered."""
    started = time.perf_counter()
    reading = collector.collect()
    return time.perf_counter() - started, sum(1 for device in reading.devices if not device.stale)


if __name__ == "__main__":
    main()
