"""Every metric that pdwatch exports, stated once: the exporter, the dashboards, the docs and the tests read it here."""

from __future__ import annotations

from pdwatch.catalog import fabric, gpu, host
from pdwatch.catalog.definition import Kind, Level, MetricDef
from pdwatch.catalog.definition import define as _metric

__all__ = ["METRICS", "Kind", "Level", "MetricDef", "metric"]

POOL = ("service", "role")
WORKER = (*POOL, "replica", "worker")
ENGINE = (*WORKER, "engine")
SCOPE = ("role", "replica", "worker", "engine", "host", "gpu", "port")
"""What a finding may be about."""

# Workers
WORKER_UP = _metric("worker_up", "Whether the last scrape of the worker succeeded, 1 or 0.", WORKER)
WORKER_STALE = _metric(
    "worker_stale", "Whether the last good page of the worker is too old to be judged, 1 or 0.", WORKER
)
WORKER_TROUBLE = _metric(
    "worker_trouble_info", "Why the last scrape gave no page, always 1.", (*WORKER, "trouble"), "info"
)
WORKER_FAILURES = _metric("worker_failed_scrapes", "Scrapes in a row that gave no page.", WORKER)
WORKER_HEALTH = _metric("worker_health", "Whether the last GET /health answered with a 2xx status, 1 or 0.", WORKER)
WORKER_RESTARTS = _metric("worker_restarts", "Restarts of the worker within the window.", WORKER)
WORKER_ROUTER_HEALTHY = _metric(
    "worker_router_healthy",
    "Whether the router believes the worker to be healthy, 1 or 0; never proof of life.",
    WORKER,
)
WORKER_ROUTED = _metric("worker_routed_requests_per_second", "Requests a second that routers send the worker.", WORKER)
WORKER_ROUTED_ERRORS = _metric(
    "worker_routed_errors_per_second", "Requests a second to the worker that routers count as failed.", WORKER
)
WORKER_PAGE_AGE = _metric(
    "worker_page_age_seconds", "Age of the last good page at the instant of the snapshot, in seconds.", WORKER
)
WORKER_SCRAPE = _metric("worker_scrape_duration_seconds", "Time that the last scrape took, in seconds.", WORKER)
WORKER_INFO = _metric(
    "worker_info",
    "What runs on the worker and where, always 1.",
    (*WORKER, "version", "family", "model", "host"),
    "info",
)
WORKER_MISSING = _metric(
    "worker_missing_quantities", "Quantities that the page of the worker lacks in this version or setting.", WORKER
)
WORKER_MISSING_INFO = _metric(
    "worker_missing_info",
    "A quantity that the page lacks, its upstream metric and the versions that have it, always 1.",
    (*WORKER, "quantity", "upstream", "versions"),
    "info",
)

# Engines
REQUESTS_WAITING = _metric("requests_waiting", "Requests that wait in the engine's queue.", ENGINE)
REQUESTS_RUNNING = _metric("requests_running", "Requests that the engine runs.", ENGINE)
ENGINE_LOAD = _metric(
    "engine_load_requests", "Mean requests that wait, run or are in prefill on the engine over the window.", ENGINE
)
KV_FETCH_WAITING = _metric(
    "kv_fetch_waiting_requests", "Requests that wait for remote KV and receive none yet.", ENGINE
)
KV_CACHE_USAGE = _metric("kv_cache_usage_ratio", "Share of the engine's KV cache in use, 0 to 1.", ENGINE)
KV_CACHE_TOKENS = _metric("kv_cache_tokens", "Capacity of the engine's KV cache, in tokens.", ENGINE)
PREFIX_CACHE_HIT = _metric(
    "prefix_cache_hit_ratio", "Share of prompt tokens found in the engine's own prefix cache, 0 to 1.", ENGINE
)
EXTERNAL_CACHE_HIT = _metric(
    "external_cache_hit_ratio", "Share of prompt tokens found in the external KV cache, 0 to 1.", ENGINE
)
ENGINE_REQUESTS = _metric("engine_requests_per_second", "Requests that the engine takes, per second.", ENGINE)
ENGINE_PROMPT_TOKENS = _metric(
    "engine_prompt_tokens_per_second", "Prompt tokens of the engine, computed or not, per second.", ENGINE
)
ENGINE_COMPUTED_TOKENS = _metric(
    "engine_computed_tokens_per_second", "Prompt tokens that the engine computed, per second.", ENGINE
)
ENGINE_GENERATION_TOKENS = _metric(
    "engine_generation_tokens_per_second", "Tokens that the engine generated, per second.", ENGINE
)
PREEMPTIONS = _metric("preemptions_per_second", "Requests that the engine preempted, per second.", ENGINE)
ERRORS = _metric("errors_per_second", "Requests that ended with an error on the engine, per second.", ENGINE)
ENGINE_RECOMPUTED = _metric(
    "engine_kv_recomputed_share_ratio",
    "Share of uncached prompt tokens that the engine computed instead of receiving their KV, 0 to 1.",
    ENGINE,
)
ENGINE_REQUEST_TOKENS = _metric("engine_generation_tokens_per_request", "Mean tokens generated per request.", ENGINE)
ENGINE_STUCK = _metric(
    "engine_stuck_seconds", "Time with work in the engine while none of its counters moved, in seconds.", ENGINE
)
ENGINE_HELD = _metric(
    "engine_kv_held_seconds", "Time that KV blocks are held while no request runs or waits, in seconds.", ENGINE
)

