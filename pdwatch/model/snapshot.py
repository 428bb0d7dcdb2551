"""A snapshot: one immutable picture of everything at one instant. Every face shows this and nothing else.

A number that is not known is `None`. Rates are per second over the configured window, ratios 0 to 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from pdwatch.model.capacity import DecodeLoad, PrefillLoad
from pdwatch.model.host import HostState
from pdwatch.model.hostsignals import HostSignals, TransferPathSignals
from pdwatch.model.judgement import Advice, Decision, Finding
from pdwatch.model.latency import Attainment, LatencyState
from pdwatch.model.page import Repeated
from pdwatch.model.placement import Placement
from pdwatch.model.reading import Histogram, Missing
from pdwatch.model.target import Role, RoleSource


@dataclass(frozen=True, slots=True)
class EngineState:
    """One data-parallel rank."""

    engine: str
    requests_waiting: float | None = None
    requests_running: float | None = None
    load: float | None = None
    """Mean requests waiting, running or in prefill over the window, by gauges or by summed times, whichever is more."""
    kv_fetch_waiting: float | None = None
    """Requests that wait for remote KV and have not begun to receive it."""
    kv_cache_usage_ratio: float | None = None
    kv_cache_tokens: float | None = None
    """Capacity of the KV cache."""
    prefix_cache_hit_ratio: float | None = None
    external_cache_hit_ratio: float | None = None
    requests_per_second: float | None = None
    prompt_tokens_per_second: float | None = None
    computed_tokens_per_second: float | None = None
    generation_tokens_per_second: float | None = None
    preemptions_per_second: float | None = None
    errors_per_second: float | None = None
    kv_transfer_failures_per_second: float | None = None
    kv_expired_per_second: float | None = None
    """Requests whose KV this engine gave up unread."""
    requests_in_window: float | None = None
    """Requests finished within the window: what the rates rest on."""
    prefill_concurrency: float | None = None
    """Mean number of requests in prefill, from summed times: short prefills hide between scrapes, not in here."""
    prefill_tokens_per_second: float | None = None
    """Learned speed: prompt tokens that this engine computes a second when it never idles."""
    prefill_demand_tokens_per_second: float | None = None
    """Prompt tokens to compute that arrive a second: those computed and those by which the queue grew."""
    backlog_tokens: float | None = None
    """Prompt tokens to compute that wait."""
    itl_seconds: float | None = None
    """Mean time between tokens within the window."""
    pace_seconds: float | None = None
    """Seconds a token takes: between tokens where answers are made, else in prefill over the last half minute."""
    pace_load: float | None = None
    """Mean requests that shared the engine over that half minute."""
    pace_tokens_per_second: float | None = None
    """Tokens that it generated, or computed in prefill, over that half minute."""
    pace_prompt_tokens: float | None = None
    """Mean length of the prompts in it."""
    kv_recomputed_share: float | None = None
    """Share of uncached prompt tokens that this engine computed itself instead of receiving."""
    generation_tokens_per_request: float | None = None
    stuck_seconds: float | None = None
    """How long work has been in the engine while none of its counters moved; 0 when it moves."""
    still_seconds: float | None = None
    """How long none of its counters has moved, with work or without."""
    held_seconds: float | None = None
    """How long KV blocks have been held while no request runs or waits; 0 when not."""
    kv_fetch_stalled_seconds: float | None = None
    """How long requests have waited for remote KV while none arrived; 0 when some did or none waits."""


class Trouble(StrEnum):
    """Why a worker's page is not there."""

    UNREACHABLE = "unreachable"
    """No connection: the process or its host is gone."""
    SLOW = "slow"
    """No answer within the timeout: slow, stopped or hung, which is not the same as down."""
    SCALING = "scaling"
    """It says that it changes its size and answers 503 meanwhile."""
    REFUSES = "refuses"
    """It answers with an error status."""
    UNREADABLE = "unreadable"
    """It answers with something that is no metrics page."""


@dataclass(frozen=True, slots=True)
class WorkerState:
    """One endpoint, with the last good values of its engines and their age."""

    worker: str
    url: str
    role: Role
    role_source: RoleSource
    replica: str
    host: str | None
    up: bool
    age_seconds: float | None
    """Age of the last good page; `None` when there never was one."""
    stale: bool = False
    error: str | None = None
    trouble: Trouble | None = None
    failures: int = 0
    """Scrapes in a row that gave no page."""
    failing_seconds: float = 0.0
    """How long they have given none: since the first of these scrapes."""
    health: int | None = None
    """Status of the last `GET /health`; `None` when it was never asked or gave no answer."""
    health_error: str | None = None
    """Why the last `GET /health` gave no answer."""
    version: str | None = None
    family: str | None = None
    model: str | None = None
    cache: Mapping[str, str] = field(default_factory=dict)
    """What its page tells of the cache configuration that both sides must share."""
    scrape_seconds: float | None = None
    restarts: int = 0
    """Restarts seen within the window."""
    process_seconds: float | None = None
    """Age of its process at its last page; `None` where the page does not tell it and no restart was seen."""
    router_healthy: bool | None = None
    """What a router believes of it; never proof of life."""
    routed_requests_per_second: float | None = None
    """Requests that routers send it."""
    routed_errors_per_second: float | None = None
    """Requests to it that routers count as failed."""
    behaviour: Role = Role.UNKNOWN
    """The role that its numbers show; `UNKNOWN` while they do not tell."""
    engines: tuple[EngineState, ...] = ()
    missing: tuple[Missing, ...] = ()
    repeated: Repeated | None = None
    """Series that its page has more than once."""


