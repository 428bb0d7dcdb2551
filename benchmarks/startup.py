"""What it costs to begin: CPU time of `pdwatch --help`, and which modules the daemon loads.

Run `python -m benchmarks.startup`.
"""

from __future__ import annotations

import resource
import statistics
import subprocess
import sys

ROUNDS = 9
HEAVY = ("textual", "grafanalib")


def main() -> None:
    """Print the CPU time of `--help`, beside that of an empty interpreter, and what of the faces the daemon loads."""
    empty, helped = cpu_ms([sys.executable, "-c", ""]), cpu_ms([sys.executable, "-m", "pdwatch", "--help"])
    code = f"import sys, pdwatch.cli.commands.serve; print([m for m in {HEAVY} if m in sys.modules])"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()
    print(f"python -c ''      {empty:5.0f} ms CPU (median of {ROUNDS})")
    print(f"pdwatch --help    {helped:5.0f} ms CPU, {helped / empty:.1f} times that")
    print(f"of {', '.join(HEAVY)} the daemon loads {loaded}")


def cpu_ms(command: list[str]) -> float:
    """Return the median CPU time of a command in milliseconds."""
    times = []
    for _ in range(ROUNDS):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        times.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return statistics.median(times) * 1000


if __name__ == "__main__":
    main()
