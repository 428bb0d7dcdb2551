"""Where in time the screen is: at the newest snapshot, frozen in the past, or running through a recording."""

from __future__ import annotations

from bisect import bisect_right

from pdwatch.model.history import History
from pdwatch.model.snapshot import Snapshot

SPEEDS = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0)
AHEAD_SECONDS = 60.0
"""Of recorded time that a replay reads ahead of what it shows, times its speed."""


class Playhead:
    """The place of the screen in a history.

    A live one follows the newest snapshot until it is frozen. A replay begins at the first one and runs by itself.
    """

    def __init__(self, history: History, *, replay: bool = False) -> None:
        self.history = history
        self.replay = replay
        self.speed = 1.0
        self.running = True
        """Live: it follows the newest snapshot. Replay: it plays."""
        self.finished = False
        """Whether the source has given everything it has."""
        self.target: float | None = None
        """Unix seconds that a replay goes to once it has read that far."""
        self._t: float | None = None
        self._newest: Snapshot | None = None
        self._shown: tuple[float, Snapshot] | None = None

    @property
    def snapshot(self) -> Snapshot | None:
        """What is to be shown; `None` before the first snapshot."""
        if self._t is None or self._newest is None:
            return self._newest
        if self._newest.t == self._t:
            return self._newest
        index = self.history.index_at(self._t)
        if index is None:
            return self._newest
        t = self.history.times[index]
        if self._shown is None or self._shown[0] != t:
            self._shown = (t, self.history[index])
        return self._shown[1]

    @property
    def newest(self) -> Snapshot | None:
        """The newest snapshot."""
        return self._newest

    @property
    def past(self) -> bool:
        """Whether the screen does not follow the newest snapshot."""
        return self._t is not None

    @property
    def ended(self) -> bool:
        """Whether a replay shows the last snapshot of its recording."""
        times = self.history.times
        return self.replay and self.finished and bool(times) and (self._t or 0.0) >= times[-1]

    def arrive(self, snapshot: Snapshot) -> None:
        """Take the newest snapshot."""
        self._newest = snapshot
        self.history.append(snapshot)
        if self.replay and self._t is None:
            self._t = snapshot.t
        if self.target is not None and snapshot.t >= self.target:
            self._t, self.target = self.target, None

    @property
    def wants_more(self) -> bool:
        """Whether a source that can wait should go on reading."""
        times = self.history.times
        if not self.replay or not times or self.target is not None:
            return True
        return times[-1] < (self._t or times[-1]) + AHEAD_SECONDS * max(1.0, self.speed)

    def advance(self, seconds: float) -> None:
        """Let *seconds* pass for a running replay."""
        if self.replay and self.running and self._t is not None and self.history.times:
            self._t = min(self._t + seconds * self.speed, self.history.times[-1])

    def toggle(self) -> None:
        """Freeze, or go on: live at the newest snapshot, a replay from where it is."""
        self.running = not self.running
        if not self.replay:
            self._t = None if self.running or self._newest is None else self._newest.t

    def seek(self, t: float) -> None:
        """Show the newest snapshot not later than *t*, and stay there."""
        times = self.history.times
        if not times:
            self.target = t
            return
        if self.replay and t > times[-1] and not self.finished:
            self.target = t
            return
        self.running = False
        index = self.history.index_at(t)
        self._t = times[index] if index is not None else None

    def step(self, count: int) -> None:
        """Go *count* snapshots on, or back where it is negative, and stay there."""
        index = self.history.index_at(self._t) if self._t is not None else len(self.history) - 1
        if index is not None and len(self.history):
            self.seek(self.history.times[min(max(0, index + count), len(self.history) - 1)])

    def follow(self) -> None:
        """Show the newest snapshot again; a replay goes on from the last one that was read."""
        self.running = True
        self._t = self.history.times[-1] if self.replay and self.history.times else None

    def faster(self, steps: int) -> None:
        """Change the speed of a replay by *steps* doublings."""
        index = SPEEDS.index(self.speed) + steps
        self.speed = SPEEDS[min(max(0, index), len(SPEEDS) - 1)]

    def neighbours(self, times: list[float]) -> tuple[float | None, float | None]:
        """Return the last of the rising *times* before what is shown, and the first after it."""
        shown = self.snapshot
        if shown is None:
            return None, None
        after = bisect_right(times, shown.t)
        before = [t for t in times[:after] if t < shown.t]
        return (before[-1] if before else None), (times[after] if after < len(times) else None)
