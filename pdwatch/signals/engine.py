"""One engine over time: its track, what it has learned about itself, and its state at an instant."""

from __future__ import annotations

from math import inf

from pdwatch.catalog.thresholds import Thresholds
from pdwatch.model.reading import EngineFacts, Reading
from pdwatch.model.reading import Quantity as Q
from pdwatch.model.snapshot import EngineState
from pdwatch.model.window import Window
from pdwatch.signals.capacity.computed import computed_tokens
from pdwatch.signals.capacity.prefill_speed import PrefillSpeed
from pdwatch.signals.capacity.step import Step, step_of
from pdwatch.signals.fetch_stall import FetchStall
from pdwatch.signals.finished import finished
from pdwatch.signals.pace import PaceWatch
from pdwatch.signals.role import transferred_share
from pdwatch.signals.track import Track

_PER_SECOND = {
    "prompt_tokens_per_second": Q.PROMPT_TOKENS,
    "generation_tokens_per_second": Q.GENERATION_TOKENS,
    "preemptions_per_second": Q.PREEMPTIONS,
    "errors_per_second": Q.FINISHED_ERROR,
    "kv_transfer_failures_per_second": Q.TRANSFER_FAILURES,
    "kv_expired_per_second": Q.KV_EXPIRED,
}
"""Rates of an engine's state, each of one counter."""
WARM_UP_SECONDS = 30.0
"""Time after the start of a process in which nothing is learned of it: its first passes compile and warm up."""


class EngineWatch:
    """What is remembered of one engine between scrapes."""

    def __init__(self, engine: str, horizon: float) -> None:
        self.engine = engine
        self.track = Track(horizon)
        self.facts = EngineFacts()
        self.speed = PrefillSpeed()
        self.window: Window | None = None
        self.step: Step | None = None
        """What happened between the last two pages; `None` over a restart."""
        self._born: float | None = None
        self._moved_at: float | None = None
        self._counted_at: float | None = None
        self._held_since: float | None = None
        self._pace = PaceWatch()
        self._fetches = FetchStall()

    @property
    def age(self) -> float:
        """Seconds since its process began; infinite where nothing tells, which is no sign of youth."""
        last = self.track.last
        return inf if last is None or self._born is None else last.at - self._born

    @property
    def computed(self) -> float | None:
        """Prompt tokens computed within the window."""
        return None if self.window is None else computed_tokens(self.window)

    def push(
        self,
        reading: Reading,
        facts: EngineFacts,
        thresholds: Thresholds,
        restarted: bool = False,
        started: float | None = None,
    ) -> None:
        """Take the next reading with the facts of its page; *started* is when the process began, in Unix seconds."""
        last = self.track.last
        self.facts = facts
        self.track.push(reading, restarted)
        self.window = self.track.window()
        self.step = None
        if started is not None or (last is not None and not self.track.same_life):
            self._born = reading.at if started is None else started
        if last is not None and self.track.same_life and reading.at > last.at:
            self._learn(step_of(last, reading))
        elif not self.track.same_life:
            self._pace.clear()
        moved = self.track.moved
        if moved:
            self._counted_at = reading.at
        if moved or not _work(reading):
            self._moved_at = reading.at
        self._fetches.push(reading)
        held = self._holds_without_work(reading, thresholds)
        if not held:
            self._held_since = None
        elif self._held_since is None:
            self._held_since = reading.at

    def _learn(self, step: Step) -> None:
        self.step = step
        self._pace.push(step)
        self.speed.learn(step, young=self.age < WARM_UP_SECONDS)

    def _holds_without_work(self, reading: Reading, thresholds: Thresholds) -> bool:
        """Tell whether blocks are held that no request explains.

        By Little's law: tokens held over tokens arriving a second is how long each is held.
        """
        usage = reading.value(Q.KV_CACHE_USAGE)
        if usage is None or usage <= thresholds.kv_idle_usage or _work(reading):
            return False
        arriving = self.window.rate(Q.PROMPT_TOKENS) if self.window is not None else None
        if not arriving:
            return self.window is not None
        held = usage * (self.facts.kv_cache_tokens or 0)
        return held / arriving > thresholds.kv_idle_seconds

    def _load(self) -> float | None:
        counted = self.track.mean_load()
        prefilling = self.window.tally(Q.PREFILL_TIME) if self.window is not None else None
        if counted is None or prefilling is None or self.window is None:
            return counted
        return max(counted, prefilling.sum / self.window.seconds)

    def state(self) -> EngineState:
        """Return the engine's state as of its last reading."""
        reading, window = self.track.last, self.window
        if reading is None:
            return EngineState(self.engine)
        pace = self._pace.pace()
        return EngineState(
            self.engine,
            requests_waiting=reading.value(Q.REQUESTS_WAITING),
            requests_running=reading.value(Q.REQUESTS_RUNNING),
            load=self._load(),
            kv_fetch_waiting=reading.value(Q.KV_FETCH_WAITING),
            kv_cache_usage_ratio=reading.value(Q.KV_CACHE_USAGE),
            kv_cache_tokens=self.facts.kv_cache_tokens,
            stuck_seconds=max(0.0, _since(self._moved_at, reading.at) - self.facts.gauges_late),
            still_seconds=_since(self._counted_at, reading.at),
            held_seconds=_since(self._held_since, reading.at),
            kv_fetch_stalled_seconds=self._fetches.seconds if self._fetches.known else None,
            prefill_tokens_per_second=self.speed.tokens_per_second,
            pace_seconds=pace.seconds if pace is not None else None,
            pace_load=pace.load if pace is not None else None,
            pace_tokens_per_second=pace.tokens_per_second if pace is not None else None,
            pace_prompt_tokens=pace.prompt_tokens if pace is not None else None,
            **({} if window is None else _rates(window, reading, self.track.grown())),
        )


