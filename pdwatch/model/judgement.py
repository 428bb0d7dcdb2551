"""Findings, advice and their evidence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum


class Severity(IntEnum):
    """How bad a finding is. Ordered, so that the worst of several is their maximum."""

    INFO = 0
    WARNING = 1
    CRITICAL = 2

    @property
    def word(self) -> str:
        """`info`, `warning` or `critical`."""
        return self.name.lower()


class Action(StrEnum):
    """What an advice says to do."""

    HOLD = "hold"
    SCALE_PREFILL = "scale_prefill"
    SCALE_DECODE = "scale_decode"
    SCALE_IN_PREFILL = "scale_in_prefill"
    SCALE_IN_DECODE = "scale_in_decode"
    SHIFT_TO_PREFILL = "shift_to_prefill"
    SHIFT_TO_DECODE = "shift_to_decode"
    REBALANCE = "rebalance"
    FIX = "fix"
    CANNOT_TELL = "cannot_tell"


@dataclass(frozen=True, slots=True)
class Evidence:
    """One number behind a judgement: which signal, of whom, how far from its threshold, in which unit."""

    signal: str
    value: float | None
    unit: str
    threshold: float | None = None
    scope: Mapping[str, str] = field(default_factory=dict)
    """Any of `role`, `replica`, `worker`, `engine`, `host`, `gpu`, `port`."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A named fault or risk in one service, with the numbers that show it and what to do."""

    finding: str
    severity: Severity
    scope: Mapping[str, str]
    since: float
    """Unix seconds at which it began."""
    summary: str
    fix: str
    evidence: tuple[Evidence, ...] = ()

    @property
    def key(self) -> tuple[str, tuple[tuple[str, str], ...]]:
        """What makes two findings the same one over time."""
        return self.finding, tuple(sorted(self.scope.items()))


@dataclass(frozen=True, slots=True)
class Replicas:
    """Replicas of one role: those there are and those wanted; `None` where nobody can tell."""

    current: int
    desired: int | None


@dataclass(frozen=True, slots=True)
class Advice:
    """What to do about the capacity of one service, in one sentence and in numbers."""

    action: Action
    prefill: Replicas
    decode: Replicas
    confidence: float
    """0 to 1: how sure, given how much was seen."""
    since: float
    reason: str
    evidence: tuple[Evidence, ...] = ()
