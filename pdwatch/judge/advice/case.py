"""What the question is put about, and what an answer is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pdwatch.catalog.thresholds import Thresholds
from pdwatch.judge.advice.limits import ServiceLimits
from pdwatch.judge.advice.need import Need
from pdwatch.model.judgement import Action, Evidence, Finding
from pdwatch.model.snapshot import PoolState, ServiceSignals
from pdwatch.model.target import Role

SIDES = (Role.PREFILL, Role.DECODE)


@dataclass(frozen=True, slots=True)
class Case:
    """One service at one instant."""

    signals: ServiceSignals
    findings: Sequence[Finding]
    thresholds: Thresholds
    limits: ServiceLimits = field(default_factory=ServiceLimits)
    needs: Mapping[Role, Need] = field(default_factory=dict)
    before: Action | None = None
    """The action advised last."""

    def pool(self, role: Role) -> PoolState | None:
        """Return a pool that has an engine to look at."""
        pool = self.signals.pools.get(role)
        return pool if pool is not None and pool.engines > 0 else None

    def replicas(self) -> dict[Role, int]:
        """Return the replicas of both sides."""
        return {role: pool.replicas if (pool := self.signals.pools.get(role)) else 0 for role in SIDES}

    def starting(self, need: Need) -> int:
        """Return the replicas of a role that have never answered."""
        return self.replicas()[need.load.role] - need.load.replicas

    @property
    def starts(self) -> bool:
        """Whether a replica of a role whose need is known has never answered."""
        return any(self.starting(need) > 0 for need in self.needs.values())


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer before it is given a time and a confidence."""

    action: Action
    reason: str
    evidence: tuple[Evidence, ...] = ()
    desired: Mapping[Role, int] = field(default_factory=dict)
    """Where it differs from what there is."""
    reconsider: tuple[str, ...] = ()
    confidence: float = 1.0
    """Of the answer itself, before how much was seen is counted."""
