"""What the soak measures: what the process holds, how long each kind of fault took to be named and to be cleared."""

from __future__ import annotations

import asyncio
import gc
import os
import statistics
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

MAX_GROWTH = {"MiB": 80.0, "files": 12, "tasks": 8}
"""From the end of the warm-up to the end. The hour of history that a serve keeps may take 64 MiB of it."""
MAX_AGE_SECONDS = 5.0
"""Of the newest snapshot, at any time; the interval is 1 s."""

Held = Mapping[str, float]


def held() -> Held:
    """Return what this process holds."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    files = len(list(Path("/proc/self/fd").iterdir()))
    return {"MiB": pages * os.sysconf("SC_PAGE_SIZE") / 2**20, "files": files, "tasks": len(asyncio.all_tasks())}


@dataclass
class Figures:
    """Times in seconds by kind of fault, and what was wrong."""

    named: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    cleared: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    oldest_seconds: float = 0.0
    """The greatest age of the newest snapshot."""
    failures: list[str] = field(default_factory=list)
    wronged: set[str] = field(default_factory=set)
    """What was said of workers to which nothing was being done."""
    excused: set[str] = field(default_factory=set)
    """The same while machine or fleet were late themselves."""

    def judge(self, before: Held, after: Held) -> None:
        """Add to the failures what is beyond its limit."""
        for name, limit in MAX_GROWTH.items():
            if after[name] - before[name] > limit:
                self.failures.append(f"{name} grew from {before[name]:g} to {after[name]:g}, limit {limit:g} more")
        if self.oldest_seconds > MAX_AGE_SECONDS:
            self.failures.append(f"a snapshot got {self.oldest_seconds:.1f} s old, limit {MAX_AGE_SECONDS:g} s")
        self.failures += [f"said of a worker to which nothing was done: {words}" for words in sorted(self.wronged)]

    def lines(self, before: Held, after: Held) -> Iterator[str]:
        """Yield the figures in words."""
        for what in sorted(self.named):
            yield f"{what}: {_spread(self.named[what], self.cleared[what])}"
        yield f"all: {_spread([*chain(*self.named.values())], [*chain(*self.cleared.values())])}"
        yield "; ".join(f"{name} {before[name]:.0f} -> {after[name]:.0f}" for name in MAX_GROWTH)
        yield f"oldest snapshot {self.oldest_seconds:.1f} s"
        yield from (f"while machine or fleet were late: {words}" for words in sorted(self.excused))
        yield from (f"FAILED {failure}" for failure in self.failures)


def _spread(named: list[float], cleared: list[float]) -> str:
    return f"{len(cleared)} times, named after {_middle(named)}, cleared after {_middle(cleared)}"


def _middle(times: list[float]) -> str:
    return f"{statistics.median(times):.1f} s (at most {max(times):.1f} s)" if times else "never"
