"""One service: the road of a request from the router to the last token, and the pools that it runs through."""

from __future__ import annotations

from pdwatch.catalog import metrics as m
from pdwatch.generate.dashboards.board import Board, Row
from pdwatch.generate.dashboards.boards import common as c
from pdwatch.generate.dashboards.boards.capacity import PANELS as CAPACITY
from pdwatch.generate.dashboards.boards.findings import findings
from pdwatch.generate.dashboards.boards.pools import PANELS as POOLS
from pdwatch.generate.dashboards.boards.road import PANELS as ROAD
from pdwatch.generate.dashboards.boards.road import SPREAD
from pdwatch.generate.dashboards.boards.scopes import SERVICE as SCOPE
from pdwatch.generate.dashboards.boards.workers import PANELS as WORKERS
from pdwatch.generate.dashboards.colors import above
from pdwatch.generate.dashboards.panels import Label, Query, Stat, Value, table
from pdwatch.generate.dashboards.promql import most, summed

_VERDICT = Stat(
    title="What this service needs now",
    description="The advice of pdwatch, from `pdwatch_advice`. Its reason in words is on pdwatch's own page and in "
    "`pdwatch top`.",
    unit="none",
    queries=(Query(c.verdict(SCOPE), "{{service}}", instant=True),),
    meanings=c.ACTIONS,
    filled=True,
    width=4,
    height=6,
    missing="pdwatch does not tell",
)
_SURE = Stat(
    title="How sure that is",
    description="From `pdwatch_advice_confidence_ratio`: less where few requests were seen.",
    unit="percentunit",
    queries=(Query(most(SCOPE.of(m.ADVICE_CONFIDENCE), "service"), instant=True),),
    decimals=0,
    width=2,
    height=6,
)
_SINCE = Stat(
    title="Since when",
    description="From `pdwatch_advice_since_timestamp_seconds`.",
    unit="s",
    queries=(Query(f"time() - {most(SCOPE.of(m.ADVICE_SINCE), 'service')}", instant=True),),
    decimals=0,
    width=2,
    height=6,
)
_FINDINGS = findings(width=16, height=6)


def _pool(metric: m.MetricDef) -> str:
    return most(SCOPE.of(metric), "role")


_EACH = ("role", "worker", "engine")
_ROLES = table(
    title="Each pool: workers, replicas there and wanted, queue, cache, pressure",
    description="Pressure is demand over capacity; from 1 a pool is too small. KV is the 90th percentile over engines.",
    labels=(Label("role", "Role"),),
    values=(
        Value(_pool(m.POOL_WORKERS_UP), "Up", width=45),
        Value(_pool(m.POOL_WORKERS), "Workers"),
        Value(_pool(m.CURRENT_REPLICAS), "Replicas"),
        Value(_pool(m.DESIRED_REPLICAS), "Wanted"),
        Value(summed(SCOPE.of(m.REQUESTS_WAITING), _EACH, "role"), "Waiting"),
        Value(summed(SCOPE.of(m.REQUESTS_RUNNING), _EACH, "role"), "Running"),
        Value(_pool(m.POOL_KV_P90), "KV", "percentunit", above("kv_usage_high"), decimals=0),
        Value(
            _pool(m.POOL_PRESSURE),
            "Pressure",
            "percentunit",
            above("pressure_high", warn="pressure_target"),
            decimals=0,
        ),
        Value(_pool(m.QUEUE_IMBALANCE), "Imbalance", "none", above("queue_imbalance", color="orange"), decimals=2),
        Value(_pool(m.POOL_GUESSED), "Guessed", meanings=c.NO_YES),
    ),
    height=4,
)

BOARD = Board(
    uid=c.SERVICE,
    title="pdwatch / Service",
    description="One service: the road of a request, both pools, the workers.",
    tags=c.TAGS,
    variables=(c.CLUSTER, c.of_one_service(m.ADVICE), *c.of_workers()),
    rows=(
        Row("$service now", (_VERDICT, _SURE, _SINCE, _FINDINGS, _ROLES)),
        Row("The road of a request: router, prefill queue, prefill, KV transfer, decode admission, decode", ROAD),
        Row("Pool: $role", POOLS, repeat="role"),
        Row("Demand and capacity by what limits", CAPACITY),
        Row("Workers", WORKERS),
        Row("How latencies are spread", SPREAD, folded=True),
    ),
    marks=(c.alerts_of_a_service(), c.restarts(SCOPE), c.changed_verdicts(SCOPE)),
)
