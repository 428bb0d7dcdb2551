"""The events of a recording. A scrape is the `Scrape` of the model. Times are Unix seconds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pdwatch.model.page import Scrape

VERSION = 1


@dataclass(frozen=True, slots=True)
class Header:
    """The first line. A file made of several recordings has several."""

    version: int = VERSION
    started: float | None = None
    config: Mapping[str, Any] | None = None
    """What judgements depend on, with the keys of the configuration file."""


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line of the log of the worker named `target`, without its line break."""

    t: float
    target: str
    line: str


@dataclass(frozen=True, slots=True)
class Advised:
    """A change of advice, or what became of one, as it was when it was recorded.

    It is for people and other programs: a replay judges anew and does not look at it.
    """

    t: float
    service: str
    decision: Mapping[str, Any]
    """As `decisions` of a snapshot has it."""


@dataclass(frozen=True, slots=True)
class Tick:
    """The end of a round: every event since the tick before is one collection."""

    t: float


Event = Header | Scrape | LogLine | Advised | Tick
