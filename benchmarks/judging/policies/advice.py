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


class FollowAdvice(Rule):
    """Sets both roles to the desired replicas of an advice that changes capacity, and leaves them alone otherwise.

    The advisor sees workers once they serve. While some are starting, an advice to hold does not cancel them, and
    one to grow counts them as there. The knob is the headroom that is kept for crowds; below 0 it is by how
    much fuller replicas are planned.
    """

    def __init__(self, name: str, headroom: float | None = None) -> None:
        super().__init__(name)
        self.watches = {}
        if headroom is not None and headroom >= 0:
            self.watches = {"burst_headroom": headroom}
        elif headroom is not None:
            self.watches = {"pressure_target": 0.85 - headroom, "pressure_low": 0.8 - headroom}

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
