"""What following the advice costs: GPU hours at the same attainment, against other autoscalers and against hindsight.

Run `python -m benchmarks.closed_loop [--loads drift,flash] [--startups 60] [--seeds 1] [--minutes 25] [--jobs 2]`.
`--loads all --startups 0,60,120,300 --minutes 60 --knobs 9` is the whole grid. Everything is simulated and
deterministic: same arguments, same numbers. docs/judging.md says how to read them.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path

from benchmarks.judging.capacity import capacity
from benchmarks.judging.frontier import Point, cost_at, frontier
from benchmarks.judging.hindsight import oracle, static_sweep
from benchmarks.judging.lineup import LINEUP, Entry, policy
from benchmarks.judging.loads import LOADS, TRACES, find_load, fleet_spec
from benchmarks.judging.loop import Setting, run
from benchmarks.judging.policies.base import Desired
from benchmarks.judging.score import Objective
from benchmarks.judging.tables import fit_performance

TARGETS = (0.95, 0.99)
ORACLE_USES = tuple(product((0.85, 0.65, 0.5, 0.4), (0.95, 0.75)))
FIRST_USE = 0.65
"""Use of capacity at which every policy's first fleet is sized for the load at second 0."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One corner of the grid: what is run, small enough to be sent to another process."""

    load: str
    startup: float
    seed: int
    minutes: float
    traces: Path | None
    table: Path | None

    def setting(self) -> Setting | None:
        """Return the setting with a first fleet sized for its first minute; None where its trace is not there."""
        load = find_load(self.load, self.minutes * 60.0, self.traces)
        if load is None:
            return None
        spec = fleet_spec(load)
        if self.table is not None:
            spec = replace(spec, performance=fit_performance(self.table))
        setting = Setting(spec, self.minutes * 60.0, self.startup, Objective(), self.seed)
        phase = load.at(0.0)
        needed = capacity(spec, phase, setting.objective).needed(phase.rate, FIRST_USE, FIRST_USE)
        return setting.starting_with(Desired(*needed))


def static_points(cell: Cell) -> tuple[str, list[Point]]:
    """Sweep the static grid of *cell*."""
    setting = cell.setting()
    return "static", [] if setting is None else static_sweep(setting)


def oracle_points(cell: Cell) -> tuple[str, list[Point]]:
    """Run the plans that know the future."""
    setting = cell.setting()
    if setting is None:
        return "oracle", []
    return "oracle", [Point(f"{uses[0]:g}/{uses[1]:g}", run(*oracle(setting, *uses))) for uses in ORACLE_USES]


def policy_points(cell: Cell, entry: Entry, knobs: int) -> tuple[str, list[Point]]:
    """Run one policy with the first *knobs* settings of its knob."""
    setting = cell.setting()
    if setting is None:
        return entry.name, []
    chosen = entry.knobs[:knobs]
    return entry.name, [Point(f"{knob:g}", run(setting, policy(entry, knob, setting))) for knob in chosen]


