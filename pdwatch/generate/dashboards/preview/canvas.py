"""What a panel is drawn on."""

from __future__ import annotations

from dataclasses import dataclass

from pdwatch.generate.dashboards.preview.prometheus import Span


@dataclass(frozen=True, slots=True)
class Mark:
    """Instants at which something happened."""

    color: str
    at: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Canvas:
    """Size in pixels, the time that is drawn, and what is marked in it."""

    span: Span
    width: float
    height: float
    marks: tuple[Mark, ...] = ()
