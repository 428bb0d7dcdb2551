"""What the configuration allows: replicas of each role, their GPUs, their start-up, and the GPUs of both together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pdwatch.model.target import Role


@dataclass(frozen=True, slots=True)
class Limits:
    """What one pool may have."""

    minimum: int = 1
    maximum: int | None = None
    gpus: int = 1
    """GPUs of one replica."""
    startup: float | None = None
    """Seconds until a new replica serves; `None` where nobody said."""


UNLIMITED = Limits()
USUAL_STARTUP = 120.0
"""Seconds taken where nobody said: weights of large models take two to seven minutes to load."""


@dataclass(frozen=True, slots=True)
class ServiceLimits:
    """What both pools of a service may have together."""

    pools: Mapping[Role, Limits] = field(default_factory=dict)
    gpu_budget: int | None = None

    def of(self, role: Role) -> Limits:
        """Return the limits of a role."""
        return self.pools.get(role, UNLIMITED)

    def startup(self, role: Role) -> float:
        """Return the seconds until a new replica serves."""
        told = self.of(role).startup
        return USUAL_STARTUP if told is None else told

    def gpus(self, prefill: int, decode: int) -> int:
        """Return the GPUs of so many replicas."""
        return prefill * self.of(Role.PREFILL).gpus + decode * self.of(Role.DECODE).gpus

    def affordable(self, prefill: int, decode: int) -> bool:
        """Tell whether the GPUs of so many replicas are within the budget."""
        return self.gpu_budget is None or self.gpus(prefill, decode) <= self.gpu_budget

    def most(self, role: Role, prefill: int, decode: int) -> int:
        """Return the replicas of *role* that its maximum and the GPUs left over by the other role allow."""
        limits, current = self.of(role), prefill if role is Role.PREFILL else decode
        most = limits.maximum if limits.maximum is not None else 1_000_000
        if self.gpu_budget is not None:
            free = self.gpu_budget - self.gpus(prefill, decode)
            most = min(most, current + max(0, free) // limits.gpus)
        return max(most, current)
