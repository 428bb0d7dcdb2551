"""The GPUs of this host, from a child process that is watched, given up on and restarted."""

from __future__ import annotations

import math
import os
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from pdwatch.host.collector import CollectError, NothingHere
from pdwatch.host.nvml.backoff import Backoff
from pdwatch.host.nvml.codec import Json, decode
from pdwatch.host.nvml.ledger import Ledger
from pdwatch.host.nvml.process import ChildGone, LineProcess
from pdwatch.model.gpu import NvmlReading

_PACKAGE_PARENT = Path(__file__).resolve().parents[3]
_CLOSE_SECONDS = 1.0
_MOST_UNREAPED = 3


@dataclass(frozen=True, slots=True)
class Patience:
    """How long the supervisor waits for what, in seconds."""

    answer: float = 2.0
    """For one collection. A child that takes longer is hung and killed."""
    start: float = 60.0
    """For the first answer of a child: without persistence mode the driver wakes every GPU first."""
    keep: float = 60.0
    """How long the last good values are given while there are no new ones."""
    absent: float = 60.0
    """Between two looks for a driver on a host without one."""


class _NoAnswer(Exception):  # noqa: N818 - an event
    """There is no fresh reading this time; the text says why."""


@dataclass(slots=True)
class _Child:
    process: LineProcess
    started: float
    requests: int = 0
    pending: bool = False
    answered: bool = False


@dataclass(slots=True)
class _Good:
    """The last reading and when it came, on the monotonic clock."""

    reading: NvmlReading
    came: float


@dataclass
class NvmlCollector:
    """Collects from NVML. `collect` may be called from any thread, by one at a time; `close` ends the child."""

    gpm: bool = False
    """Sample the performance monitors too; never on a host where a dcgm-exporter runs."""
    environment: Mapping[str, str] | None = None
    """Of the child; by default the parent's own."""
    patience: Patience = field(default_factory=Patience)
    backoff: Backoff = field(default_factory=Backoff)
    clock: Callable[[], float] = time.monotonic
    """Monotonic, in seconds."""
    _ledger: Ledger = field(default_factory=Ledger)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _child: _Child | None = None
    _unreaped: list[LineProcess] = field(default_factory=list)
    _good: _Good | None = None
    _why: str = ""
    _absent_until: float = float("-inf")

    @property
    def name(self) -> str:
        """Name in metrics and messages."""
        return "nvml"

    @property
    def child_pid(self) -> int | None:
        """Process id of the child; `None` while there is none."""
        return None if self._child is None else self._child.process.pid

    def collect(self) -> NvmlReading:
        """Return the GPUs' values, or the last good ones with their age and why there are no newer.

        Raises `NothingHere` on a host without a driver and `CollectError` when there is nothing recent to give.
        """
        with self._lock:
            if self.clock() < self._absent_until:
                raise NothingHere(self._why)
            try:
                return self._fresh()
            except _NoAnswer as why:
                return self._last_good(str(why))

    def _fresh(self) -> NvmlReading:
        child = self._running()
        try:
            if not child.pending:
                child.requests += 1
                child.process.send({"id": child.requests})
                child.pending = True
            answer = self._wait(child)
            child.pending = False
            return self._accept(child, answer)
        except ChildGone as gone:
            raise self._give_up(child, f"the NVML process {gone}") from gone

    def _running(self) -> _Child:
        """Return the child, started if need be. Raises `_NoAnswer` while that has to wait."""
        if self._child is not None:
            return self._child
        self._unreaped = [process for process in self._unreaped if not process.is_reaped()]
        if len(self._unreaped) >= _MOST_UNREAPED:
            pids = ", ".join(str(process.pid) for process in self._unreaped)
            raise _NoAnswer(f"the driver holds processes {pids} that cannot be killed; the host needs a reboot")
        wait = self.backoff.remaining(self.clock())
        if wait > 0:
            raise _NoAnswer(f"{self._why}; next attempt in {math.ceil(wait)} s")
        command = [sys.executable, "-m", "pdwatch.host.nvml.child", *(["--gpm"] if self.gpm else [])]
        started = self.clock()
        try:
            self._child = _Child(LineProcess(command, _with_package(self.environment)), started)
        except ChildGone as gone:
            self.backoff.failed(started, 0.0)
            self._why = f"the NVML process {gone}"
            raise _NoAnswer(self._why) from gone
        return self._child

    def _wait(self, child: _Child) -> Json:
        """Return the answer to the pending request. Raises `_NoAnswer` and `ChildGone`."""
        until = self.clock() + self.patience.answer
        while True:
            messages = child.process.receive(until - self.clock())
            for message in messages:
                if "xid" in message:
                    self._ledger.note_xid(message)
            answer = next((message for message in messages if message.get("id") == child.requests), None)
            if answer is not None:
                return answer
            now = self.clock()
            if now < until:
                continue
            if child.answered:
                raise self._give_up(child, f"NVML did not answer within {self.patience.answer:g} s")
            if now - child.started >= self.patience.start:
                raise self._give_up(child, f"NVML did not start within {self.patience.start:g} s")
            raise _NoAnswer("NVML is starting")

    def _give_up(self, child: _Child, why: str) -> _NoAnswer:
        """Kill the child, note the failure, and return what to raise."""
        if not child.process.stop():
            self._unreaped.append(child.process)
        self._child = None
        now = self.clock()
        self.backoff.failed(now, now - child.started)
        self._why = why
        return _NoAnswer(why)

    def _accept(self, child: _Child, answer: Json) -> NvmlReading:
        if "reading" in answer:
            child.answered = True
            try:
                reading = self._ledger.complete(decode(answer["reading"]), answer["watched"])
            except (KeyError, TypeError, ValueError) as error:  # an upgrade put another version under our feet
                raise ChildGone(f"is of another version ({error}); restart pdwatch") from error
            self._good = _Good(reading, self.clock())
            return reading
        refused = self._give_up(child, str(answer.get("absent") or answer.get("failed")))
        if "absent" in answer and self._good is None:
            self._absent_until = self.clock() + self.patience.absent
            raise NothingHere(self._why)
        raise refused  # a driver that was here and went is a fault

    def _last_good(self, why: str) -> NvmlReading:
        good = self._good
        if good is None:
            raise CollectError(why)
        age = self.clock() - good.came
        if age > self.patience.keep:
            raise CollectError(f"{why}; the last values are {age:.0f} s old")
        return replace(self._ledger.with_xids(good.reading), age_seconds=age, stale_reason=why)

    def close(self) -> None:
        """End the child. A later `collect` starts another."""
        with self._lock:
            if self._child is not None:
                self._child.process.stop(_CLOSE_SECONDS)
                self._child = None


def _with_package(environment: Mapping[str, str] | None) -> dict[str, str]:
    """Return the child's environment, in which it finds this very package wherever the parent was started."""
    merged = dict(os.environ if environment is None else environment)
    paths = [str(_PACKAGE_PARENT), merged.get("PYTHONPATH", "")]
    return merged | {"PYTHONPATH": os.pathsep.join(path for path in paths if path)}
