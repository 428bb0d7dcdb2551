"""Ray Serve's autoscaling of each deployment on its ongoing requests."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from math import ceil

from benchmarks.judging.policies.base import Desired, Rule, View, each_role, running, waiting
from pdwatch.demo.model import Role

LOOK_BACK_TICKS = 6
UP_SECONDS = 30.0
DOWN_SECONDS = 600.0


class RayServe(Rule):
    """`ceil(n * ongoing / (target * n))`, ongoing averaged over 30 s; up after 30 s of asking for it, down after 600 s.

    The default target of 2 fits no decode engine; each role's target is a share of the requests that a worker has at
    its capacity (the knob is the share). Source: Ray, `serve/config.py` and `serve/autoscaling_policy.py`.
    """

    def __init__(self, name: str, targets: Mapping[Role, float]) -> None:
        super().__init__(name)
        self._targets = targets
        self._past: dict[Role, deque[int]] = {role: deque(maxlen=LOOK_BACK_TICKS) for role in Role}
        self._asked: dict[Role, tuple[int, float]] = dict.fromkeys(Role, (0, 0.0))

    def on_tick(self, view: View) -> Desired:
        """Decide at every tick, change once a direction has been asked for long enough."""
        return each_role({role: self._decide(view, role) for role in Role})

    def _decide(self, view: View, role: Role) -> int:
        current, past = view.replicas(role), self._past[role]
        past.append(sum(waiting(worker) + running(worker) for worker in view.ready(role)))
        wanted = max(1, ceil(sum(past) / len(past) / self._targets[role]))
        direction = (wanted > current) - (wanted < current)
        before, since = self._asked[role]
        if direction != before:
            since = view.now
        self._asked[role] = (direction, since)
        delay = UP_SECONDS if direction > 0 else DOWN_SECONDS
        return wanted if direction and view.now - since >= delay else current
