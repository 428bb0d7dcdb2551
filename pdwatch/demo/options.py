"""What the demo command is asked for."""

from __future__ import annotations

from dataclasses import dataclass

FASTEST = 200.0
"""Speed up to which one core keeps up with the largest scenario and still answers scrapes."""


@dataclass(frozen=True, slots=True)
class Options:
    """The flags of `pdwatch demo`."""

    scenario: str = "healthy"
    port: int = 18100
    """Of the router; the workers take the ports after it. 0 picks free ones."""
    speed: float = 1.0
    """Simulated seconds per second."""
    seed: int = 1
    list: bool = False
    """Print the scenarios instead of serving one."""
