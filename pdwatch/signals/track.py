"""The recent past of one engine: its readings within a horizon, over restarts, gaps and late pages."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from operator import lt
from struct import Struct
from typing import NamedTuple

from pdwatch.model.reading import COUNTERS, HISTOGRAMS, Quantity, Reading, Shape
from pdwatch.model.window import Flow, Window, increase, together
from pdwatch.signals.lasting import lasting


class _Look(NamedTuple):
    """A reading of a while ago. Its values are packed, which takes a quarter of the memory."""

    at: float
    life: int
    """Counts restarts."""
    load: float | None
    shape: Shape
    packed: bytes

    def reading(self) -> Reading:
        return Reading("", self.at, self.shape, _packer(self.shape.size).unpack(self.packed))


class Track:
    """Readings of one engine, oldest first, no longer than the horizon (and always the last two)."""

    def __init__(self, horizon: float) -> None:
        self.horizon = horizon
        self.last: Reading | None = None
        """The newest reading."""
        self.moved = False
        """Whether the last reading that was pushed differs in any counter from the one before; true of the first."""
        self._looks: list[_Look] = []
        self._rising: tuple[float, ...] = ()
        self._first_of_life: Reading | None = None
        self._finished = Flow()

    @property
    def same_life(self) -> bool:
        """Whether the last two readings are of one life of the process."""
        return len(self._looks) > 1 and self._looks[-1].life == self._looks[-2].life

    def push(self, reading: Reading, restarted: bool = False) -> None:
        """Take the next reading; one that is not newer than the last is dropped.

        *restarted* says that the page tells of a new process; a counter that fell says so by itself.
        """
        last, shape = self.last, reading.shape
        if last is not None and reading.at <= last.at:
            self.moved = False
            return
        life = self._looks[-1].life if self._looks else 0
        before, self._rising = self._rising, shape.rising(reading.values)
        self.moved = last is None or last.shape is not shape or before != self._rising
        if last is None:
            self._first_of_life = lasting(reading)
        elif restarted or (self.moved and self._fell(before, last, reading)):
            self._finished = together((self._finished, self._lived_since_start()))
            self._first_of_life = None
            life += 1
        self.last = reading
        packed = _packer(shape.size).pack(*reading.values)
        self._looks.append(_Look(reading.at, life, _load(reading), shape, packed))
        self._forget(reading.at - self.horizon)

    def _fell(self, before: Sequence[float], last: Reading, reading: Reading) -> bool:
        """Tell whether a counter fell, so that the process must have started again; *before* are those of *last*."""
        if last.shape is reading.shape:
            return any(map(lt, self._rising, before))
        return any(_lower(last, reading, quantity) for quantity in COUNTERS | HISTOGRAMS)

    def _forget(self, before: float) -> None:
        """Drop readings that no window reaches: all but the newest of those at or before *before*."""
        while len(self._looks) > 2 and self._looks[1].at <= before:
            del self._looks[0]

    def window(self) -> Window | None:
        """Return the window over the horizon; `None` before there are two readings."""
        looks, last = self._looks, self.last
        if last is None or len(looks) < 2:
            return None
        first = looks[0]
        if first.life == looks[-1].life:
            return Window(first.at, last.at, Flow((increase(first.reading(), last),)))
        return Window(first.at, last.at, together(self._lived(first)), resets=looks[-1].life - first.life)

    def _lived(self, since: _Look) -> Sequence[Flow]:
        """Return what happened since a reading, life by life."""
        ends = {look.life: look for look in self._looks if look.life >= since.life}
        return [
            Flow((increase(since.reading() if life == since.life else None, end.reading()),))
            for life, end in ends.items()
        ]

    def mean_load(self) -> float | None:
        """Return the mean over the readings kept of the requests waiting and running."""
        loads = [look.load for look in self._looks if look.load is not None]
        return sum(loads) / len(loads) if loads else None

    def grown(self) -> float:
        """Return by how many requests the queue grew over the readings kept; 0 over a restart."""
        if self.last is None or len(self._looks) < 2 or self._looks[0].life != self._looks[-1].life:
            return 0.0
        before, after = (
            reading.value(Quantity.REQUESTS_WAITING) or 0.0 for reading in (self._looks[0].reading(), self.last)
        )
        return after - before

    def ledger(self) -> Flow:
        """Return what is kept for ever since the first reading, over restarts: it only rises."""
        return Flow((*self._finished.parts, *self._lived_since_start().parts))

    def _lived_since_start(self) -> Flow:
        return Flow() if self.last is None else Flow((increase(self._first_of_life, lasting(self.last)),))


@lru_cache(1024)
def _packer(size: int) -> Struct:
    return Struct(f"{size}d")


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
