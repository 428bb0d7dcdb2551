"""Colors and the steps at which they change, from the thresholds that also judge."""

from __future__ import annotations

from dataclasses import dataclass

from pdwatch.catalog.thresholds import Thresholds

GOOD, NOTE, BAD, WORST = "green", "yellow", "orange", "red"
COOL, UNKNOWN, PLAIN = "blue", "purple", "text"

_LIMITS = Thresholds()


@dataclass(frozen=True, slots=True)
class Step:
    """From *value* on the color holds; the first step has none."""

    value: float | None
    color: str


NEUTRAL = (Step(None, PLAIN),)
"""For numbers that are neither good nor bad by themselves."""
CALM = (Step(None, COOL),)


def limit(name: str) -> float:
    """Return a threshold by its name in the configuration. Raises `AttributeError` for an unknown one."""
    value: float = getattr(_LIMITS, name)
    return value


def above(bad: float | str, *, color: str = WORST, warn: float | str | None = None) -> tuple[Step, ...]:
    """Return the steps of a value that is good below *bad*; from *warn* on it is worth a look."""
    between = () if warn is None else (Step(_number(warn), NOTE),)
    return (Step(None, GOOD), *between, Step(_number(bad), color))


def below(bad: float | str, *, color: str = WORST) -> tuple[Step, ...]:
    """Return the steps of a value that is good from *bad* on."""
    return (Step(None, color), Step(_number(bad), GOOD))


def any_above_zero(color: str = WORST) -> tuple[Step, ...]:
    """Return the steps of a count of which none is wanted."""
    return (Step(None, GOOD), Step(1e-9, color))


def _number(bound: float | str) -> float:
    return limit(bound) if isinstance(bound, str) else bound
