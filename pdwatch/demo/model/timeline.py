"""Simulated time: actions ordered by when they are due."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from typing import Any


class Timeline:
    """A clock in simulated seconds that only moves by running what is due. Ties run in order of asking."""

    __slots__ = ("_asked", "_due", "now")

    def __init__(self) -> None:
        self.now = 0.0
        self._due: list[tuple[float, int, Callable[..., None], tuple[Any, ...]]] = []
        self._asked = 0

    def at(self, time: float, action: Callable[..., None], *arguments: object) -> None:
        """Run *action* at *time*; never before now. *action* is a method or a function, no closure, so that
        a fleet can be copied."""
        self._asked += 1
        heapq.heappush(self._due, (max(time, self.now), self._asked, action, arguments))

    def run_until(self, end: float) -> None:
        """Run everything due up to and at *end*, and leave the clock there."""
        due = self._due
        while due and due[0][0] <= end:
            self.now, _, action, arguments = heapq.heappop(due)
            action(*arguments)
        self.now = max(self.now, end)
