"""Findings, advice and their evidence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum

from pdwatch.model.target import Role


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
class Cause:
    """The finding that another one comes from."""

    finding: str
    scope: Mapping[str, str]


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
    because_of: Cause | None = None
    """The root of which this is a symptom, while that stands; `None` for a root."""

    @property
    def key(self) -> tuple[str, tuple[tuple[str, str], ...]]:
        """What makes two findings the same one over time."""
        return self.finding, tuple(sorted(self.scope.items()))


@dataclass(frozen=True, slots=True)
class Replicas:
    """Replicas of one role: those there are and those wanted; `None` where nobody can tell."""

    current: int
    desired: int | None


class Bound(StrEnum):
    """What can limit a role."""

    PREFILL_COMPUTE = "prefill compute"
    DECODE_ITL = "decode ITL"
    DECODE_KV = "decode KV"
    DECODE_SEQUENCES = "decode sequences"
    TRANSFER = "KV transfer"


@dataclass(frozen=True, slots=True)
class BoundLoad:
    """Demand on one role, measured at arrival, against what all its replicas bear by one bound; tokens per second.

    Of prefill, prompt tokens to compute; of decode, tokens to generate.
    """

    role: Role
    bound: Bound
    demand: float
    capacity: float

    @property
    def utilization_ratio(self) -> float:
        """Demand over capacity; from 1 the role cannot keep up or breaks its objective."""
        return self.demand / self.capacity if self.capacity > 0 else 0.0


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
    bounds: tuple[BoundLoad, ...] = ()
    """Every bound that is known; the one nearest to its limit comes first, it binds."""
    reconsider: tuple[str, ...] = ()
    """What would change this answer, each a clause with its number."""


class Outcome(StrEnum):
    """What became of an advice."""

    PENDING = "pending"
    """It stands, or its replicas are starting."""
    FOLLOWED = "followed"
    """The replicas became what was advised."""
    PARTLY = "partly"
    """They moved towards it."""
    IGNORED = "ignored"
    """They did not move, and the need stayed."""
    REPLACED = "replaced"
    """Another advice to change replicas took its place before they moved."""
    PASSED = "passed"
    """The need went away by itself."""


@dataclass(frozen=True, slots=True)
class Decision:
    """One change of advice: what it asked for and predicted, and what then happened."""

    at: float
    """Unix seconds."""
    action: Action
    prefill: Replicas
    decode: Replicas
    reason: str
    predicted: Mapping[Role, float] = field(default_factory=dict)
    """Utilization of each role once the replicas are there, had demand stayed."""
    outcome: Outcome = Outcome.PENDING
    settled: float | None = None
    """Unix seconds at which the outcome was known."""
    observed: Mapping[Role, float] = field(default_factory=dict)
    """Utilization of each role at that time."""
    note: str = ""
    """The outcome in a sentence."""
