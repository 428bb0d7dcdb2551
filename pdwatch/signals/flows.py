"""What flowed through the pools of one service: within the window, and since pdwatch watches."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pdwatch.model.target import Role
from pdwatch.model.window import Flow


@dataclass(frozen=True, slots=True)
class ServiceFlows:
    """Sums over the engines of each role."""

    window: Mapping[Role, Flow] = field(default_factory=dict)
    ledger: Mapping[Role, Flow] = field(default_factory=dict)
    """Since pdwatch watches, over restarts and over workers that left: it only rises."""
    seconds: float = 0.0
    """Length of the longest window: over how long `window` was summed."""
