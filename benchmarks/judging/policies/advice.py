"""pdwatch's advice, followed to the letter."""

from __future__ import annotations

from benchmarks.judging.policies.base import Desired, Rule, View
from pdwatch.model.judgement import Action

_CHANGES = (
    Action.SCALE_PREFILL,
    Action.SCALE_DECODE,
    Action.SCALE_IN_PREFILL,
    Action.SCALE_IN_DECODE,
    Action.SHIFT_TO_PREFILL,
    Action.SHIFT_TO_DECODE,
)


SETTINGS: tuple[dict[str, float], ...] = (
    {},
    {"pressure_target": 0.95, "pressure_low": 0.9},
    {"pressure_target": 0.7, "pressure_low": 0.65, "pressure_high": 0.85},
    {"burst_headroom": 0.5},
    {"burst_headroom": 1.0},
    {"burst_headroom": 1.5},
)
"""Thresholds that differ from the defaults: the defaults, thriftier, more generous, and with room for crowds."""


class FollowAdvice(Rule):
    """Sets both roles to the desired replicas of an advice that changes capacity, and leaves them alone otherwise.

    The advisor sees workers once they serve. While some are starting, an advice to hold does not cancel them, and
    one to grow counts them as there. The knob is the place in `SETTINGS`.
    """

    def __init__(self, name: str, setting: int = 0) -> None:
        super().__init__(name)
        self.watches = SETTINGS[setting]

    def on_tick(self, view: View) -> Desired:
        """Return the desired replicas of the snapshot's advice."""
        current = view.current
        if view.service is None or view.service.advice.action not in _CHANGES:
            return current
        advice = view.service.advice
        return Desired(
            _followed(advice.prefill.current, advice.prefill.desired, current.prefill),
            _followed(advice.decode.current, advice.decode.desired, current.decode),
        )


def _followed(seen: int, desired: int | None, current: int) -> int:
    if desired is None or desired == seen:
        return current
    return max(desired, current) if desired > seen else min(desired, current)