# Pools
POOL_WORKERS = _metric("pool_workers", "Workers of the pool.", POOL)
POOL_WORKERS_UP = _metric("pool_workers_up", "Workers of the pool whose last scrape succeeded.", POOL)
POOL_ENGINES = _metric("pool_engines", "Engines (data-parallel ranks) of the pool.", POOL)
POOL_GUESSED = _metric("pool_role_guessed", "Whether the role of the pool is inferred and not declared, 1 or 0.", POOL)
QUEUE_IMBALANCE = _metric(
    "queue_imbalance_ratio", "Requests on the busiest engine over the mean of its pool; 1 is even.", POOL
)
POOL_BUSIEST = _metric("pool_busiest_engine_requests", "Requests that wait or run on the busiest engine.", POOL)
POOL_MEAN = _metric("pool_mean_engine_requests", "Requests that wait or run on an engine in the mean.", POOL)
POOL_PRESSURE = _metric("pool_pressure_ratio", "Demand on the pool over its capacity; from 1 it is too small.", POOL)
POOL_PRESSURE_BOUND = _metric(
    "pool_pressure_bound_info",
    "The bound that the pressure of the pool comes from, always 1.",
    (*POOL, "bound"),
    "info",
)
POOL_PREFILL = _metric(
    "pool_prefill_concurrency_requests", "Requests in prefill at once in the mean over the window.", POOL
)
POOL_KV_MEAN = _metric("pool_kv_cache_usage_ratio", "Share of the KV cache in use, mean over engines, 0 to 1.", POOL)
POOL_KV_P90 = _metric(
    "pool_kv_cache_usage_p90_ratio", "Share of the KV cache in use, 90th percentile over engines, 0 to 1.", POOL
)
POOL_KV_WORST = _metric(
    "pool_kv_cache_usage_worst_ratio", "Share of the KV cache in use on the fullest engine, 0 to 1.", POOL
)
POOL_KV_TOKENS = _metric("pool_kv_cache_tokens", "Capacity of the KV caches of the pool, in tokens.", POOL)
POOL_KV_USED = _metric("pool_kv_cache_used_tokens", "Tokens in the KV caches of the pool.", POOL)
POOL_PREFIX_HIT = _metric(
    "pool_prefix_cache_hit_ratio", "Share of prompt tokens found in the prefix caches of the pool, 0 to 1.", POOL
)
POOL_EXTERNAL_HIT = _metric(
    "pool_external_cache_hit_ratio", "Share of prompt tokens found in the external KV cache, 0 to 1.", POOL
)
POOL_REQUESTS = _metric("pool_requests_per_second", "Requests that the pool takes, per second.", POOL)
POOL_WINDOW = _metric(
    "pool_window_requests", "Requests finished within the window: what the rates of the pool rest on.", POOL
)
CURRENT_REPLICAS = _metric("current_replicas", "Replicas that the role has.", POOL)
DESIRED_REPLICAS = _metric("desired_replicas", "Replicas that the role should have; absent where unknown.", POOL)
EXPERT_BALANCE = _metric(
    "expert_balancedness_ratio",
    "Tokens per expert-parallel rank, mean over maximum; 1 is even.",
    (*POOL, "replica", "model"),
)

