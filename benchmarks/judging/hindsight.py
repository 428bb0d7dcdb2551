"""The bars that a policy is held to: the best static fleet found by sweeping, and a plan that knew the future."""

from __future__ import annotations

import math
from collections.abc import Sequence

from benchmarks.judging.capacity import capacity
from benchmarks.judging.frontier import Point
from benchmarks.judging.loop import Setting, run
from benchmarks.judging.policies.base import Desired
from benchmarks.judging.policies.fixed import Hold, Plan
from pdwatch.demo.model import Phase, Role
from pdwatch.demo.model.load import Arrivals

EPOCH_SECONDS = 60.0


def demand(setting: Setting, begin: float, end: float) -> list[Phase]:
    """Return the arrivals of each epoch as a rate and mean lengths, as they will be with the seed of *setting*."""
    epochs = math.ceil((end - begin) / EPOCH_SECONDS)
    sums = [[0.0, 0.0, 0.0] for _ in range(epochs)]
    arrivals = Arrivals(setting.spec.load, setting.seed)
    while (arrival := arrivals.next()) is not None and arrival.at < end:
        if arrival.at >= begin:
            entry = sums[int((arrival.at - begin) / EPOCH_SECONDS)]
            for index, value in enumerate((1.0, arrival.input_tokens, arrival.output_tokens)):
                entry[index] += value
    return [
        Phase(begin + index * EPOCH_SECONDS, count / EPOCH_SECONDS, tokens_in / count, tokens_out / count)
        for index, (count, tokens_in, tokens_out) in enumerate(sums)
        if count
    ]


def static_sweep(setting: Setting) -> list[Point]:
    """Return the points of the static grid, every cell that can be of interest.

    The workers that the hardest epoch needs at 0.45 of capacity bound the grid from above, one worker each from below.
    Within a row, decode grows until attainment stops growing by a tenth of a percentage point; a row that never
    reaches half is infeasible. Cells that are dearer than one at 0.999 are left out.
    """
    most = needed_at(demand(setting, 0.0, setting.seconds), setting, 0.45, 0.45)
    points: list[Point] = []
    enough = math.inf
    for prefill in range(1, max(most.prefill, 2) + 1):
        before = -1.0
        for decode in range(1, max(most.decode, 2) + 1):
            if prefill + decode >= enough:
                break
            score = run(setting.starting_with(Desired(prefill, decode)), Hold("static"))
            points.append(Point(f"{prefill}P{decode}D", score))
            if score.attainment >= 0.999:
                enough = min(enough, prefill + decode)
            if score.attainment - before < 0.001 and before > 0.05:
                break
            before = score.attainment
    return points


def needed_at(epochs: Sequence[Phase], setting: Setting, prefill_use: float, decode_use: float) -> Desired:
    """Return the workers of each role that the hardest of *epochs* needs at the given uses."""
    needs = [
        capacity(setting.spec, phase, setting.objective).needed(phase.rate, prefill_use, decode_use) for phase in epochs
    ]
    return Desired(max(need[0] for need in needs), max(need[1] for need in needs))


def oracle(setting: Setting, prefill_use: float, decode_use: float) -> tuple[Setting, Plan]:
    """Return the setting with its first fleet, and the plan of one who knows every arrival and the simulator's speeds.

    Needs per epoch come from the capacity of a worker at the given uses, each role's path through them from a dynamic
    programme that pays for start-ups; workers are asked for so early that they serve when they are needed.
    """
    epochs = demand(setting, 0.0, setting.seconds)
    needs = [
        capacity(setting.spec, phase, setting.objective).needed(phase.rate, prefill_use, decode_use) for phase in epochs
    ]
    paths = {
        Role.PREFILL: cheapest_path([need[0] for need in needs], setting.startup),
        Role.DECODE: cheapest_path([need[1] for need in needs], setting.startup),
    }
    moments = sorted({max(0.0, epoch.at - lead) for epoch in epochs for lead in (0.0, _lead(setting))})
    plan = [(at, Desired(*(_wanted(paths[role], epochs, at, setting) for role in Role))) for at in moments]
    return setting.starting_with(plan[0][1]), Plan("oracle", plan)


def _lead(setting: Setting) -> float:
    return setting.startup + 10.0


def _wanted(path: Sequence[int], epochs: Sequence[Phase], at: float, setting: Setting) -> int:
    """Return the most that is needed from *at* until what is asked for at *at* would serve."""
    reached = at + _lead(setting)
    return max(
        (count for count, epoch in zip(path, epochs, strict=True) if at - EPOCH_SECONDS < epoch.at <= reached),
        default=path[-1],
    )


def cheapest_path(needs: Sequence[int], startup: float) -> list[int]:
    """Return worker counts of at least *needs*, the cheapest in worker seconds where each start costs *startup*.

    A worker kept over an epoch costs the epoch. Ties go to fewer changes.
    """
    levels = range(max(needs) + 1)
    cost = [level * EPOCH_SECONDS if level >= needs[0] else math.inf for level in levels]
    came: list[list[int]] = []
    for need in needs[1:]:
        choice, after = [], []
        for level in levels:
            ways = [
                (cost[old] + startup * max(0, level - old) + (0.0 if old == level else 1e-3), old) for old in levels
            ]
            best, old = min(ways)
            choice.append(old)
            after.append(best + level * EPOCH_SECONDS if level >= need else math.inf)
        came.append(choice)
        cost = after
    level = min(levels, key=lambda n: (cost[n], n))
    path = [level]
    for choice in reversed(came):
        level = choice[level]
        path.append(level)
    return path[::-1]
