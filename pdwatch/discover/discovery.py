"""All sources together: who is asked when, what holds while one fails, and how old each answer is."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from pdwatch.discover.merge import merged
from pdwatch.discover.sharding import Choice, everything
from pdwatch.discover.source import DiscoveryError, Found, Remembering, Source
from pdwatch.model.page import Scrape
from pdwatch.model.target import Target

log = logging.getLogger(__name__)

RETRY_SECONDS = 10.0
"""Longest wait before a source that failed is asked again."""
PATIENCE_SECONDS = 1.0
"""Longest wait for an answer once all have answered a first time; a later one is taken in when it comes."""


@dataclass(slots=True)
class SourceState:
    """What is known of one source. Times are those that `refresh` was given."""

    source: Source
    targets: tuple[Target, ...] = ()
    error: str | None = None
    asked_at: float | None = None
    last_success: float | None = None
    """When it last answered without a problem, None if never."""
    asking: asyncio.Task[Found | DiscoveryError] | None = None
    """The question that is under way."""
    scrapes: list[Scrape] = field(default_factory=list)
    """What it read and nobody has taken yet."""

    @property
    def name(self) -> str:
        """What messages and metrics call it."""
        return self.source.name

    def age(self, now: float) -> float | None:
        """Return the seconds since the last success, None if there was none."""
        return None if self.last_success is None else now - self.last_success

    def due(self, now: float) -> bool:
        """Whether its answer has run out, or the clock was set back before it."""
        if self.asking is not None:
            return False
        if self.asked_at is None:
            return True
        wait = self.source.refresh if self.error is None else min(self.source.refresh, RETRY_SECONDS)
        return not 0 <= now - self.asked_at < wait

    def ask(self, now: float) -> asyncio.Task[Found | DiscoveryError]:
        """Begin a question."""
        self.asked_at = now
        self.asking = asyncio.create_task(_asked(self.source), name=f"ask {self.name}")
        return self.asking

    def take(self, now: float) -> bool:
        """Take in the answer, and tell whether one came. A failure keeps the targets of the answer before."""
        if self.asking is None or not self.asking.done():
            return False
        outcome, self.asking = self.asking.result(), None
        if isinstance(outcome, DiscoveryError):
            self.error = str(outcome)
            return True
        self.targets, self.error = outcome.targets, outcome.problem
        self.scrapes += outcome.scrapes
        if outcome.problem is None:
            self.last_success = now
        return True


class Discovery:
    """The targets of several sources as one list. A source that fails keeps what it found and touches no other.

    Of all that is found, *choose* takes what counts.
    """

    def __init__(self, sources: Sequence[Source], choose: Choice = everything) -> None:
        self.states = tuple(SourceState(source) for source in sources)
        self.found: tuple[Target, ...] = ()
        """All that was found, as of the last `refresh`."""
        self._choose = choose
        self._targets: list[Target] = []
        self._began = False

    @property
    def errors(self) -> dict[str, str]:
        """What is wrong by name of the source, one line each."""
        return {state.name: state.error for state in self.states if state.error is not None}

    async def refresh(self, now: float) -> list[Target]:
        """Ask the sources whose answers have run out, all at once, and return the targets that count.

        *now* is in seconds. The same list comes back while nothing changed. One call at a time. A source that is slow
        holds up the others at the start only.
        """
        begun = [state.ask(now) for state in self.states if state.due(now)]
        if begun:
            await asyncio.wait(begun, timeout=PATIENCE_SECONDS if self._began else None)
        self._began = True
        taken = [state.take(now) for state in self.states]
        if any(taken):
            self.found = merged(target for state in self.states for target in state.targets)
        targets = self._choose(self.found)
        if targets != self._targets:
            self._targets = targets
        return self._targets

    def take_scrapes(self) -> list[Scrape]:
        """Return what sources read themselves since the last call, of targets that count."""
        targets = {target.url: target for target in self._targets}
        scrapes = [scrape for state in self.states for scrape in state.scrapes if scrape.target.url in targets]
        for state in self.states:
            state.scrapes.clear()
        return [replace(scrape, target=targets[scrape.target.url]) for scrape in scrapes]

    def inherit(self, old: Discovery) -> None:
        """Begin with what *old* found, so that a source or a part of it that fails during a reload loses no target."""
        found = {state.name: state.targets for state in old.states}
        for state in self.states:
            state.targets = found.get(state.name, ())
            if isinstance(state.source, Remembering):
                for other in old.states:
                    state.source.inherit(other.source)

    async def aclose(self) -> None:
        """Close every source; a question that is under way ends without an answer."""
        asking = [state.asking for state in self.states if state.asking is not None]
        for task in asking:
            task.cancel()
        await asyncio.gather(*asking, return_exceptions=True)
        await asyncio.gather(*(state.source.aclose() for state in self.states))


async def _asked(source: Source) -> Found | DiscoveryError:
    try:
        return await source.find()
    except DiscoveryError as error:
        return error
    except Exception:
        log.exception("%s failed", source.name)
        return DiscoveryError(f"{source.name}: failed in a way that nobody foresaw; the log of pdwatch tells how")
