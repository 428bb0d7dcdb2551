"""Speed and memory of the log reader on a mixed log: recorded engine lines among access lines, requests and tracebacks.

    python benchmarks/host_logs.py [--mb 200 | --gb 1]

Prints lines a second of one core, how that compares with only splitting the same file into lines, and how much the peak
memory grew when the file was ten times as large.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path

from pdwatch.host.logs import LogCollector, LogTail
from pdwatch.model.logline import HostLogs

RECORDED = Path(__file__).parent.parent / "tests" / "host" / "logs" / "data"
STEP = "(Worker_DP0_TP0_EP0 pid=9) INFO 11-21 05:39:15 [eplb_state.py:640] EPLB step: {} for model m: avg_tokens=9.00, "
STEP += "max_tokens=12, balancedness=0.7500, steps until the next rearrangement: 5"
ACCESS = '(APIServer pid=17288) INFO:     10.0.0.{}:4711 - "POST /v1/completions HTTP/1.1" 200 OK'
REQUEST = "(APIServer pid=17288) INFO 11-21 05:39:15 [logger.py:41] Received request cmpl-{}: prompt: '" + "word " * 40
TRACE = '(EngineCore_DP0 pid=5) ERROR 11-21 05:39:15 [core.py:7]   File "/opt/vllm/v1/engine/core.py", line {}, in run'
OTHERS_PER_RECORDED = 24
"""Lines of no interest for each recorded one; engines under load write far more of them."""


def mixed_lines() -> Iterator[str]:
    """Yield a mixed log without end."""
    recorded = cycle([line for path in sorted(RECORDED.glob("*.log")) for line in path.read_text().splitlines()])
    for turn, line in enumerate(recorded):
        yield line
        yield STEP.format(turn % 3000)
        for at in range(OTHERS_PER_RECORDED):
            yield (ACCESS, ACCESS, REQUEST, TRACE)[at % 4].format(turn + at)


def write_log(path: Path, size: int) -> int:
    """Write at least *size* bytes and return the number of lines."""
    source = mixed_lines()
    block = [next(source) for _ in range(20_000)]
    text = ("\n".join(block) + "\n").encode()
    copies = max(size // len(text), 1)
    with path.open("wb") as file:
        for _ in range(copies):
            file.write(text)
    return copies * len(block)


def split_only(path: Path) -> float:
    """Return the seconds it takes to cut the file into lines and do nothing with them."""
    tail = LogTail(str(path), from_start=True, bytes_per_poll=1 << 40)
    started = time.perf_counter()
    for _ in tail.poll():
        pass
    tail.close()
    return time.perf_counter() - started


def collect(path: Path) -> tuple[float, int, HostLogs]:
    """Return seconds, number of polls and what the log told."""
    collector = LogCollector([LogTail(str(path), from_start=True)], time.time)
    started = time.perf_counter()
    logs, polls = collector.collect(), 1
    while logs.behind_bytes:
        logs, polls = collector.collect(), polls + 1
    collector.close()
    return time.perf_counter() - started, polls, logs


def peak_bytes() -> int:
    """Return the largest resident size this process has had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def measure(size: int) -> None:
    """Read a tenth of *size*, then *size*, and print what it took."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "engine.log"
        write_log(path, size // 10)
        collect(path)
        small_peak = peak_bytes()
        lines = write_log(path, size)
        written = path.stat().st_size
        plain = split_only(path)
        seconds, polls, logs = collect(path)
        peak = peak_bytes()
    known = logs.sources[0]
    assert lines == known.lines
    print(f"log                     {written / 1e6:.0f} MB, {lines} lines, read in {polls} polls")
    print(f"lines per second        {lines / seconds:,.0f}")
    print(f"bytes per second        {written / seconds / 1e6:.0f} MB/s")
    print(f"over only splitting     {seconds / plain:.2f} x the time")
    print(f"mean poll               {seconds / polls * 1000:.0f} ms for 8 MiB")
    print(f"peak memory             {peak / 1e6:.1f} MB, {peak / small_peak:.3f} x that of a tenth of the log")


def main() -> None:
    """Read the arguments and measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--mb", type=float, default=200.0, help="size of the log in MB (default 200)")
    size.add_argument("--gb", type=float, help="size of the log in GB")
    chosen = parser.parse_args()
    measure(int(chosen.gb * 1e9 if chosen.gb else chosen.mb * 1e6))


if __name__ == "__main__":
    main()
