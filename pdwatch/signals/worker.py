"""One worker over time: its last page, its failures, its probes, its engines, and its state at an instant."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus

from pdwatch.catalog.thresholds import Thresholds
from pdwatch.model.page import Repeated, Scrape
from pdwatch.model.reading import Missing, PageReading
from pdwatch.model.snapshot import Trouble, WorkerState
from pdwatch.model.target import Role, RoleSource, Target
from pdwatch.model.window import Flow, Window, together
from pdwatch.signals.engine import EngineWatch
from pdwatch.signals.mustmatch import shared_cache_facts
from pdwatch.signals.role import behaviour
from pdwatch.signals.routed import NOT_ROUTED, Routed

_BEHAVIOUR_PAGES = 3
"""Every how many pages a role that is known is told anew from behaviour: roles change by the minute."""
_GONE_AFTER = 3
"""Pages in a row without an engine after which the engine is forgotten."""


@dataclass(slots=True)
class Health:
    """The last answers of `/health` and `/version`."""

    at: float | None = None
    status: int | None = None
    error: str | None = None
    version: str | None = None


def trouble_of(scrape: Scrape) -> Trouble:
    """Return what kind of failure a scrape without a page is, by its status and its message."""
    message = (scrape.error or "").lower()
    if scrape.status == HTTPStatus.SERVICE_UNAVAILABLE and "scaling" in message:
        return Trouble.SCALING
    if scrape.status is not None and scrape.status != HTTPStatus.OK:
        return Trouble.REFUSES
    if "timed out" in message or "timeout" in message:
        return Trouble.SLOW
    return Trouble.UNREADABLE if scrape.status == HTTPStatus.OK else Trouble.UNREACHABLE


class WorkerWatch:
    """What is remembered of one worker between scrapes."""

    def __init__(self, target: Target, horizon: float) -> None:
        self.target = target
        self.horizon = horizon
        self.engines: dict[str, EngineWatch] = {}
        self.health = Health()
        self.failures = 0
        self.last_good: float | None = None
        self.error: str | None = None
        self.trouble: Trouble | None = None
        self._behaviour = Role.UNKNOWN
        self._pages = 0
        self._family: str | None = None
        self._missing: tuple[Missing, ...] = ()
        self._repeated: Repeated | None = None
        self._lacks: tuple[Missing, ...] = ()
        self._lacking_key: tuple[int, str | None] | None = None
        self._scrape_seconds: float | None = None
        self._failing_since: float | None = None
        self._process_start: float | None = None
        self._began: float | None = None
        self._absent: dict[str, int] = {}
        self._departed = Flow()

    def configure(self, horizon: float) -> None:
        """Keep readings for another horizon (seconds) from now on."""
        self.horizon = horizon
        for engine in self.engines.values():
            engine.track.horizon = horizon

    def failed(self, scrape: Scrape, page_error: str | None = None) -> None:
        """Take a scrape that gave no page, or one that nobody can read. What was last read stays, with its age."""
        self._failing_since = scrape.at if self.failures == 0 else self._failing_since
        self.failures += 1
        self.error = page_error or scrape.error or f"status {scrape.status}"
        self.trouble = Trouble.UNREADABLE if page_error else trouble_of(scrape)
        self._scrape_seconds = scrape.seconds

    def read(self, scrape: Scrape, page: PageReading, thresholds: Thresholds) -> None:
        """Take the reading of a good page."""
        self.failures, self.error, self.trouble = 0, None, None
        self.last_good, self._scrape_seconds = scrape.at, scrape.seconds
        self._family, self._missing, self._repeated = page.family, page.missing, page.repeated
        restarted = self._restarted(page.process_start)
        for reading in page.engines:
            watch = self.engines.get(reading.engine)
            if watch is None:
                watch = self.engines[reading.engine] = EngineWatch(reading.engine, self.horizon)
            watch.push(reading, page.facts[reading.engine], thresholds, restarted, page.process_start)
        self._forget_engines({reading.engine for reading in page.engines})
        self._observe_beginning(page)
        self._pages += 1
        if self._behaviour is Role.UNKNOWN or self._pages % _BEHAVIOUR_PAGES == 0:
            self._observe_behaviour()

    def _observe_beginning(self, page: PageReading) -> None:
        """Learn when the process began: from its page, else from a restart that was seen."""
        if page.process_start is not None:
            self._began = page.process_start
        elif any(engine.window is not None and not engine.track.same_life for engine in self.engines.values()):
            self._began = page.at

    def _observe_behaviour(self) -> None:
        """Tell the role from the numbers; where they say nothing, what they said before stays."""
        flows = [window.flow for window in self.windows()]
        shown = behaviour(flows[0] if len(flows) == 1 else together(flows))
        if shown is not Role.UNKNOWN:
            self._behaviour = shown

    def _restarted(self, process_start: float | None) -> bool:
        before, self._process_start = self._process_start, process_start
        return before is not None and process_start is not None and process_start > before + 1.0

    def _forget_engines(self, present: set[str]) -> None:
        for engine in list(self.engines):
            missed = 0 if engine in present else self._absent.get(engine, 0) + 1
            self._absent[engine] = missed
            if missed >= _GONE_AFTER:
                gone = self.engines.pop(engine)
                self._departed = together((self._departed, gone.track.ledger()))
                del self._absent[engine]

    def windows(self) -> list[Window]:
        """Return the windows of its engines."""
        return [engine.window for engine in self.engines.values() if engine.window is not None]

    def ledger(self) -> Flow:
        """Return everything since its first page, over restarts and over engines that left."""
        return Flow((*self._departed.parts, *(p for e in self.engines.values() for p in e.track.ledger().parts)))

    def role(self) -> tuple[Role, RoleSource]:
        """Return the role as declared or reported, else as its numbers show it."""
        if self.target.role is not Role.UNKNOWN:
            return self.target.role, self.target.role_source
        if self._behaviour is not Role.UNKNOWN:
            return self._behaviour, RoleSource.BEHAVIOUR
        return Role.UNKNOWN, RoleSource.NONE

    def _lacking(self) -> tuple[Missing, ...]:
        """Return what the engine's version lacks; asked anew only when the page or the version changed."""
        key = (id(self._missing), self.health.version)
        if key != self._lacking_key:
            self._lacking_key = key
            self._lacks = tuple(entry for entry in self._missing if entry.matters(self.health.version))
        return self._lacks

    def state(self, now: float, stale_after: float, routed: Routed = NOT_ROUTED) -> WorkerState:
        """Return the worker's state at *now*; a page older than *stale_after* seconds is stale.

        *routed* is what routers say of it.
        """
        role, source = self.role()
        age = None if self.last_good is None else max(0.0, now - self.last_good)
        engines = [self.engines[name] for name in self.engines]
        return WorkerState(
            worker=self.target.worker,
            url=self.target.url,
            role=role,
            role_source=source,
            replica=self.target.replica_name,
            host=self.target.host,
            up=self.failures == 0 and self.last_good is not None,
            age_seconds=age,
            stale=age is None or age > stale_after,
            error=self.error,
            trouble=self.trouble,
            failures=self.failures,
            failing_seconds=0.0 if self._failing_since is None or not self.failures else now - self._failing_since,
            health=self.health.status,
            health_error=self.health.error,
            version=self.health.version,
            family=self._family,
            model=next((engine.facts.model for engine in engines if engine.facts.model), None),
            cache=shared_cache_facts(engines[0].facts.cache) if engines else {},
            scrape_seconds=self._scrape_seconds,
            restarts=max((window.resets for window in self.windows()), default=0),
            process_seconds=None if self._began is None or self.last_good is None else self.last_good - self._began,
            router_healthy=routed.healthy,
            routed_requests_per_second=routed.requests_per_second,
            routed_errors_per_second=routed.errors_per_second,
            behaviour=self._behaviour,
            engines=tuple(engine.state() for engine in engines),
            missing=self._lacking(),
            repeated=self._repeated,
        )