def main() -> None:
    """Print a table for each load and start-up."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--loads", default="drift,flash", help=f"of {', '.join((*LOADS, *TRACES))}, or all")
    parser.add_argument("--startups", default="60", help="seconds, comma-separated")
    parser.add_argument("--seeds", default="1")
    parser.add_argument("--minutes", type=float, default=25.0)
    parser.add_argument("--knobs", type=int, default=3, help="settings of each knob to run")
    parser.add_argument("--policies", default="", help="only these; the bars are always there")
    parser.add_argument("--traces", type=Path, help="folder with the files of azure and mooncake")
    parser.add_argument("--table", type=Path, help="measured pass times (.npz) instead of the built-in ones")
    parser.add_argument("--jobs", type=int, default=2)
    args = parser.parse_args()
    loads = [*LOADS, *TRACES] if args.loads == "all" else args.loads.split(",")
    print(f"loads {loads}, start-ups {args.startups} s, seeds {args.seeds}, {args.minutes:g} min each")
    with ProcessPoolExecutor(args.jobs) as pool:
        for load, startup in product(loads, map(float, args.startups.split(","))):
            cells = [
                Cell(load, startup, int(seed), args.minutes, args.traces, args.table) for seed in args.seeds.split(",")
            ]
            if cells[0].setting() is None:
                print(f"\n{load}: no such trace in the folder of --traces; left out")
                continue
            print(f"\n{load}, start-up {startup:g} s, TTFT ≤ 2 s and TPOT ≤ 60 ms, all arrivals count")
            table = average(gather(pool, cells, entries(args.policies), args.knobs))
            table["oracle"] += table["static"]  # who knows the future may as well leave the fleet alone
            report(table)


def entries(names: str) -> list[Entry]:
    """Return the policies called *names*, all where nothing is said."""
    return [entry for entry in LINEUP if not names or entry.name in names.split(",")]


def gather(
    pool: ProcessPoolExecutor, cells: Sequence[Cell], chosen: Sequence[Entry], knobs: int
) -> Iterator[tuple[str, list[Point]]]:
    """Run everything and yield it in the order of the table."""
    work: list[tuple[Callable[..., tuple[str, list[Point]]], tuple[object, ...]]] = [
        (static_points, ()),
        (oracle_points, ()),
        *((policy_points, (entry.name, knobs)) for entry in chosen),
    ]
    running = [pool.submit(_named, task, cell, arguments) for task, arguments in work for cell in cells]
    for future in running:
        yield future.result()


def _named(
    task: Callable[..., tuple[str, list[Point]]], cell: Cell, arguments: tuple[object, ...]
) -> tuple[str, list[Point]]:
    """Run *task*; a policy is sent by name, because what makes it cannot be sent."""
    if arguments:
        entry = next(entry for entry in LINEUP if entry.name == arguments[0])
        return task(cell, entry, arguments[1])
    return task(cell)


def average(results: Iterator[tuple[str, list[Point]]]) -> dict[str, list[Point]]:
    """Return the mean over seeds of each policy's points; a point that not every seed has stays out."""
    gathered: dict[str, dict[str, list[Point]]] = defaultdict(lambda: defaultdict(list))
    seeds: dict[str, int] = defaultdict(int)
    for name, points in results:
        seeds[name] += 1
        for point in points:
            gathered[name][point.knob].append(point)
    return {
        name: [_mean(same) for same in knobs.values() if len(same) == seeds[name]] for name, knobs in gathered.items()
    }


def _mean(points: Sequence[Point]) -> Point:
    scores = [point.score for point in points]
    means = {
        field: sum(getattr(score, field) for score in scores) / len(scores)
        for field in ("attainment", "gpu_hours", "ttft_p99", "events", "flips")
    }
    return Point(points[0].knob, replace(scores[0], **means))


def report(table: dict[str, list[Point]]) -> None:
    """Print the costs at the targets with what hindsight pays, then every policy's frontier."""
    static = {target: cost_at(table["static"], target) for target in TARGETS}
    print(f"  {'policy':18}{'GPU-h at 95 %':>22}{'GPU-h at 99 %':>22}   best   p99 TTFT  events/h  flips/h")
    for name, points in table.items():
        costs = "".join(_cost(cost_at(points, target), static[target]) for target in TARGETS)
        best = max(points, key=lambda point: (point.score.attainment, -point.score.gpu_hours)).score
        print(
            f"  {name:18}{costs}  {best.attainment:.3f}  {best.ttft_p99:7.1f} s  {best.events:8.0f} {best.flips:8.0f}"
        )
    print("  frontier (knob: attainment at GPU-h), the first knob is the default:")
    for name, points in table.items():
        shown = points if name not in {"static", "oracle"} else frontier(points)
        print(
            f"  {name:18} " + "; ".join(f"{p.knob}: {p.score.attainment:.3f} at {p.score.gpu_hours:.2f}" for p in shown)
        )


def _cost(cost: float | None, static: float | None) -> str:
    if cost is None:
        return f"{'not reached':>22}"
    against = "" if not static else f" ({100 * (cost / static - 1):+.0f} %)"
    return f"{f'{cost:.2f}{against}':>22}"


if __name__ == "__main__":
    main()
