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


def cost_at(points: Sequence[Point], target: float) -> float | None:
    """Return the GPU hours at which *points* reach *target*, interpolated along their frontier.

    None where none reaches it. Where all are above it, the cheapest point's cost: no extrapolation.
    """
    below: Point | None = None
    for point in frontier(points):
        if point.score.attainment >= target:
            if below is None:
                return point.score.gpu_hours
            low, high = below.score, point.score
            share = (target - low.attainment) / (high.attainment - low.attainment)
            return low.gpu_hours + share * (high.gpu_hours - low.gpu_hours)
        below = point
    return None
