"""One pool of a service: queue, KV cache, pressure and how evenly its engines are loaded."""

from __future__ import annotations

from pdwatch.catalog import metrics as m
from pdwatch.generate.dashboards.boards.scopes import SERVICE as SCOPE
from pdwatch.generate.dashboards.colors import above
from pdwatch.generate.dashboards.panels import Look, Panel, Query, TimeSeries
from pdwatch.generate.dashboards.promql import most, summed

_WORKER = ("role", "worker")
_ENGINE = (*_WORKER, "engine")


def _pool(metric: m.MetricDef) -> str:
    return most(SCOPE.of(metric), "service", "role")


PANELS: tuple[Panel, ...] = (
    TimeSeries(
        title="How many requests wait in $role, and how many run",
        description="From `pdwatch_requests_waiting` and `pdwatch_requests_running`.",
        unit="none",
        queries=(
            Query(summed(SCOPE.of(m.REQUESTS_WAITING), _ENGINE, "role"), "waiting"),
            Query(summed(SCOPE.of(m.REQUESTS_RUNNING), _ENGINE, "role"), "running"),
        ),
        looks=(Look("^waiting", color="orange"), Look("^running", color="blue")),
        width=6,
    ),
    TimeSeries(
        title="How full the KV cache of $role is",
        description="Mean, 90th percentile and fullest engine. From the limit on a pool counts as full.",
        unit="percentunit",
        queries=(
            Query(_pool(m.POOL_KV_MEAN), "mean"),
            Query(_pool(m.POOL_KV_P90), "p90"),
            Query(_pool(m.POOL_KV_WORST), "fullest"),
        ),
        steps=above("kv_usage_high"),
        limits=True,
        maximum=1,
        width=6,
    ),
    TimeSeries(
        title="How unevenly $role is loaded",
        description="Requests on the busiest engine and in the mean: `pdwatch_pool_busiest_engine_requests` and "
        "`pdwatch_pool_mean_engine_requests`.",
        unit="none",
        queries=(
            Query(_pool(m.POOL_BUSIEST), "busiest engine"),
            Query(_pool(m.POOL_MEAN), "mean engine"),
        ),
        looks=(Look("^busiest", color="orange"), Look("^mean", color="blue")),
        width=6,
    ),
    TimeSeries(
        title="How many prompt tokens $role finds in caches",
        description="Share of prompt tokens found in its own prefix cache and in the external one.",
        unit="percentunit",
        queries=(
            Query(_pool(m.POOL_PREFIX_HIT), "own cache"),
            Query(_pool(m.POOL_EXTERNAL_HIT), "external cache"),
        ),
        maximum=1,
        width=6,
    ),
    TimeSeries(
        title="Which workers of $role have requests waiting",
        description="From `pdwatch_requests_waiting`, by worker.",
        unit="none",
        queries=(Query(summed(SCOPE.of(m.REQUESTS_WAITING), _ENGINE, *_WORKER), "{{worker}}"),),
        width=6,
    ),
    TimeSeries(
        title="Which workers of $role have a full KV cache",
        description="The fullest engine of each worker, from `pdwatch_kv_cache_usage_ratio`.",
        unit="percentunit",
        queries=(Query(most(SCOPE.of(m.KV_CACHE_USAGE), *_WORKER), "{{worker}}"),),
        steps=above("kv_usage_high"),
        limits=True,
        maximum=1,
        width=6,
    ),
    TimeSeries(
        title="How many tokens the KV caches of $role hold",
        description="From `pdwatch_pool_kv_cache_used_tokens`; dashed is what fits.",
        unit="short",
        queries=(
            Query(_pool(m.POOL_KV_USED), "used"),
            Query(_pool(m.POOL_KV_TOKENS), "what fits"),
        ),
        looks=(Look("^what fits", dashed=True, color="red"),),
        width=6,
    ),
    TimeSeries(
        title="How many requests $role preempts",
        description="Each preempted request is computed again. From `pdwatch_preemptions_per_second`; the limit is "
        "of the whole pool.",
        unit="cps",
        queries=(Query(summed(SCOPE.of(m.PREEMPTIONS), _ENGINE, "role"), "preemptions"),),
        steps=above("preemptions_per_second"),
        limits=True,
        width=6,
    ),
)
