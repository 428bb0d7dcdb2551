"""How much faster than time a recording is replayed: ten workers at 5 s, the whole command, every snapshot printed.

Run `python -m benchmarks.replay [--minutes 20]`. The recording is made from the simulated fleet first.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from pdwatch.demo.model import Fleet, FleetSpec, Load, PoolSpec
from pdwatch.model.page import Scrape
from pdwatch.model.target import Role, RoleSource, Target
from pdwatch.record.recorder import Recorder

INTERVAL_SECONDS = 5.0
EPOCH = 1_800_000_000.0


def main() -> None:
    """Print the factor by wall time and by CPU time."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=int, default=20)
    seconds = parser.parse_args().minutes * 60.0
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "fleet.jsonl.gz"
        workers = record(path, seconds)
        before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-m", "pdwatch", "replay", str(path)], stdout=subprocess.PIPE, check=True
        )
        wall, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(f"{workers} workers, {seconds / 60:.0f} min at {INTERVAL_SECONDS:.0f} s, {done.stdout.count(10)} snapshots")
    print(f"wall {wall:5.2f} s  {seconds / wall:6.0f} times real time")
    print(f"CPU  {cpu:5.2f} s  {seconds / cpu:6.0f} times real time")


def record(path: Path, seconds: float) -> int:
    """Record a fleet of ten for *seconds* and return how many workers it has."""
    load = Load.steady(rate=25.0, input_tokens=2000, output_tokens=300)
    fleet = Fleet(FleetSpec(load=load, prefill=PoolSpec(workers=5), decode=PoolSpec(workers=5)), seed=1, epoch=EPOCH)
    with Recorder(path, EPOCH) as recorder:
        now = 0.0
        while now < seconds:
            now += INTERVAL_SECONDS
            fleet.run_until(now)
            for worker in fleet.workers.values():
                role = Role(worker.role.value)
                target = Target(f"http://{worker.name}/metrics", worker.name, "s", role, RoleSource.DECLARED)
                recorder.scrape(Scrape(target, EPOCH + now, 0.01, 200, fleet.page(worker)))
            recorder.tick(EPOCH + now)
    return len(fleet.workers)


if __name__ == "__main__":
    main()
