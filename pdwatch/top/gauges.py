"""The numbers of a pool that the screen compares, each with its limit. Both panels show the same rows in one order."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from pdwatch.catalog.thresholds import Thresholds
from pdwatch.model.latency import Attainment
from pdwatch.model.snapshot import PoolState, ServiceState
from pdwatch.model.target import Role
from pdwatch.top import numbers
from pdwatch.top.status import Status, against

Pick = Callable[[ServiceState, PoolState], float | None]


@dataclass(frozen=True, slots=True)
class Gauge:
    """One number of a pool."""

    name: str
    title: str
    short: str
    pick: Pick
    show: Callable[[float | None], str]
    threshold: str = ""
    """The entry of `Thresholds` that limits it."""
    objective: str = ""
    """The objective of the service that limits it: `ttft` or `itl`."""
    hard: bool = False
    """Whether the limit is a capacity: at it, nothing more fits."""

    def limit(self, service: ServiceState, thresholds: Thresholds) -> float | None:
        """Return the upper limit in the unit of the value; `None` where nobody set one."""
        if self.objective:
            attainment = service.slo.get(self.objective)
            return attainment.objective_seconds if attainment is not None else None
        value: float | None = getattr(thresholds, self.threshold) if self.threshold else None
        return value

    def status(self, service: ServiceState, pool: PoolState, thresholds: Thresholds) -> Status | None:
        """Return how it stands; `None` for what has no limit.

        An objective is judged by the share of requests that met it, as it is promised.
        """
        limit = self.limit(service, thresholds)
        if limit is None:
            return None
        attainment = service.slo.get(self.objective)
        if attainment is not None:
            return met(attainment)
        return against(self.pick(service, pool), limit, hard=self.hard)


def met(attainment: Attainment) -> Status:
    """Return how an objective stands."""
    if attainment.ratio is None:
        return Status.UNKNOWN
    return Status.OK if attainment.ratio >= attainment.target else Status.WARN


def load_of(service: ServiceState, pool: PoolState) -> tuple[float | None, str | None]:
    """Return demand over capacity of a pool and the bound that binds: as the advice has it, else by its gauges."""
    binding = next((load for load in service.advice.bounds if load.role is pool.role), None)
    if binding is not None:
        return binding.utilization_ratio, binding.bound.value
    return pool.pressure_ratio, pool.pressure_bound


LOAD = Gauge(
    "load",
    "Load",
    "Load",
    lambda service, pool: load_of(service, pool)[0],
    numbers.percent,
    threshold="pressure_high",
    hard=True,
)
KV = Gauge("kv", "KV use", "KV", lambda _, pool: pool.kv_cache_usage_ratio, numbers.percent, "kv_usage_high", hard=True)
QUEUE = Gauge(
    "queue", "Queue", "Queue", lambda _, pool: pool.requests_waiting, lambda value: numbers.with_unit(value, "req")
)
TTFT = Gauge(
    "ttft",
    "TTFT p99",
    "TTFT",
    lambda service, _: service.latency.ttft_seconds.p99,
    numbers.seconds,
    objective="ttft",
)
ITL = Gauge(
    "itl", "ITL p99", "ITL", lambda service, _: service.latency.itl_seconds.p99, numbers.seconds, objective="itl"
)
COMPUTED = Gauge("tokens", "Tokens", "Tok", lambda _, pool: pool.computed_tokens_per_second, numbers.rate)
GENERATED = Gauge("tokens", "Tokens", "Tok", lambda _, pool: pool.generation_tokens_per_second, numbers.rate)
PREFIX = Gauge("prefix", "Prefix hit", "Hit", lambda _, pool: pool.prefix_cache_hit_ratio, numbers.percent)
PREEMPT = Gauge(
    "preempt",
    "Preempt",
    "Preempt",
    lambda _, pool: pool.preemptions_per_second,
    numbers.rate,
    threshold="preemptions_per_second",
)

_DECODE = (LOAD, KV, QUEUE, ITL, GENERATED, PREEMPT)
GAUGES: Mapping[Role, tuple[Gauge, ...]] = {
    Role.PREFILL: (LOAD, KV, QUEUE, TTFT, COMPUTED, PREFIX),
    Role.DECODE: _DECODE,
    Role.BOTH: (LOAD, KV, QUEUE, TTFT, ITL, PREEMPT),
    Role.UNKNOWN: _DECODE,
}

Reading = tuple[tuple[str, ...], float | None]


def readings(service: ServiceState) -> Iterator[Reading]:
    """Yield every number that a graph of *service* draws, by its key."""
    for role, pool in service.pools.items():
        for gauge in GAUGES.get(role, ()):
            yield gauge_key(service.service, role, gauge), gauge.pick(service, pool)
    for worker in service.workers:
        usages = [] if worker.stale else [engine.kv_cache_usage_ratio for engine in worker.engines]
        known = [usage for usage in usages if usage is not None]
        yield worker_key(service.service, worker.url), max(known, default=None)
    for replica, ratio in {**service.expert_balance_estimate, **service.experts}.items():
        yield expert_key(service.service, replica), ratio


def gauge_key(service: str, role: Role, gauge: Gauge) -> tuple[str, ...]:
    """Return the key of a pool's trail."""
    return ("pool", service, role.value, gauge.name)


def worker_key(service: str, url: str) -> tuple[str, ...]:
    """Return the key of a worker's trail of KV use."""
    return ("worker", service, url)


def expert_key(service: str, replica: str) -> tuple[str, ...]:
    """Return the key of a replica's trail of the balance of its experts."""
    return ("experts", service, replica)


@dataclass(frozen=True, slots=True)
class Nearest:
    """The number that is nearest to its limit."""

    role: Role
    gauge: Gauge
    value: float
    limit: float

    @property
    def words(self) -> str:
        """`decode KV use 71 % of 90 %`."""
        return f"{self.role.value} {self.gauge.title} {self.gauge.show(self.value)} of {self.gauge.show(self.limit)}"


def nearest(service: ServiceState, thresholds: Thresholds) -> Nearest | None:
    """Return the number of *service* that is nearest to its limit; `None` where none is known.

    Objectives are shares of requests, not limits of a quantile: they stand in a line of their own.
    """
    found = [
        Nearest(role, gauge, value, limit)
        for role, pool in service.pools.items()
        for gauge in GAUGES.get(role, ())
        if not gauge.objective
        and (limit := gauge.limit(service, thresholds))
        and (value := gauge.pick(service, pool)) is not None
    ]
    return max(found, key=lambda entry: entry.value / entry.limit, default=None)
