"""One collector on a thread of its own, at its own pace: when it hangs, it delays nobody."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from pdwatch.host.collector import Collector, Outcome, Result, run

T = TypeVar("T")
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Latest(Generic[T]):
    """What a collector gave last."""

    outcome: Outcome[T]
    came: float
    """When, on the monotonic clock."""


class PacedCollector(Generic[T]):
    """Collects every *interval* seconds from `start` to `close`; *monotonic* measures."""

    def __init__(self, collector: Collector[T], interval: float, monotonic: Callable[[], float]) -> None:
        self.name = collector.name
        self.interval = interval
        self._collector = collector
        self._monotonic = monotonic
        self._latest: Latest[T] | None = None
        self._began: float | None = None
        self._stopping = threading.Event()
        self._first = threading.Event()
        self._thread = threading.Thread(target=self._work, name=f"pdwatch {self.name}", daemon=True)

    def start(self) -> None:
        """Collect for the first time, and go on."""
        self._thread.start()

    @property
    def latest(self) -> Latest[T] | None:
        """The last outcome; `None` before the first."""
        return self._latest

    def hanging(self) -> float | None:
        """Return for how many seconds the collection under way has run; `None` when none is."""
        began = self._began
        return None if began is None else self._monotonic() - began

    def wait_first(self, seconds: float) -> bool:
        """Wait for the first outcome; tell whether it came."""
        return self._first.wait(seconds)

    def stop(self) -> None:
        """Begin no further collection. The thread gives back what the collector holds and ends."""
        self._stopping.set()

    def join(self, seconds: float) -> bool:
        """Wait for the thread; tell whether it ended. One that hangs in the kernel does not keep the process alive."""
        if self._thread.ident is not None:
            self._thread.join(seconds)
        return not self._thread.is_alive()

    def _work(self) -> None:
        try:
            while not self._stopping.is_set():
                self._collect()
                taken = self._monotonic() - (self._began or 0.0)
                self._began = None
                self._first.set()
                self._stopping.wait(max(0.0, self.interval - taken))
        finally:
            close: Any = getattr(self._collector, "close", None)
            if close is not None:
                close()

    def _collect(self) -> None:
        self._began = started = self._monotonic()
        try:
            outcome = run(self._collector, self._monotonic)
        except Exception as error:  # the outermost loop of this thread: one odd file must not end it
            log.exception("collector %s failed", self.name)
            reason = f"{type(error).__name__}: {error}; please report this"
            outcome = Outcome(self.name, Result.FAILED, self._monotonic() - started, None, reason)
        self._latest = Latest(outcome, self._monotonic())