@dataclass(frozen=True, slots=True)
class PoolState:
    """All workers of one role of one service."""

    role: Role
    replicas: int
    workers: int
    engines: int
    up: int
    role_guessed: bool
    requests_waiting: float | None = None
    requests_running: float | None = None
    kv_cache_usage_ratio: float | None = None
    """Mean over engines."""
    kv_cache_usage_worst: float | None = None
    kv_cache_usage_p90: float | None = None
    kv_cache_tokens: float | None = None
    kv_cache_tokens_used: float | None = None
    queue_imbalance_ratio: float | None = None
    busiest_engine: tuple[str, str] | None = None
    """Worker and engine of the busiest."""
    busiest_requests: float | None = None
    mean_requests: float | None = None
    prefill_concurrency: float | None = None
    """Mean number of requests in prefill, from summed times."""
    pressure_ratio: float | None = None
    """Demand over capacity by the bound that binds."""
    pressure_bound: str | None = None
    """`prefill compute`, `decode KV` or `decode ITL`."""
    prefix_cache_hit_ratio: float | None = None
    external_cache_hit_ratio: float | None = None
    requests_per_second: float | None = None
    prompt_tokens_per_second: float | None = None
    computed_tokens_per_second: float | None = None
    generation_tokens_per_second: float | None = None
    preemptions_per_second: float | None = None
    errors_per_second: float | None = None
    requests_in_window: float | None = None
    """Requests finished within the window: what the rates rest on."""


@dataclass(frozen=True, slots=True)
class TransferState:
    """KV transfer between the pools of one service."""

    reported_by: Role | None = None
    """Which side's numbers these are."""
    seconds_mean: float | None = None
    """Of transfers, or of what is left of each when prefill has ended, where an engine tells only that."""
    seconds_p95: float | None = None
    bytes_per_second: float | None = None
    bandwidth_bytes_per_second: float | None = None
    """Bytes over the time they took: what one transfer gets, not what the link carries."""
    transfers_per_second: float | None = None
    failures_per_second: float | None = None
    expired_per_second: float | None = None
    after_expiry_per_second: float | None = None
    prefill_ratio: float | None = None
    """Mean transfer time over mean prefill compute time of a request."""
    kv_moving: bool | None = None
    """Whether decode receives the KV cache that prefill computed; `False` when it computes it again."""
    kv_recomputed_share: float | None = None
    waiting: float | None = None
    """Requests on decode that wait for remote KV and have not begun to receive it."""
    failures_total: float | None = None
    """Failures since pdwatch watches, over restarts."""
    bytes_total: float | None = None
    histogram: Histogram | None = None
    """Seconds of all transfers since pdwatch watches, over restarts."""


@dataclass(frozen=True, slots=True)
class ServiceSignals:
    """What is measured of one service: its pools and what moves between them."""

    service: str
    pools: Mapping[Role, PoolState]
    transfer: TransferState
    experts: Mapping[str, float]
    """Expert balancedness by replica: mean over maximum of tokens per rank, 1 is even."""
    latency: LatencyState
    slo: Mapping[str, Attainment]
    workers: tuple[WorkerState, ...]
    hosts: Mapping[str, HostState] = field(default_factory=dict, kw_only=True)
    """The hosts of its workers, by name, while it is judged; the snapshot has them beside the services."""
    routers: tuple[WorkerState, ...] = field(default=(), kw_only=True)
    """The pages of routers; not among `workers`."""
    placements: tuple[Placement, ...] = field(default=(), kw_only=True)
    """Workers whose host is among `hosts`."""
    host_signals: Mapping[str, HostSignals] = field(default_factory=dict, kw_only=True)
    """By host, while the service is judged."""
    transfer_paths: Mapping[str, TransferPathSignals] = field(default_factory=dict, kw_only=True)
    """By worker that reports transfers."""
    prefill_load: PrefillLoad | None = field(default=None, kw_only=True)
    """What prefill is asked for and can do, while the service is judged."""
    decode_load: DecodeLoad | None = field(default=None, kw_only=True)
    """The same of decode."""
    expert_balance_estimate: Mapping[str, float] = field(default_factory=dict, kw_only=True)
    """By replica with several ranks: mean over maximum of their token rates. No balance of experts, only a hint."""


@dataclass(frozen=True, slots=True)
class ServiceState(ServiceSignals):
    """One service as judged: what is measured, what is wrong, what to do."""

    advice: Advice
    findings: tuple[Finding, ...] = ()
    decisions: tuple[Decision, ...] = ()
    """The last changes of advice, oldest first, with what became of them."""


@dataclass(frozen=True, slots=True)
class SelfState:
    """pdwatch about itself."""

    workers: int
    up: int
    stale: int
    cycle_seconds: float | None = None
    cycles: int = 0
    discovery_targets: Mapping[str, int] = field(default_factory=dict)
    """By source, the targets that it yields."""
    discovery_errors: Mapping[str, str] = field(default_factory=dict)
    """By source, the error of the last refresh; what the source said before is still in use."""
    thresholds: Mapping[str, float] = field(default_factory=dict)
    """By name, the thresholds in use that differ from the defaults."""
    shard: str | None = None
    """Which part of all services it watches, such as `1/2`; `None` where it watches all."""
    services_elsewhere: int = 0
    """Services that were found and fall to other shards."""

    @property
    def idle(self) -> str | None:
        """Why a shard rightly watches no worker, as a clause; `None` where it should watch one, or does."""
        if self.shard is None or self.workers or not self.services_elsewhere:
            return None
        if self.services_elsewhere == 1:
            return f"the only service falls to another shard than {self.shard}"
        return f"none of the {self.services_elsewhere} services falls to shard {self.shard}"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything at one instant."""

    t: float
    services: Mapping[str, ServiceState]
    hosts: Mapping[str, HostState]
    self_state: SelfState
