"""Colors and the steps at which they change, from the thresholds that also judge."""

from __future__ import annotations

from dataclasses import dataclass

from pdwatch.catalog.thresholds import Thresholds
from pdwatch.generate.dashboards.errors import DashboardError

GOOD, NOTE, BAD, WORST = "green", "yellow", "orange", "red"
COOL, UNKNOWN, PLAIN = "blue", "purple", "text"

_THRESHOLDS = {entry.name for entry in Thresholds.definitions()}


@dataclass(frozen=True, slots=True)
class Step:
    """From *value* on the color holds: a number, or a threshold by its name. The first step has none."""

    value: float | str | None
    color: str

    def __post_init__(self) -> None:
        """Raise `DashboardError` for a threshold that there is not."""
        if isinstance(self.value, str) and self.value not in _THRESHOLDS:
            raise DashboardError(f"{self.value} is no threshold")

    def number(self, thresholds: Thresholds) -> float | None:
        """Return the value at which the color begins."""
        return getattr(thresholds, self.value) if isinstance(self.value, str) else self.value


NEUTRAL = (Step(None, PLAIN),)
"""For numbers that are neither good nor bad by themselves."""
CALM = (Step(None, COOL),)


def above(bad: float | str, *, color: str = WORST, warn: float | str | None = None) -> tuple[Step, ...]:
    """Return the steps of a value that is good below *bad*; from *warn* on it is worth a look."""
    between = () if warn is None else (Step(warn, NOTE),)
    return (Step(None, GOOD), *between, Step(bad, color))


def below(bad: float | str, *, color: str = WORST) -> tuple[Step, ...]:
    """Return the steps of a value that is good from *bad* on."""
    return (Step(None, color), Step(bad, GOOD))


def any_above_zero(color: str = WORST) -> tuple[Step, ...]:
    """Return the steps of a count of which none is wanted."""
    return (Step(None, GOOD), Step(1e-9, color))
