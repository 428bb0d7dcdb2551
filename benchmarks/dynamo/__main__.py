"""Print what following pdwatch, Dynamo's own planner and nobody costs and serves, in Dynamo's simulator.

`make bench-dynamo` installs what it needs and runs it: `python -m benchmarks.dynamo --pdwatch PROGRAM
[--loads steady,rise] [--seeds 1] [--minutes 20]`. The same arguments print the same numbers.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import cache
from itertools import product
from pathlib import Path

from dynamo._core import run_mocker_trace_replay

from benchmarks.dynamo.follow import Advisor, FollowPdwatch
from benchmarks.dynamo.hardware import STARTUP_SECONDS, engine, first_fleet, write_table
from benchmarks.dynamo.loads import BLOCK_TOKENS, loads, requests, write_trace
from benchmarks.dynamo.planner import MODES, planner
from benchmarks.dynamo.score import Objective, Score, score

GOAL = Objective()
TARGETS = (0.95, 0.99)
MOST_FIXED = 10
"""Workers of a role that a fixed fleet has at most."""
SETTINGS: dict[str, dict[str, float]] = {"pdwatch": {}, "pdwatch, burst_headroom 1": {"burst_headroom": 1.0}}
"""Thresholds that differ from the defaults."""
Fleet = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Stage:
    """What all policies of one table share."""

    trace: Path
    table: Path
    requests: int
    first: Fleet

    def play(self, fleet: Fleet, policy: object | None = None) -> Score:
        """Run the trace, beginning with *fleet* workers of prefill and decode, to the end of its last request."""
        result = run_mocker_trace_replay(
            [str(self.trace)],
            prefill_engine_args=engine("prefill", self.table),
            decode_engine_args=engine("decode", self.table),
            num_prefill_workers=fleet[0],
            num_decode_workers=fleet[1],
            trace_block_size=BLOCK_TOKENS,
            scaling_policy=policy,
            capture_per_request=True,
        )
        changes = sum(operation["cause"] == "planner_scale" for operation in result.lifecycle_operations)
        return score(result.summary, result.per_request, changes, GOAL)


def main() -> None:
    """Print a table for each load and seed."""
    parser = argparse.ArgumentParser(
        "python -m benchmarks.dynamo", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pdwatch", default="pdwatch", help="the program to ask for advice")
    parser.add_argument("--loads", default=",".join(loads(1.0)))
    parser.add_argument("--seeds", default="1")
    parser.add_argument("--minutes", type=float, default=20.0)
    args = parser.parse_args()
    names = args.loads.split(",")
    if unknown := [name for name in names if name not in loads(1.0)]:
        parser.error(f"no load is called {unknown[0]}; there are {', '.join(loads(1.0))}")
    if shutil.which(args.pdwatch) is None:
        parser.error(f"no program {args.pdwatch}; name pdwatch with --pdwatch")
    print(f"start-up {STARTUP_SECONDS:g} s, TTFT ≤ {GOAL.ttft:g} s and mean ITL ≤ {GOAL.itl * 1000:g} ms")
    with tempfile.TemporaryDirectory() as folder:
        for name, seed in product(names, map(int, args.seeds.split(","))):
            stage = staged(Path(folder), name, seed, args.minutes * 60.0)
            print(f"\n{name}, seed {seed}, {args.minutes:g} min, {stage.requests} requests")
            report(entries(stage, args.pdwatch))


def staged(folder: Path, name: str, seed: int, seconds: float) -> Stage:
    """Write trace and pass times into *folder* and return what a table is made of."""
    load = loads(seconds)[name]
    arrivals = list(requests(load, seconds, seed))
    trace, table = folder / "trace.jsonl", folder / "passes.npz"
    write_trace(trace, arrivals)
    write_table(table)
    return Stage(trace, table, len(arrivals), first_fleet(load.at(0.0), GOAL.itl))


def entries(stage: Stage, program: str) -> Iterator[tuple[str, Score]]:
    """Yield the rows of a table: fixed fleets in hindsight, the first fleet left alone, pdwatch, Dynamo's planner."""
    fixed = cache(stage.play)
    for target in TARGETS:
        fleet = cheapest(fixed, target)
        if fleet is not None:
            yield f"fixed {fleet[0]}P{fleet[1]}D, best at {target:.0%}", fixed(fleet)
    yield f"fixed {stage.first[0]}P{stage.first[1]}D, the first fleet", fixed(stage.first)
    for name, thresholds in SETTINGS.items():
        with closing(Advisor(program, GOAL, thresholds)) as advisor:
            yield name, stage.play(stage.first, FollowPdwatch(advisor))
    for mode in MODES:
        with planner(mode, GOAL) as policy:
            yield mode, stage.play(stage.first, policy)


def cheapest(play: Callable[[Fleet], Score], target: float) -> Fleet | None:
    """Return the fixed fleet that reaches *target* for the least GPU hours; `None` where none does.

    More of a role never serves worse, so the border between enough and too few is walked: from much prefill and
    little decode on.
    """
    found: dict[Fleet, float] = {}
    prefill, decode = MOST_FIXED, 1
    while prefill >= 1 and decode <= MOST_FIXED:
        played = play((prefill, decode))
        if played.both >= target:
            found[prefill, decode] = played.gpu_hours
            prefill -= 1
        else:
            decode += 1
    return min(found, key=lambda fleet: found[fleet], default=None)


def report(rows: Iterator[tuple[str, Score]]) -> None:
    """Print the rows as they come."""
    print(f"  {'':28}{'GPU-h':>7}{'both met':>10}{'TTFT met':>10}{'ITL met':>9}{'p99 TTFT':>11}{'changes':>9}")
    for name, one in rows:
        shares = f"{one.both:>10.3f}{one.ttft:>10.3f}{one.itl:>9.3f}"
        print(f"  {name:28}{one.gpu_hours:>7.2f}{shares}{one.ttft_p99:>9.1f} s{one.changes:>9}", flush=True)


if __name__ == "__main__":
    main()
