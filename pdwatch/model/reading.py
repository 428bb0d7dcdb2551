"""A reading: one engine's normalised values at one instant, whatever its family calls them.

A quantity is either a scalar (gauge or counter) or a histogram. Values stay in one flat tuple in the order of a
`Shape`, and a shape is made once per page layout, so that a scrape costs one tuple and no dictionaries.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from pdwatch.model.page import Repeated


class Quantity(StrEnum):
    """What an engine may tell. Base units: seconds, bytes, tokens, ratios 0 to 1.

    The comment of a group says its kind; `GAUGES`, `COUNTERS` and `HISTOGRAMS` hold the same. `FINISHED` counts all
    requests that ended, the others of its name those of one reason. `TRANSFER_TAIL_TIME` is the part of a transfer that
    is left when prefill has ended, where an engine sends KV while it computes and does not tell the whole.
    """

    # gauges
    REQUESTS_RUNNING = "requests_running"
    REQUESTS_WAITING = "requests_waiting"
    REQUESTS_WAITING_CAPACITY = "requests_waiting_capacity"
    REQUESTS_WAITING_DEFERRED = "requests_waiting_deferred"
    KV_FETCH_WAITING = "kv_fetch_waiting"
    KV_FETCH_IN_PROGRESS = "kv_fetch_in_progress"
    KV_FETCH_COMPLETED = "kv_fetch_completed"
    KV_SEND_IN_PROGRESS = "kv_send_in_progress"
    KV_CACHE_USAGE = "kv_cache_usage"
    KV_CACHE_TOKENS = "kv_cache_tokens"
    KV_CACHE_BLOCKS = "kv_cache_blocks"
    KV_BLOCK_TOKENS = "kv_block_tokens"
    AWAKE = "awake"

    # counters
    PROMPT_TOKENS = "prompt_tokens"
    PROMPT_TOKENS_COMPUTED = "prompt_tokens_computed"
    PROMPT_TOKENS_LOCAL_CACHE = "prompt_tokens_local_cache"
    PROMPT_TOKENS_TRANSFERRED = "prompt_tokens_transferred"
    GENERATION_TOKENS = "generation_tokens"
    PREFIX_CACHE_QUERIES = "prefix_cache_queries"
    PREFIX_CACHE_HITS = "prefix_cache_hits"
    EXTERNAL_CACHE_QUERIES = "external_cache_queries"
    EXTERNAL_CACHE_HITS = "external_cache_hits"
    PREEMPTIONS = "preemptions"
    FINISHED = "finished"
    FINISHED_STOP = "finished_stop"
    FINISHED_LENGTH = "finished_length"
    FINISHED_ABORT = "finished_abort"
    FINISHED_ERROR = "finished_error"
    FINISHED_REPETITION = "finished_repetition"
    ADMISSION_REJECTIONS = "admission_rejections"
    TRANSFER_FAILURES = "transfer_failures"
    TRANSFER_FAILED_NOTIFICATIONS = "transfer_failed_notifications"
    TRANSFER_FAILED_RECEIVES = "transfer_failed_receives"
    KV_EXPIRED = "kv_expired"
    KV_NOTIFIED_AFTER_EXPIRY = "kv_notified_after_expiry"

    # histograms
    TTFT = "ttft"
    ITL = "itl"
    E2E = "e2e"
    QUEUE_TIME = "queue_time"
    PREFILL_TIME = "prefill_time"
    DECODE_TIME = "decode_time"
    TRANSFER_TIME = "transfer_time"
    TRANSFER_TAIL_TIME = "transfer_tail_time"
    TRANSFER_POST_TIME = "transfer_post_time"
    TRANSFER_BYTES = "transfer_bytes"
    REQUEST_PROMPT_TOKENS = "request_prompt_tokens"
    REQUEST_GENERATION_TOKENS = "request_generation_tokens"
    REQUEST_MAX_TOKENS = "request_max_tokens"
    REQUEST_COMPUTED_TOKENS = "request_computed_tokens"
    ITERATION_TOKENS = "iteration_tokens"
    EXPERT_BALANCEDNESS = "expert_balancedness"


_ALL = tuple(Quantity)
_FIRST_COUNTER = _ALL.index(Quantity.PROMPT_TOKENS)
_FIRST_HISTOGRAM = _ALL.index(Quantity.TTFT)
GAUGES = frozenset(_ALL[:_FIRST_COUNTER])
COUNTERS = frozenset(_ALL[_FIRST_COUNTER:_FIRST_HISTOGRAM])
HISTOGRAMS = frozenset(_ALL[_FIRST_HISTOGRAM:])


@dataclass(frozen=True, slots=True)
class HistogramSlots:
    """Where a histogram lies in the values: cumulative buckets at `start:stop`, in the order of `bounds`.

    `bounds` are the upper edges (`le`) as read from the page, ascending, the last one infinite; empty where only
    sum and count are kept.
    """

    bounds: tuple[float, ...]
    start: int
    stop: int
    sum: int | None
    count: int | None


class Tally(NamedTuple):
    """Sum and number of the observations of a histogram, where its buckets are not asked for."""

    sum: float
    number: float

    @property
    def mean(self) -> float | None:
        """Sum over number; `None` without observations, or where negative ones make the sum nonsense."""
        return self.sum / self.number if self.number > 0 and self.sum >= 0 else None


@dataclass(frozen=True, slots=True)
class Histogram:
    """Cumulative bucket counts (or their increase over a window) with sum and count."""

    bounds: tuple[float, ...]
    buckets: tuple[float, ...]
    sum: float
    count: float

    @property
    def mean(self) -> float | None:
        """Sum over count, as of a tally."""
        return Tally(self.sum, self.count).mean


@dataclass(frozen=True, slots=True, eq=False)
class Shape:
    """Which quantities a reading holds and where."""

    scalars: Mapping[Quantity, int]
    histograms: Mapping[Quantity, HistogramSlots]
    size: int
    rising: Callable[[Sequence[float]], tuple[float, ...]]
    """Picks from the values those that only rise while the process lives."""


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """One engine's values at one instant. What the engine does not export is `None`, never 0."""

    engine: str
    at: float
    shape: Shape
    values: tuple[float, ...]

    def value(self, quantity: Quantity) -> float | None:
        """Return a gauge or a lifetime counter."""
        slot = self.shape.scalars.get(quantity)
        return None if slot is None else self.values[slot]

    def each(self, quantities: Iterable[Quantity]) -> list[float | None]:
        """Return several gauges or lifetime counters, without a call for each."""
        scalars, values = self.shape.scalars, self.values
        return [None if (slot := scalars.get(quantity)) is None else values[slot] for quantity in quantities]

    def histogram(self, quantity: Quantity) -> Histogram | None:
        """Return a histogram over the life of the process."""
        slots = self.shape.histograms.get(quantity)
        if slots is None or slots.sum is None or slots.count is None:
            return None
        values = self.values
        return Histogram(slots.bounds, values[slots.start : slots.stop], values[slots.sum], values[slots.count])

    def tally(self, quantity: Quantity) -> Tally | None:
        """Return sum and count of a histogram over the life of the process."""
        slots = self.shape.histograms.get(quantity)
        if slots is None or slots.sum is None or slots.count is None:
            return None
        return Tally(self.values[slots.sum], self.values[slots.count])


