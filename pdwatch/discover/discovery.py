"""All sources together: who is asked when, what holds while one fails, and how old each answer is."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from pdwatch.discover.file_sd import FileDiscovery
from pdwatch.discover.merge import merged
from pdwatch.discover.source import DiscoveryError, Found, Source
from pdwatch.model.target import Target

RETRY_SECONDS = 10.0
"""Longest wait before a source that failed is asked again."""


@dataclass(slots=True)
class SourceState:
    """What is known of one source. Times are those that `refresh` was given."""

    source: Source
    targets: tuple[Target, ...] = ()
    error: str | None = None
    asked_at: float | None = None
    last_success: float | None = None
    """When it last answered without a problem, None if never."""

    @property
    def name(self) -> str:
        """What messages and metrics call it."""
        return self.source.name

    def age(self, now: float) -> float | None:
        """Return the seconds since the last success, None if there was none."""
        return None if self.last_success is None else now - self.last_success

    def due(self, now: float) -> bool:
        """Whether its answer has run out, or the clock was set back before it."""
        if self.asked_at is None:
            return True
        wait = self.source.refresh if self.error is None else min(self.source.refresh, RETRY_SECONDS)
        return not 0 <= now - self.asked_at < wait

    def take(self, outcome: Found | DiscoveryError, now: float) -> None:
        """Take in an answer. A failure keeps the targets of the answer before."""
        self.asked_at = now
        if isinstance(outcome, DiscoveryError):
            self.error = str(outcome)
            return
        self.targets, self.error = outcome.targets, outcome.problem
        if outcome.problem is None:
            self.last_success = now


class Discovery:
    """The targets of several sources as one list. A source that fails keeps what it found and touches no other."""

    def __init__(self, sources: Sequence[Source]) -> None:
        self.states = tuple(SourceState(source) for source in sources)
        self._targets: list[Target] = []

    @property
    def errors(self) -> dict[str, str]:
        """What is wrong by name of the source, one line each."""
        return {state.name: state.error for state in self.states if state.error is not None}

    async def refresh(self, now: float) -> list[Target]:
        """Ask the sources whose answers have run out, all at once, and return the targets of all.

        *now* is in seconds. The same list comes back while nothing changed. One call at a time.
        """
        due = [state for state in self.states if state.due(now)]
        if not due:
            return self._targets
        outcomes = await asyncio.gather(*(_asked(state.source) for state in due))
        for state, outcome in zip(due, outcomes, strict=True):
            state.take(outcome, now)
        targets = list(merged(target for state in self.states for target in state.targets))
        if targets != self._targets:
            self._targets = targets
        return self._targets

    def inherit(self, old: Discovery) -> None:
        """Begin with what *old* found, so that a source or a file that fails during a reload loses no target."""
        found = {state.name: state.targets for state in old.states}
        for state in self.states:
            state.targets = found.get(state.name, ())
            if isinstance(state.source, FileDiscovery):
                for other in old.states:
                    if isinstance(other.source, FileDiscovery):
                        state.source.inherit(other.source)

    async def aclose(self) -> None:
        """Close every source."""
        await asyncio.gather(*(state.source.aclose() for state in self.states))


async def _asked(source: Source) -> Found | DiscoveryError:
    try:
        return await source.find()
    except DiscoveryError as error:
        return error
