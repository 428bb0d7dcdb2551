"""Jobs on few threads, with a deadline: one that hangs delays no other for long and is never run twice at once.

One thread costs a tenth of the CPU time of a thread per job, because short system calls hand the interpreter back and
forth. So the jobs run one after the other until that takes too long, and then each of the rest gets its own thread.
The threads are daemons: one that hangs in the kernel does not keep the process from ending.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from threading import Event, Lock, Thread
from typing import Generic, TypeVar

T = TypeVar("T")
Clock = Callable[[], float]


class Lanes(Generic[T]):
    """Runs named jobs. *patience* is how long they run one after the other, *deadline* the wait for all; seconds."""

    def __init__(self, name: str, patience: float, deadline: float, clock: Clock) -> None:
        self._name = name
        self._patience = patience
        self._deadline = deadline
        self._clock = clock
        self._busy: dict[str, float] = {}

    def run(self, jobs: Mapping[str, Callable[[], T]]) -> dict[str, T]:
        """Return the results that came before the deadline. A job that still hangs from an earlier run is left out."""
        free = {name: job for name, job in jobs.items() if name not in self._busy}
        turn = _Turn(free, self._busy, self._clock)
        if not free:
            return {}
        self._open(turn)
        if not turn.done.wait(min(self._patience, self._deadline)):
            for _ in range(len(turn.waiting)):
                self._open(turn)
            turn.done.wait(max(self._deadline - self._patience, 0.0))
        return turn.close()

    def hanging(self) -> Mapping[str, float]:
        """Return the jobs that have not come back, with the time at which each began."""
        return dict(self._busy)

    def _open(self, turn: _Turn[T]) -> None:
        Thread(target=turn.work, name=self._name, daemon=True).start()


class _Turn(Generic[T]):
    """The jobs of one run: those waiting, those running and what came of them."""

    def __init__(self, jobs: Mapping[str, Callable[[], T]], busy: dict[str, float], clock: Clock) -> None:
        self.waiting = deque(jobs.items())
        self.done = Event()
        self._busy = busy
        self._clock = clock
        self._left = len(jobs)
        self._results: dict[str, T] = {}
        self._lock = Lock()

    def work(self) -> None:
        """Run the waiting jobs until none is left."""
        while True:
            with self._lock:
                if not self.waiting:
                    return
                name, job = self.waiting.popleft()
                self._busy[name] = self._clock()
            try:
                result = job()
                with self._lock:
                    self._results[name] = result
            finally:
                with self._lock:
                    del self._busy[name]
                    self._left -= 1
                    if not self._left:
                        self.done.set()

    def close(self) -> dict[str, T]:
        """Return the results so far and begin no more jobs."""
        with self._lock:
            self.waiting.clear()
            return dict(self._results)
