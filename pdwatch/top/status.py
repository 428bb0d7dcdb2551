"""The four states, each its own shape and word."""

from __future__ import annotations

from enum import IntEnum
from math import isfinite

from pdwatch.model.judgement import Severity
from pdwatch.top.cells import Span, Tone

NEAR = 0.9
"""Share of a limit from which a value counts as near it."""


class Status(IntEnum):
    """How something stands. Ordered, so that the worst of several is their maximum."""

    OK = 0
    UNKNOWN = 1
    WARN = 2
    BAD = 3

    @property
    def glyph(self) -> str:
        """One cell: `●`, `?`, `▲` or `■`."""
        return "●?▲■"[self]

    @property
    def tone(self) -> Tone:
        """How it is drawn."""
        return (Tone.OK, Tone.UNKNOWN, Tone.WARN, Tone.BAD)[self]

    @property
    def span(self) -> Span:
        """The glyph in its tone."""
        return Span(self.glyph, self.tone)


def of_severity(severity: Severity) -> Status:
    """Return how a finding of this severity stands; information is no trouble."""
    return {Severity.CRITICAL: Status.BAD, Severity.WARNING: Status.WARN, Severity.INFO: Status.OK}[severity]


def against(value: float | None, limit: float | None, *, hard: bool = False) -> Status:
    """Return how *value* stands to its upper *limit*: a hard one is bad at the limit and near it a warning."""
    if value is None or not isfinite(value):
        return Status.UNKNOWN
    if limit is None or not isfinite(limit):
        return Status.OK
    if value >= limit:
        return Status.BAD if hard else Status.WARN
    return Status.WARN if hard and value >= NEAR * limit else Status.OK
