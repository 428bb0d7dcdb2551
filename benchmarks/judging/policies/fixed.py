"""Policies that do not look at the load: what stands, and what perfect foresight would do."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.judging.policies.base import Desired, Rule, View


class Hold(Rule):
    """Never changes anything: the static fleet, and the advisor that always says hold."""

    def on_tick(self, view: View) -> Desired:
        """Return what is there."""
        return view.current


class Plan(Rule):
    """Follows a plan made beforehand: (second, replicas), in order of time."""

    def __init__(self, name: str, plan: Sequence[tuple[float, Desired]]) -> None:
        super().__init__(name)
        self._plan = plan

    def on_tick(self, view: View) -> Desired:
        """Return what the plan says of this second, what is there before its first entry."""
        said = [desired for at, desired in self._plan if at <= view.now]
        return said[-1] if said else view.current
