"""The scrape loop: every interval each target is asked once, and one call closes the cycle."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from dataclasses import dataclass, replace
from http import HTTPStatus

from pdwatch.model.page import Scrape
from pdwatch.model.target import Role, Target
from pdwatch.scrape.transport import Fetcher, Probe
from pdwatch.scrape.turns import LoopSettings, delay, is_probed

log = logging.getLogger(__name__)

SLICE_SECONDS = 0.05
"""Requests due within this time of each other begin together: fewer wake-ups, and warm caches for their answers."""


@dataclass(frozen=True, slots=True)
class LoopStats:
    """What the loop says of itself."""

    cycles: int = 0
    cycle_seconds: float = 0.0
    """Length of the last cycle, from its start to its last answer."""
    late: int = 0
    """Scrapes and probes of the last cycle that it was closed without."""
    skipped: int = 0
    """Turns that passed without a request because the one before was still under way, since the start."""


@dataclass(slots=True, eq=False)
class _Course:
    """How it goes with one target."""

    target: Target
    asked: bool = False
    failing: bool = False
    scraping: bool = False
    probing: bool = False
    versioned: bool = False
    """Its version is known, its page has not failed since, and it has no role that may change."""
    unwell: bool = False
    """Its health was an error of the server when it was last asked, so it is asked again each cycle."""


class ScrapeLoop:
    """Asks all targets once per interval and hands over what comes back.

    `on_scrape` gets every outcome, `on_probe` every look at a worker's health, `on_cycle` the time when the answers
    of a cycle are in, timed out, or given up at the deadline; the cycle lasts until that returns. A target that is
    new is asked at the start of the next cycle, later at its own moment. All callbacks run on the event loop; one
    that raises is logged and spoils nothing else.
    """

    def __init__(
        self,
        fetcher: Fetcher,
        settings: LoopSettings,
        clock: Callable[[], float],
        *,
        on_scrape: Callable[[Scrape], None],
        on_cycle: Callable[[float], Awaitable[None]],
        on_probe: Callable[[Target, Probe, float], None],
    ) -> None:
        self._fetcher = fetcher
        self._settings = settings
        self._clock = clock
        self._on_scrape = on_scrape
        self._on_cycle = on_cycle
        self._on_probe = on_probe
        self._courses: dict[str, _Course] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._cycle: asyncio.Task[None] | None = None
        self._rhythm: asyncio.Task[None] | None = None
        self.stats = LoopStats()

    def set_targets(self, targets: Iterable[Target]) -> None:
        """Ask these targets from the next cycle on; an answer of any other is no longer handed over."""
        courses: dict[str, _Course] = {}
        for target in targets:
            if target.url not in courses:
                course = self._courses.get(target.url) or _Course(target)
                course.target = target
                courses[target.url] = course
        self._courses = courses

    def start(self) -> None:
        """Begin the first cycle and go on until `aclose`."""
        self._rhythm = asyncio.create_task(self._keep_time(), name="rhythm of scraping")

    async def cycle(self) -> None:
        """Run one cycle: ask every target, wait for what comes back until the deadline, close the cycle."""
        loop = asyncio.get_running_loop()
        started = loop.time()
        pending: set[asyncio.Task[None]] = set()
        if turns := await self._take_turns(started):
            left = self._settings.deadline - (loop.time() - started)
            _, pending = await asyncio.wait(turns, timeout=max(0.0, left))
        self.stats = replace(
            self.stats, cycles=self.stats.cycles + 1, cycle_seconds=loop.time() - started, late=len(pending)
        )
        await self._on_cycle(self._clock())

    async def aclose(self) -> None:
        """Stop: no request is under way and no callback is called afterwards."""
        tasks = [*self._tasks, *([self._rhythm] if self._rhythm is not None else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _keep_time(self) -> None:
        """Begin a cycle each interval by a clock that nobody sets; what a suspended process missed is not made up for.

        A cycle that is not judged when the next is due takes the place of that one.
        """
        loop, interval = asyncio.get_running_loop(), self._settings.interval
        due = loop.time()
        while True:
            if self._cycle is None or self._cycle.done():
                self._cycle = self._spawn(self.cycle())
            due += interval * ((loop.time() - due) // interval + 1)
            await asyncio.sleep(due - loop.time())

    async def _take_turns(self, started: float) -> list[asyncio.Task[None]]:
        """Begin every request of a cycle at its moment, those of one slice together; a timer each would cost more."""
        loop = asyncio.get_running_loop()
        window = self._settings.window(self._fetcher.settings.timeout)
        moments = [(delay(url, window) if course.asked else 0.0, url) for url, course in self._courses.items()]
        turns = []
        for moment, url in sorted(moments):
            ahead = moment - (loop.time() - started)
            if ahead > SLICE_SECONDS:
                await asyncio.sleep(ahead)
            course = self._courses.get(url)
            if course is not None:
                turns.extend(self._turn(course))
        return turns

    def _turn(self, course: _Course) -> list[asyncio.Task[None]]:
        turns = [self._spawn(self._scrape(course))]
        if not course.asked or course.unwell or is_probed(course.target.url, self.stats.cycles, self._settings):
            turns.append(self._spawn(self._probe(course)))
        course.asked = True
        return turns

    async def _scrape(self, course: _Course) -> None:
        if course.scraping:
            self.stats = replace(self.stats, skipped=self.stats.skipped + 1)
            return
        course.scraping = True
        try:
            scrape = await self._fetcher.fetch(course.target, self._clock)
        finally:
            course.scraping = False
        if not self._is_current(course):
            return
        was_failing, course.failing = course.failing, scrape.error is not None
        if course.failing and not was_failing:
            course.versioned = False
            self._spawn(self._probe(course))
        self._on_scrape(scrape)

    async def _probe(self, course: _Course) -> None:
        if course.probing or course.target.role is Role.ROUTER or not self._settings.probes:
            return
        course.probing = True
        try:
            probe = await self._fetcher.probe(course.target.base_url, version=not course.versioned)
        finally:
            course.probing = False
        course.versioned = course.versioned or (probe.version is not None and probe.role is None)
        course.unwell = (probe.health or 0) >= HTTPStatus.INTERNAL_SERVER_ERROR
        if self._is_current(course):
            self._on_probe(course.target, probe, self._clock())

    def _is_current(self, course: _Course) -> bool:
        return self._courses.get(course.target.url) is course

    def _spawn(self, work: Coroutine[object, object, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._finish)
        return task

    def _finish(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("a step of the scrape loop failed", exc_info=error)
