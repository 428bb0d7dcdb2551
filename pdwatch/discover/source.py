"""What every source of targets is.

DiscoveryError
    a source could not be asked at all; its text is one line with the mend
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from pdwatch.model.page import Scrape
from pdwatch.model.target import Target


class DiscoveryError(Exception):
    """A source that gave no answer. What it found before stays in use."""


@dataclass(frozen=True, slots=True)
class Found:
    """The answer of a source."""

    targets: tuple[Target, ...]
    problem: str | None = None
    """What was wrong with a part of the answer, one line."""
    scrapes: tuple[Scrape, ...] = ()
    """Pages of targets that are not asked themselves, each told once."""


class Source(Protocol):
    """Somewhere to look for targets."""

    @property
    def name(self) -> str:
        """What messages and metrics call it."""
        ...

    @property
    def refresh(self) -> float:
        """Seconds for which an answer holds."""
        ...

    async def find(self) -> Found:
        """Return the targets of this moment. Raises `DiscoveryError`."""
        ...

    async def aclose(self) -> None:
        """Close what the source holds open."""
        ...


@runtime_checkable
class Remembering(Protocol):
    """A source that keeps what it found part by part, each part as long as it fails."""

    def inherit(self, other: object) -> None:
        """Begin with what *other* knew of the same parts; one of another kind knows nothing of them."""
        ...
