"""What a recording rule is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Record:
    """One recording rule. `expr` may name thresholds of the catalogue as `$min_requests`, and `$window`."""

    name: str
    """Level, metric and operation, parted by colons."""
    expr: str
    help: str
    labels: Mapping[str, str] = field(default_factory=dict)
