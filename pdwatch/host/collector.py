"""One way to run every collector: it returns data, says that there is nothing here, or fails; the runner does the rest.

CollectError        the source exists and failed: loud, counted
NothingHere         no such hardware or source on this host: a normal, quiet state
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, Protocol, TypeVar

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class NothingHere(Exception):  # noqa: N818 - it is no error
    """The host has nothing of this kind; the text says what was looked for and where."""


class CollectError(Exception):
    """The source exists and could not be read; the text names it and the mend."""


class Result(StrEnum):
    """How a collection ended."""

    OK = "ok"
    ABSENT = "absent"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Outcome(Generic[T]):
    """What one collection gave, how long it took and, unless it is ok, why."""

    name: str
    result: Result
    seconds: float
    data: T | None = None
    reason: str = ""


class Collector(Protocol[T_co]):
    """A source on this host. `collect` returns, or raises `NothingHere` or `CollectError`."""

    @property
    def name(self) -> str:
        """Name in metrics and messages: `nvml`, `fabric`, `processes`, `logs`."""
        ...

    def collect(self) -> T_co:
        """Read the source once."""
        ...


def run(collector: Collector[T], clock: Callable[[], float]) -> Outcome[T]:
    """Collect once, timed by *clock* (seconds, monotonic). Never raises for what the source does."""
    started = clock()
    try:
        data = collector.collect()
    except NothingHere as reason:
        return Outcome(collector.name, Result.ABSENT, clock() - started, None, str(reason))
    except CollectError as error:
        return Outcome(collector.name, Result.FAILED, clock() - started, None, str(error))
    return Outcome(collector.name, Result.OK, clock() - started, data)