@dataclass(frozen=True, slots=True)
class Missing:
    """A quantity that this page lacks, with the versions that have it."""

    quantity: Quantity
    upstream: str
    """The engine's own name of the metric."""
    since: str = ""
    until: str = ""
    needs: str = ""
    """What else it takes to be exported: `a NIXL connector`."""

    @property
    def versions(self) -> str:
        """For people: `since 0.16.0, with a NIXL connector`."""
        parts = (
            f"since {self.since}" if self.since else "",
            f"until {self.until}" if self.until else "",
            f"with {self.needs}" if self.needs else "",
        )
        return ", ".join(part for part in parts if part)

    def matters(self, version: str | None) -> bool:
        """Tell whether the engine's version is why it is missing, and not how the engine is configured.

        Without a known version, only what every engine of some versions exports is told.
        """
        if version is None:
            return not self.needs
        own = release(version)
        return bool((self.since and own < release(self.since)) or (self.until and own > release(self.until)))


def release(version: str) -> tuple[int, ...]:
    """Return the numbers that a version begins with, to compare by: `0.10.2rc1` is (0, 10, 2)."""
    found = re.match(r"\d+(?:\.\d+)*", version)
    return tuple(map(int, found[0].split("."))) if found else ()


@dataclass(frozen=True, slots=True, eq=False)
class EngineFacts:
    """What the labels of a page tell about one engine and does not change while it runs."""

    model: str | None = None
    block_size: int | None = None
    kv_blocks: int | None = None
    kv_cache_tokens: int | None = None
    cache: Mapping[str, str] = field(default_factory=dict)
    """The engine's cache configuration as it prints it, compared between the two sides."""
    consumer: bool = False
    """The engine counts remote KV fetches, so it can receive KV."""
    gauges_late: float = 0.0
    """Seconds by which gauges may be older than the page, where an engine prints them only when something happens."""
    connectors: frozenset[str] = frozenset()
    """KV connectors whose metrics are on the page: `nixl`, `mooncake`, `offloading`."""


@dataclass(frozen=True, slots=True)
class RouterWorker:
    """What a router counts about one worker, by the worker's URL. Lifetime counters; health is the router's belief."""

    url: str
    healthy: bool | None = None
    requests: float | None = None
    errors: float | None = None
    role: str | None = None
    """`prefill` or `decode` where the router's own counters tell."""


@dataclass(frozen=True, slots=True, eq=False)
class Told:
    """What the labels of a page tell of roles, and from where its numbers are. Worked out once per layout."""

    role: str | None = None
    """`prefill`, `decode`, `both`, or `router` for a page that speaks about workers and is itself none."""
    sure: bool = True
    """Whether the role holds by itself; `decode` that is not is decode beside a prefill worker, else aggregated."""
    identity: str | None = None
    """The worker's name among its peers, where they use one that is no address."""
    roles: Mapping[str, str] = field(default_factory=dict)
    """By identity, the roles that a front end tells of workers; only those that are sure."""
    health: bool = True
    """Whether `/health` beside the page says if the worker serves."""
    sources: Mapping[Quantity, str] = field(default_factory=dict)
    """By quantity, the names on the page that it is read from."""


NOTHING_TOLD = Told()


@dataclass(frozen=True, slots=True, eq=False)
class PageReading:
    """Everything one page tells: its engines, for a router the workers behind it, and who else speaks on it."""

    family: str
    """`vllm`, `vllm-router`, or `unknown` for a page that nobody recognised."""
    at: float
    engines: tuple[Reading, ...]
    facts: Mapping[str, EngineFacts]
    missing: tuple[Missing, ...] = ()
    process_start: float | None = None
    routed: tuple[RouterWorker, ...] = ()
    told: Told = NOTHING_TOLD
    behind: tuple[Behind, ...] = ()
    repeated: Repeated | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Behind:
    """One of several workers that a page speaks for: a replica on a Ray node, a worker on a router's joint page."""

    name: str
    """`host:port`, a replica's or a pod's name."""
    reading: PageReading
    url: str = ""
    """Where the worker answers itself, if the page tells."""
    replica: str = ""
