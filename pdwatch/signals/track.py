"""The recent past of one engine: its readings within a horizon, over restarts, gaps and late pages."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import replace
from operator import lt

from pdwatch.model.reading import COUNTERS, HISTOGRAMS, Quantity, Reading
from pdwatch.model.window import Flow, Window, increase, together
from pdwatch.signals.lasting import lasting


class Track:
    """Readings of one engine, oldest first, no longer than the horizon (and always the last two).

    All but the last are kept packed, in a quarter of the memory.
    """

    def __init__(self, horizon: float) -> None:
        self.horizon = horizon
        self._readings: list[Reading] = []
        self._lives: list[int] = []
        self._loads: list[float | None] = []
        self._first_of_life: Reading | None = None
        self._finished = Flow()
        self._rising: tuple[float, ...] = ()
        self.moved = False
        """Whether the last reading that was pushed differs in any counter from the one before; true of the first."""

    @property
    def last(self) -> Reading | None:
        """The newest reading."""
        return self._readings[-1] if self._readings else None

    @property
    def same_life(self) -> bool:
        """Whether the last two readings are of one life of the process."""
        return len(self._lives) > 1 and self._lives[-1] == self._lives[-2]

    def push(self, reading: Reading, restarted: bool = False) -> None:
        """Take the next reading; one that is not newer than the last is dropped.

        *restarted* says that the page tells of a new process; a counter that fell says so by itself.
        """
        last = self.last
        if last is not None and reading.at <= last.at:
            self.moved = False
            return
        life = self._lives[-1] if self._lives else 0
        before, self._rising = self._rising, reading.shape.rising(reading.values)
        self.moved = last is None or last.shape is not reading.shape or before != self._rising
        if last is None:
            self._first_of_life = lasting(reading)
        else:
            self._readings[-1] = _packed(last)
            if restarted or (self.moved and self._fell(before, last, reading)):
                self._finished = together((self._finished, self._lived_since_start()))
                self._first_of_life = None
                life += 1
        self._readings.append(reading)
        self._lives.append(life)
        self._loads.append(_load(reading))
        self._forget(reading.at - self.horizon)

    def _fell(self, before: Sequence[float], last: Reading, reading: Reading) -> bool:
        """Tell whether a counter fell, so that the process must have started again; *before* are those of *last*."""
        if last.shape is reading.shape:
            return any(map(lt, self._rising, before))
        return any(_lower(last, reading, quantity) for quantity in COUNTERS | HISTOGRAMS)

    def _forget(self, before: float) -> None:
        """Drop readings that no window reaches: all but the newest of those at or before *before*."""
        while len(self._readings) > 2 and self._readings[1].at <= before:
            del self._readings[0], self._lives[0], self._loads[0]

    def window(self, seconds: float | None = None) -> Window | None:
        """Return the window over the last *seconds* (default: the horizon); `None` before there are two readings."""
        readings, lives = self._readings, self._lives
        if len(readings) < 2:
            return None
        end = readings[-1].at
        horizon = self.horizon if seconds is None else seconds
        start = bisect_right(readings, end - horizon, key=lambda reading: reading.at) - 1
        start = min(max(start, 0), len(readings) - 2)
        if lives[start] == lives[-1]:
            return Window(readings[start].at, end, Flow((increase(readings[start], readings[-1]),)))
        lived = self._lived(start)
        return Window(readings[start].at, end, together(lived), resets=lives[-1] - lives[start])

    def _lived(self, start: int) -> Sequence[Flow]:
        """Return what happened since a reading, life by life."""
        flows: list[Flow] = []
        first: Reading | None = self._readings[start]
        for index in range(start, len(self._readings)):
            ends = index + 1 == len(self._readings) or self._lives[index + 1] != self._lives[index]
            if ends:
                flows.append(Flow((increase(first, self._readings[index]),)))
                first = None
        return flows

    def mean_load(self) -> float | None:
        """Return the mean over the readings kept of the requests waiting and running."""
        loads = [load for load in self._loads if load is not None]
        return sum(loads) / len(loads) if loads else None

    def grown(self) -> float:
        """Return by how many requests the queue grew over the readings kept; 0 over a restart."""
        if len(self._readings) < 2 or self._lives[0] != self._lives[-1]:
            return 0.0
        ends = [reading.value(Quantity.REQUESTS_WAITING) or 0.0 for reading in (self._readings[0], self._readings[-1])]
        return ends[1] - ends[0]

    def ledger(self) -> Flow:
        """Return what is kept for ever since the first reading, over restarts: it only rises."""
        return Flow((*self._finished.parts, *self._lived_since_start().parts))

    def _lived_since_start(self) -> Flow:
        return Flow() if self.last is None else Flow((increase(self._first_of_life, lasting(self.last)),))


def _packed(reading: Reading) -> Reading:
    return replace(reading, values=array("d", reading.values))


def _load(reading: Reading) -> float | None:
    waiting, running = reading.value(Quantity.REQUESTS_WAITING), reading.value(Quantity.REQUESTS_RUNNING)
    return None if waiting is None and running is None else (waiting or 0.0) + (running or 0.0)


def _lower(before: Reading, after: Reading, quantity: Quantity) -> bool:
    if quantity in COUNTERS:
        old, new = before.value(quantity), after.value(quantity)
    else:
        held, now = before.histogram(quantity), after.histogram(quantity)
        old, new = (held.count if held else None), (now.count if now else None)
    return old is not None and new is not None and new < old
