"""What the screen knows and what the viewer has chosen, from snapshot to frame. Knows no terminal and no clock."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain, takewhile
from math import isfinite

from pdwatch.model.history import HOUR, OBJECTS, History
from pdwatch.model.snapshot import Snapshot
from pdwatch.top import numbers
from pdwatch.top.command import COMMANDS, Command
from pdwatch.top.draw.frame import Frame, frame
from pdwatch.top.events import Event, changes
from pdwatch.top.gauges import readings
from pdwatch.top.hardware import hardware_readings
from pdwatch.top.playhead import Playhead
from pdwatch.top.scene import Scene
from pdwatch.top.trail import Trails
from pdwatch.top.view import View

EVENTS = 500
LATE_INTERVALS = 3
HISTORY_BYTES = 6 * 2**20


@dataclass(frozen=True, slots=True)
class Settings:
    """What a session is started with."""

    source: str = "nothing"
    """Where the snapshots come from, for people."""
    replay: bool = False
    unicode: bool = True
    commands: Sequence[Command] = COMMANDS
    history_seconds: float = HOUR
    history_bytes: int = HISTORY_BYTES


class Session:
    """The state of one screen. Times handed to it are seconds of a clock that never goes back."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.view = View()
        self.trouble: str | None = None
        """Why nothing arrives, as the source says."""
        self.recording = False
        self.playhead = Playhead(_memory(settings), replay=settings.replay)
        self.last_frame: Frame | None = None
        self._trails = Trails()
        self._events: deque[Event] = deque(maxlen=EVENTS)
        self._first: Snapshot | None = None
        self._arrived: float | None = None
        self._interval: float | None = None

    def arrive(self, snapshot: Snapshot, now: float) -> None:
        """Take the newest snapshot at *now*."""
        before = self.playhead.newest
        self._first = self._first or snapshot
        if before is not None and isfinite(snapshot.t - before.t) and snapshot.t > before.t:
            self._interval = snapshot.t - before.t
        self._events.extend(changes(before, snapshot))
        measured = (entry for service in snapshot.services.values() for entry in readings(service))
        self._trails.add(snapshot.t, chain(measured, hardware_readings(before, snapshot)))
        self.playhead.arrive(snapshot)
        self._arrived = now
        self.trouble = None

    def inherit(self, past: Session) -> None:
        """Take over what another session has seen before this one began."""
        newest = past.playhead.newest
        if newest is None:
            return
        self.playhead.history.put_before(past.playhead.history)
        self._trails.take_over(past._trails)
        if self._first is not None:
            began = self._first.t
            before = [event for event in past._events if event.t <= began]
            between = changes(newest, self._first) if newest.t < began else []
            later = [event for event in self._events if event.t > began]
            self._events = deque((*before, *between, *later), maxlen=EVENTS)

    @property
    def event_times(self) -> list[float]:
        """Unix seconds of every event, rising."""
        return sorted({event.t for event in self._events})

    def scene(self, now: float) -> Scene:
        """Return what is to be drawn at *now*."""
        playhead, settings = self.playhead, self.settings
        snapshot = playhead.snapshot
        t = snapshot.t if snapshot is not None else 0.0
        mode, alarm = self._mode(now)
        return Scene(
            snapshot=snapshot,
            view=self.view,
            mode=mode,
            alarm=alarm,
            source=settings.source,
            trouble=self._silence(now),
            trails=self._trails,
            events=list(takewhile(lambda event: not event.t > t, self._events)),
            commands=settings.commands,
            replay=settings.replay,
            past=playhead.past,
            recording=self.recording,
        )

    def draw(self, width: int, height: int, now: float) -> Frame:
        """Return the frame of *width* by *height* cells at *now*."""
        self.last_frame = frame(self.scene(now), width, height, unicode=self.settings.unicode)
        return self.last_frame

    def choose(self, **changed: object) -> None:
        """Change what the viewer has chosen."""
        self.view = replace(self.view, **changed)  # type: ignore[arg-type]

    def restless(self, now: float) -> bool:
        """Tell whether the frame changes by time alone: a replay that plays, a silence that grows."""
        plays = self.settings.replay and self.playhead.running and not self.playhead.ended
        return plays or (not self.playhead.past and (self.trouble is not None or self._late(now) is not None))

    def _mode(self, now: float) -> tuple[str, bool]:
        playhead = self.playhead
        snapshot, newest = playhead.snapshot, playhead.newest
        if snapshot is None or newest is None:
            return "CONNECTING", False
        at = f"{numbers.clock(snapshot.t)} UTC"
        if self.settings.replay:
            state = "END" if playhead.ended else f"x{playhead.speed:g}" if playhead.running else "PAUSED"
            return f"REPLAY {self.settings.source}  {at}  {state}", True
        if playhead.past:
            return f"PAUSED {at}{_behind(newest.t - snapshot.t)}", True
        if self.trouble is not None and self._arrived is not None:
            return f"SILENT {numbers.duration(now - self._arrived)}  {at}", True
        late = self._late(now)
        if late is not None:
            return f"AGE {numbers.duration(late)}  {at}", True
        every = f"  every {numbers.duration(self._interval)}" if self._interval is not None else ""
        return f"LIVE{every}  {at}", False

    def _silence(self, now: float) -> str | None:
        """Return since when and why nothing has come, while the newest snapshot is what is shown."""
        if self.trouble is None or self.playhead.past:
            return None
        since = "" if self._arrived is None else f" for {numbers.duration(now - self._arrived)}"
        return f"no answer from {self.settings.source}{since}: {self.trouble}"

    def _late(self, now: float) -> float | None:
        """Return the age of the newest snapshot where it is older than a few intervals."""
        if self._arrived is None:
            return None
        age = now - self._arrived
        return age if age > LATE_INTERVALS * (self._interval or 5.0) else None


def _memory(settings: Settings) -> History:
    return History(settings.history_seconds, settings.history_bytes, OBJECTS)


def _behind(seconds: float) -> str:
    """Return how far back the screen is, in whole minutes, so that a frozen screen is seldom written."""
    return f" (-{numbers.duration(seconds // 60 * 60).removesuffix('00s')})" if seconds >= 60 else ""
