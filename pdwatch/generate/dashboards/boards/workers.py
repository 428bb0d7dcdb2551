"""The workers of a service, one row each."""

from __future__ import annotations

from pdwatch.catalog import metrics as m
from pdwatch.generate.dashboards.boards import common as c
from pdwatch.generate.dashboards.boards.scopes import SERVICE as SCOPE
from pdwatch.generate.dashboards.colors import above, any_above_zero
from pdwatch.generate.dashboards.panels import Label, Panel, Query, States, Value, table
from pdwatch.generate.dashboards.promql import most, summed

_WORKER = ("service", "role", "replica", "worker")
_ENGINE = (*_WORKER, "engine")


def _worst(metric: m.MetricDef) -> str:
    return most(SCOPE.of(metric), *_WORKER)


PANELS: tuple[Panel, ...] = (
    States(
        title="Which workers answered, and which did not",
        description="From `pdwatch_worker_up`. A worker that left discovery ends.",
        unit="none",
        queries=(Query(most(SCOPE.of(m.WORKER_UP), "role", "worker"), "{{role}} {{worker}}"),),
        meanings=c.UP_DOWN,
        width=24,
        height=7,
    ),
    table(
        title="Each worker: does it answer, is it fresh, what does it hold",
        description="Stuck is the time with work but without progress. Missing are quantities that the engine's "
        "version does not export; docs/metrics.md and `pdwatch_worker_missing_info` name them.",
        labels=(
            Label("role", "Role", width=80),
            Label("replica", "Replica"),
            Label("worker", "Worker"),
            Label("host", "Host", link=c.TO_GPUS),
            Label("version", "Version", width=80),
            Label("trouble", "Trouble"),
        ),
        values=(
            Value(_worst(m.WORKER_UP), "Answers", meanings=c.YES_NO),
            Value(_worst(m.WORKER_STALE), "Stale", meanings=c.NO_YES),
            Value(_worst(m.WORKER_HEALTH), "Healthy", meanings=c.YES_NO),
            Value(_worst(m.WORKER_ROUTER_HEALTHY), "Router trusts it", meanings=c.YES_NO),
            Value(_worst(m.WORKER_RESTARTS), "Restarts", steps=any_above_zero("yellow"), decimals=0),
            Value(summed(SCOPE.of(m.REQUESTS_WAITING), _ENGINE, *_WORKER), "Waiting", decimals=0),
            Value(summed(SCOPE.of(m.REQUESTS_RUNNING), _ENGINE, *_WORKER), "Running", decimals=0),
            Value(_worst(m.KV_CACHE_USAGE), "KV", "percentunit", above("kv_usage_high"), decimals=0),
            Value(_worst(m.ENGINE_STUCK), "Stuck", "s", above("stuck_seconds"), decimals=0),
            Value(_worst(m.WORKER_PAGE_AGE), "Page age", "s", decimals=1),
            Value(_worst(m.WORKER_MISSING), "Missing", decimals=0),
            Value(most(SCOPE.of(m.WORKER_INFO), *_WORKER, "version", "host"), "Runs", hidden=True),
            Value(most(SCOPE.of(m.WORKER_TROUBLE), *_WORKER, "trouble"), "Trouble", hidden=True),
        ),
        height=9,
    ),
)