def _since(began: float | None, now: float) -> float:
    return 0.0 if began is None else now - began


def _work(reading: Reading) -> bool:
    return bool(reading.value(Q.REQUESTS_RUNNING) or reading.value(Q.REQUESTS_WAITING))


def _rates(window: Window, reading: Reading, grown: float) -> dict[str, float | None]:
    """Return what of the state takes two readings, *reading* the later; *grown* is by how many requests the queue grew.

    Waiting requests are taken to be as long as those prefilled within the window.
    """
    ended = finished(window)
    generated = window.tally(Q.REQUEST_GENERATION_TOKENS)
    prefilling = window.tally(Q.PREFILL_TIME)
    gaps = window.tally(Q.ITL)
    computed = computed_tokens(window)
    moved = transferred_share(window.flow)
    each = computed / prefilling.number if computed is not None and prefilling and prefilling.number else 0.0
    seconds = window.seconds
    return {
        **dict(zip(_PER_SECOND, window.rates(_PER_SECOND.values()), strict=True)),
        "prefix_cache_hit_ratio": _ratio(window, Q.PREFIX_CACHE_HITS, Q.PREFIX_CACHE_QUERIES),
        "external_cache_hit_ratio": _ratio(window, Q.EXTERNAL_CACHE_HITS, Q.EXTERNAL_CACHE_QUERIES),
        "requests_per_second": None if ended is None else ended / seconds,
        "computed_tokens_per_second": None if computed is None else computed / seconds,
        "requests_in_window": ended,
        "prefill_concurrency": None if prefilling is None else prefilling.sum / seconds,
        "prefill_demand_tokens_per_second": None if computed is None else max(0.0, computed + grown * each) / seconds,
        "backlog_tokens": (reading.value(Q.REQUESTS_WAITING) or 0.0) * each,
        "itl_seconds": gaps.mean if gaps is not None else None,
        "kv_recomputed_share": None if moved is None else 1.0 - moved,
        "generation_tokens_per_request": generated.mean if generated is not None else None,
    }


def _ratio(window: Window, part: Q, whole: Q) -> float | None:
    hits, queries = window.delta(part), window.delta(whole)
    return min(1.0, hits / queries) if hits is not None and queries else None
