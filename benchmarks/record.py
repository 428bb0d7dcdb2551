"""What reading and writing a recording costs for each scrape, beside json.loads of the same lines alone.

Run `python -m benchmarks.record`. The scrapes are those of the recorded live pair under tests/recordings.
"""

from __future__ import annotations

import json
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from pdwatch.record.reader import read
from pdwatch.record.recorder import Recorder
from pdwatch.record.rounds import Round, rounds

RECORDING = Path(__file__).parent.parent / "tests" / "recordings" / "kv_transfer_failing.jsonl.gz"
SUFFIXES = (".jsonl", ".jsonl.gz", ".jsonl.zst")
RUNS = 5


def main() -> None:
    """Print CPU time and size of each compression."""
    recorded = list(rounds(read(RECORDING)))
    scrapes = sum(len(collection.scrapes) for collection in recorded)
    mean = statistics.fmean(len(scrape.body or "") for collection in recorded for scrape in collection.scrapes)
    print(f"{scrapes} scrapes of {mean / 1000:.0f} kB on average in {len(recorded)} rounds; medians of {RUNS} runs")
    with tempfile.TemporaryDirectory() as folder:
        for suffix in SUFFIXES:
            path = Path(folder) / f"fleet{suffix}"
            written = median_us(lambda path=path: write(path, recorded), scrapes)
            took = median_us(lambda path=path: consume(path), scrapes)
            size = path.stat().st_size / scrapes / 1000
            print(f"{suffix:11} write {written:5.0f} us  read {took:5.0f} us  {size:6.2f} kB a scrape")
        lines = (Path(folder) / "fleet.jsonl").read_bytes().splitlines()
        alone = median_us(lambda: [json.loads(line) for line in lines], scrapes)
    print(f"json.loads alone        {alone:5.0f} us")


def write(path: Path, recorded: list[Round]) -> None:
    """Record every round into a fresh file."""
    path.unlink(missing_ok=True)
    with Recorder(path, started=recorded[0].t) as recorder:
        for collection in recorded:
            for scrape in collection.scrapes:
                recorder.scrape(scrape)
            recorder.tick(collection.t)
        assert recorder.error is None


def consume(path: Path) -> None:
    """Read a recording to its end."""
    for _ in rounds(read(path)):
        pass


def median_us(work: Callable[[], object], scrapes: int) -> float:
    """Return the median CPU time of *work* in microseconds a scrape."""
    times = []
    for _ in range(RUNS):
        started = time.process_time()
        work()
        times.append(time.process_time() - started)
    return statistics.median(times) / scrapes * 1e6


if __name__ == "__main__":
    main()