# KV transfer
KV_SECONDS = _metric(
    "kv_transfer_seconds", "Time of one KV transfer in seconds, as counted by the side in role.", POOL, "histogram"
)
KV_BYTES = _metric("kv_transfer_bytes_total", "Bytes of KV transferred since pdwatch watches.", ("service",), "counter")
KV_FAILURES = _metric(
    "kv_transfer_failures_total", "KV transfers that failed since pdwatch watches.", ("service",), "counter"
)
KV_MEAN = _metric(
    "kv_transfer_mean_seconds", "Mean time of one KV transfer within the window, in seconds.", ("service",)
)
KV_P95 = _metric(
    "kv_transfer_p95_seconds",
    "95th percentile of the time of one KV transfer within the window, in seconds.",
    ("service",),
)
KV_BANDWIDTH = _metric(
    "kv_transfer_bandwidth_bytes_per_second",
    "What one KV transfer gets, in bytes per second of its time.",
    ("service",),
)
KV_THROUGHPUT = _metric(
    "kv_transfer_bytes_per_second", "KV transferred between the pools, in bytes per second.", ("service",)
)
KV_TRANSFERS = _metric("kv_transfers_per_second", "KV transfers per second.", ("service",))
KV_FAILURE_RATE = _metric("kv_transfer_failures_per_second", "KV transfers that failed, per second.", ("service",))
KV_EXPIRED = _metric(
    "kv_transfer_expired_per_second", "KV that nobody fetched before it expired on prefill, per second.", ("service",)
)
KV_AFTER_EXPIRY = _metric(
    "kv_transfer_after_expiry_per_second", "KV that was fetched after it had expired, per second.", ("service",)
)
KV_PREFILL_RATIO = _metric(
    "kv_transfer_prefill_ratio", "Mean transfer time over mean prefill compute time of a request.", ("service",)
)
KV_WAITING = _metric(
    "kv_transfer_waiting_requests", "Requests on decode that wait for remote KV and receive none yet.", ("service",)
)
KV_MOVING = _metric("kv_transfer_moving", "Whether decode receives the KV that prefill computed, 1 or 0.", ("service",))
KV_RECOMPUTED = _metric(
    "kv_recomputed_share_ratio", "Share of prompt tokens that decode computed again, 0 to 1.", ("service",)
)

# Latency and objectives
TTFT = _metric("ttft_seconds", "Time to first token as the role counts it, in seconds.", POOL, "histogram")
ITL = _metric("itl_seconds", "Time between two tokens as the role counts it, in seconds.", POOL, "histogram")
TTFT_WINDOW = _metric(
    "ttft_window_seconds",
    "Time to first token over the whole way, by percentile within the window, in seconds.",
    ("service", "percentile"),
)
ITL_WINDOW = _metric(
    "itl_window_seconds",
    "Time between two tokens, by percentile within the window, in seconds.",
    ("service", "percentile"),
)
TTFT_CHAIN = _metric("ttft_chain_seconds", "Mean time of one hop to the first token, in seconds.", ("service", "hop"))
SLO_ATTAINMENT = _metric(
    "slo_attainment_ratio", "Share of observations that met the objective, 0 to 1.", ("service", "objective")
)
SLO_OBJECTIVE = _metric("slo_objective_seconds", "The objective, in seconds.", ("service", "objective"))
SLO_TARGET = _metric(
    "slo_target_ratio", "Share of observations that must meet the objective.", ("service", "objective")
)
SLO_EDGE = _metric(
    "slo_edge_seconds", "Bucket edge at which the attainment is read, in seconds.", ("service", "objective")
)

