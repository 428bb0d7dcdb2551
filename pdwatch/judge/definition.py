"""What a finding is made of. One entry states everything: condition, severity, words, runbook.

To add one: an entry in a file of `judge/findings/`, a test that it fires, one that it stays silent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, TypeVar

from pdwatch.catalog.thresholds import Thresholds
from pdwatch.model.judgement import Evidence, Severity
from pdwatch.model.snapshot import ServiceSignals

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class View:
    """What a condition may look at."""

    service: ServiceSignals
    thresholds: Thresholds
    _known: dict[Any, Any] = field(default_factory=dict, init=False, repr=False, compare=False)

    def once(self, make: Callable[[View], T]) -> T:
        """Return what *make* makes of this view; made once, however many conditions ask."""
        if make not in self._known:
            self._known[make] = make(self)
        found: T = self._known[make]
        return found


@dataclass(frozen=True, slots=True)
class Hit:
    """A condition that holds for one scope, in words and numbers."""

    scope: Mapping[str, str]
    summary: str
    evidence: tuple[Evidence, ...] = ()
    severity: Severity | None = None
    """Where this case differs from the entry's severity."""


class Reach(Enum):
    """How far from a symptom its cause may lie. `judge/causes.py` applies it."""

    PLACE = "where it is"
    """Nothing that both scopes name differs: role, replica, worker, engine, host, GPU, port."""
    POOL = "in its pool"
    """There, or at any worker of the same role."""
    SIDES = "there or on the other side"
    """There, or at any worker of the other role: what happens between the sides."""
    SERVICE = "anywhere in the service"


@dataclass(frozen=True, slots=True)
class FindingDef:
    """One named fault or risk."""

    id: str
    severity: Severity
    title: str
    """A few words, as an alert's name for people."""
    meaning: str
    """What it means and how it was measured."""
    confirm: str
    """How to see it without pdwatch."""
    fix: str
    """What to do, in the imperative."""
    confused_with: str
    detect: Callable[[View], Iterable[Hit]]
    onset_seconds: float = 0.0
    """How long the condition must hold before it is a finding."""
    clear_seconds: float = 15.0
    """How long it must be gone before the finding is."""
    not_capacity: bool = False
    """More replicas do not cure it: the advice is `fix` while it stands."""
    explains: tuple[str, ...] = ()
    """Findings that are symptoms of this one while both stand and the symptom's `reach` fits."""
    reach: Reach = Reach.PLACE
    """How far away the cause of this one may lie."""
