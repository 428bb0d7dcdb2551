"""Attainment against GPU hours: what a policy's points cost at the same attainment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.judging.score import Score


@dataclass(frozen=True, slots=True)
class Point:
    """One run of one policy, with the setting of its knob."""

    knob: str
    score: Score


def frontier(points: Sequence[Point]) -> list[Point]:
    """Return the points that no other one beats in both cost and attainment, cheapest first."""
    best: list[Point] = []
    for point in sorted(points, key=lambda p: (p.score.gpu_hours, -p.score.attainment)):
        if not best or point.score.attainment > best[-1].score.attainment:
            best.append(point)
    return best


def hull(points: Sequence[Point]) -> list[Point]:
    """Return the points of the frontier that no line between two others lies above: what mixing two of them gives.

    More points never make it dearer.
    """
    kept: list[Point] = []
    for point in frontier(points):
        while len(kept) > 1 and _slope(kept[-2], kept[-1]) <= _slope(kept[-2], point):
            kept.pop()
        kept.append(point)
    return kept


def _slope(low: Point, high: Point) -> float:
    hours = high.score.gpu_hours - low.score.gpu_hours
    return (high.score.attainment - low.score.attainment) / hours


def cost_at(points: Sequence[Point], target: float) -> float | None:
    """Return the GPU hours at which *points* reach *target*, interpolated along their hull.

    None where none reaches it. Where all are above it, the cheapest point's cost: no extrapolation.
    """
    below: Point | None = None
    for point in hull(points):
        if point.score.attainment >= target:
            if below is None:
                return point.score.gpu_hours
            return below.score.gpu_hours + (target - below.score.attainment) / _slope(below, point)
        below = point
    return None