# Judgement
ADVICE = _metric("advice", "1 for the action that the service needs, 0 for every other.", ("service", "action"))
ADVICE_CONFIDENCE = _metric("advice_confidence_ratio", "How sure the advice is, 0 to 1.", ("service",))
ADVICE_SINCE = _metric("advice_since_timestamp_seconds", "Since when the advice stands, in Unix seconds.", ("service",))
DEMAND = _metric(
    "demand_tokens_per_second",
    "Tokens that the role must compute or generate, measured at arrival, per second.",
    (*POOL, "bound"),
)
CAPACITY = _metric(
    "capacity_tokens_per_second",
    "Tokens that all replicas of the role bear by one bound, per second.",
    (*POOL, "bound"),
)
UTILIZATION = _metric("utilization_ratio", "Demand over capacity by one bound; 1 is the limit.", (*POOL, "bound"))
BINDING_BOUND = _metric(
    "binding_bound_info", "The bound that is nearest to its limit, always 1.", (*POOL, "bound"), "info"
)
DECISIONS = _metric("decisions", "Changes of advice among the last ones kept, by action.", ("service", "action"))
DECISION_OUTCOMES = _metric(
    "decision_outcomes", "Changes of advice among the last ones kept, by what became of them.", ("service", "outcome")
)
FINDING_ACTIVE = _metric(
    "finding_active",
    "1 while a finding of this kind stands; absent while none does.",
    ("service", "finding", "severity"),
)
FINDING_SINCE = _metric(
    "finding_since_timestamp_seconds",
    "Since when each finding stands, in Unix seconds; labels of its scope and of its root are empty where it has none.",
    ("service", "finding", "severity", *SCOPE, "root", "root_severity"),
)
FINDINGS = _metric("findings", "Findings that stand, by severity.", ("service", "severity"))

# pdwatch itself
BUILD_INFO = _metric("build_info", "Versions of pdwatch and Python, always 1.", ("version", "python"), "info")
RELOAD_OK = _metric(
    "config_last_reload_successful", "Whether the configuration was last loaded without error, 1 or 0.", ()
)
RELOAD_TIME = _metric(
    "config_last_reload_timestamp_seconds", "When the configuration in use was loaded, in Unix seconds.", ()
)
CYCLE_SECONDS = _metric(
    "cycle_duration_seconds", "Time from the first scrape of a cycle to its snapshot, in seconds.", ()
)
CYCLES = _metric("cycles_total", "Cycles of collection finished.", (), "counter")
SHARDS = _metric(
    "shards",
    "Shards that the services are divided over, by the one that this is; absent where it watches all.",
    ("shard",),
)
SNAPSHOT_AGE = _metric("snapshot_age_seconds", "Age of the snapshot behind this page, in seconds.", ())
DISCOVERY_TARGETS = _metric("discovery_targets", "Targets that a source of discovery yields.", ("source",))
DISCOVERY_UP = _metric(
    "discovery_up", "Whether the last refresh of a source of discovery succeeded, 1 or 0.", ("source",)
)
DUPLICATES = _metric("duplicate_samples", "Samples left out of this page because another has the same labels.", ())
PROCESS_CPU = _metric("process_cpu_seconds_total", "CPU time of pdwatch, user and system, in seconds.", (), "counter")
PROCESS_RESIDENT = _metric("process_resident_memory_bytes", "Resident memory of pdwatch, in bytes.", ())
PROCESS_VIRTUAL = _metric("process_virtual_memory_bytes", "Virtual memory of pdwatch, in bytes.", ())
PROCESS_START = _metric("process_start_time_seconds", "Start of pdwatch, in Unix seconds.", ())
PROCESS_FDS = _metric("process_open_fds", "File descriptors that pdwatch has open.", ())
PROCESS_MAX_FDS = _metric("process_max_fds", "File descriptors that pdwatch may open.", ())

METRICS: tuple[MetricDef, ...] = (
    *(entry for entry in tuple(vars().values()) if isinstance(entry, MetricDef)),
    *host.METRICS,
    *gpu.METRICS,
    *fabric.METRICS,
)
"""Every definition above and those of hosts, in the order of declaration, which is the order on the page."""


def metric(name: str) -> MetricDef:
    """Return the definition of *name*, with or without the prefix `pdwatch_`. Raises `KeyError` for an unknown one."""
    full = name if name.startswith(("pdwatch_", "process_")) else f"pdwatch_{name}"
    found = next((entry for entry in METRICS if entry.name == full), None)
    if found is None:
        raise KeyError(f"{full} is no metric of pdwatch; docs/metrics.md lists them")
    return found
