"""Queues, caches and outcomes of the pools of a service."""

from __future__ import annotations

from pdwatch.generate.rules.definition import Record
from pdwatch.generate.rules.flows import POOL, flow
from pdwatch.generate.rules.spellings import aggregate, mean_over_time, newest, rate
from pdwatch.model.reading import Quantity as Q

ENGINE = f"{POOL}, worker, engine"
_LEVEL = "service_role_worker_engine:vllm"
_COUNTED, _PREFILLING, LOAD = (
    f"{_LEVEL}_{name}" for name in ("counted_requests:avg", "prefilling_requests:avg", "load_requests:avg")
)


def ratio(dividend: str, divisor: str) -> str:
    """Return a quotient of two records, without a sample where the divisor is not above zero."""
    return f"{dividend}\n/ ({divisor} > 0)"


def _counted() -> str:
    running, waiting = (aggregate("sum", ENGINE, mean_over_time(q)) for q in (Q.REQUESTS_RUNNING, Q.REQUESTS_WAITING))
    return f"{running}\n+\n{waiting}"


RECORDS = (
    Record(
        "service_role:vllm_requests_waiting:sum",
        aggregate("sum", POOL, newest(Q.REQUESTS_WAITING)),
        "Requests that wait.",
    ),
    Record(
        "service_role:vllm_requests_running:sum",
        aggregate("sum", POOL, newest(Q.REQUESTS_RUNNING)),
        "Requests that run.",
    ),
    Record(
        "service_role:vllm_kv_cache_usage:avg",
        aggregate("avg", POOL, newest(Q.KV_CACHE_USAGE)),
        "Share of the KV cache in use, mean over engines.",
    ),
    Record(
        "service_role:vllm_kv_cache_usage:max",
        aggregate("max", POOL, newest(Q.KV_CACHE_USAGE)),
        "Share of the KV cache in use on the fullest engine.",
    ),
    Record(_COUNTED, _counted(), "Mean requests that wait or run on each engine."),
    Record(
        _PREFILLING,
        aggregate("sum", ENGINE, rate(Q.PREFILL_TIME, "sum")),
        "Mean requests in prefill on each engine; gauges that are set after a step do not show them all.",
    ),
    Record(LOAD, f"({_PREFILLING} > {_COUNTED})\nor {_COUNTED}", "The larger of the two: what each engine holds."),
    Record(
        "service_role:vllm_queue_imbalance:ratio",
        ratio(f"max by ({POOL}) ({LOAD})", f"avg by ({POOL}) ({LOAD})"),
        "Requests on the busiest engine over the mean of its pool; 1 is even.",
    ),
    Record(
        "service_role:vllm_prefix_cache_hit:ratio",
        ratio(flow("prefix_cache_hits"), flow("prefix_cache_queries")),
        "Share of prompt tokens found in the engines' own prefix caches.",
    ),
    Record(
        "service_role:vllm_external_cache_hit:ratio",
        f"clamp_max({ratio(flow('external_cache_hits'), flow('external_cache_queries'))}, 1)",
        "Share of prompt tokens found in the external KV cache.",
    ),
    Record(
        "service_role:vllm_requests_failed:ratio",
        ratio(flow("requests_failed"), flow("requests_finished")),
        "Share of finished requests that ended in an error; absent where engines do not count errors, as before 0.13.",
    ),
)
