"""Experts and ranks: how evenly the data-parallel engines and the experts of a service are loaded."""

from __future__ import annotations

from pdwatch.catalog import host as h
from pdwatch.catalog import metrics as m
from pdwatch.generate.dashboards.board import Board, Row
from pdwatch.generate.dashboards.boards import common as c
from pdwatch.generate.dashboards.boards.scopes import HOSTS
from pdwatch.generate.dashboards.boards.scopes import SERVICE as SCOPE
from pdwatch.generate.dashboards.colors import CALM, above, below
from pdwatch.generate.dashboards.panels import Bars, Label, Query, TimeSeries, Value, table
from pdwatch.generate.dashboards.promql import most, total

_RANK = ("role", "worker", "engine")
_NAME = "{{role}} {{worker}} rank {{engine}}"
_NO_EXPERTS = "no engine tells of experts"


def _rank(metric: m.MetricDef) -> str:
    return most(SCOPE.of(metric), *_RANK)


_EVENNESS = (
    TimeSeries(
        title="How uneven each pool is: busiest rank over the mean",
        description="1 is even. From `pdwatch_queue_imbalance_ratio`.",
        unit="none",
        queries=(Query(most(SCOPE.of(m.QUEUE_IMBALANCE), "service", "role"), "{{service}} {{role}}"),),
        steps=above("queue_imbalance", color="orange"),
        limits=True,
        decimals=2,
        width=12,
    ),
    TimeSeries(
        title="How many requests the busiest rank has above the mean",
        description="Few requests are never uneven. From `pdwatch_pool_busiest_engine_requests` and "
        "`pdwatch_pool_mean_engine_requests`.",
        unit="none",
        queries=(
            Query(
                f"{most(SCOPE.of(m.POOL_BUSIEST), 'service', 'role')} - "
                f"{most(SCOPE.of(m.POOL_MEAN), 'service', 'role')}",
                "{{service}} {{role}}",
            ),
        ),
        steps=above("queue_imbalance_requests", color="orange"),
        limits=True,
        width=12,
    ),
)

_RANKS = (
    Bars(
        title="How many requests each rank holds now",
        description="The twenty fullest: waiting, running or in prefill, mean over the window, from "
        "`pdwatch_engine_load_requests`.",
        unit="none",
        queries=(Query(f"sort_desc(topk(20, {_rank(m.ENGINE_LOAD)}))", _NAME, instant=True),),
        steps=CALM,
        decimals=1,
        minimum=0,
        height=10,
    ),
    TimeSeries(
        title="How many requests each rank held",
        description="From `pdwatch_engine_load_requests`.",
        unit="none",
        queries=(Query(_rank(m.ENGINE_LOAD), _NAME),),
        height=10,
    ),
    TimeSeries(
        title="How full the KV cache of each rank was",
        description="From `pdwatch_kv_cache_usage_ratio`.",
        unit="percentunit",
        queries=(Query(_rank(m.KV_CACHE_USAGE), _NAME),),
        steps=above("kv_usage_high"),
        limits=True,
        maximum=1,
        height=10,
    ),
    table(
        title="Each rank: load, cache, work",
        description="One row for each data-parallel rank.",
        labels=(Label("role", "Role", width=80), Label("worker", "Worker"), Label("engine", "Rank", width=60)),
        values=(
            Value(_rank(m.ENGINE_LOAD), "Load", decimals=1),
            Value(_rank(m.REQUESTS_WAITING), "Waiting", decimals=0),
            Value(_rank(m.REQUESTS_RUNNING), "Running", decimals=0),
            Value(_rank(m.KV_CACHE_USAGE), "KV", "percentunit", above("kv_usage_high"), decimals=0),
            Value(_rank(m.KV_CACHE_TOKENS), "KV fits", "short"),
            Value(_rank(m.ENGINE_REQUESTS), "Requests", "reqps", decimals=1),
            Value(_rank(m.ENGINE_PROMPT_TOKENS), "Prompt tokens/s", "short"),
            Value(_rank(m.ENGINE_GENERATION_TOKENS), "Generated tokens/s", "short"),
            Value(_rank(m.ENGINE_REQUEST_TOKENS), "Tokens a request", decimals=0),
            Value(_rank(m.PREFIX_CACHE_HIT), "Own cache", "percentunit", decimals=0),
            Value(_rank(m.EXTERNAL_CACHE_HIT), "External cache", "percentunit", decimals=0),
            Value(_rank(m.ENGINE_HELD), "KV held idle", "s", above("kv_idle_seconds"), decimals=0),
        ),
        worst_first=("Load",),
        height=9,
    ),
)

_LOG = ("host", "source")
_EXPERTS = (
    TimeSeries(
        title="How evenly tokens are spread over experts",
        description="Mean over maximum of the ranks; 1 is even. From `pdwatch_expert_balancedness_ratio`. vLLM "
        "tells it in its log only, so it takes `pdwatch agent` on the host.",
        unit="percentunit",
        queries=(
            Query(
                most(SCOPE.of(m.EXPERT_BALANCE), "service", "role", "replica", "model"),
                "{{service}} {{role}} {{replica}}",
            ),
        ),
        steps=below("expert_balancedness_low"),
        limits=True,
        maximum=1,
        missing=_NO_EXPERTS,
    ),
    TimeSeries(
        title="What the logs say of the same",
        description="From `pdwatch_engine_log_expert_balancedness_ratio`, by log.",
        unit="percentunit",
        queries=(Query(most(HOSTS.of(h.BALANCEDNESS), *_LOG, "model"), "{{host}} {{model}}"),),
        steps=below("expert_balancedness_low"),
        limits=True,
        maximum=1,
        missing=_NO_EXPERTS,
    ),
    TimeSeries(
        title="How long moving experts took",
        description="Time of the last rearrangement, from `pdwatch_engine_log_rearrangement_seconds`. The engines "
        "stand still meanwhile.",
        unit="s",
        queries=(Query(most(HOSTS.of(h.LOG_REARRANGEMENT), *_LOG), "{{host}}"),),
        missing=_NO_EXPERTS,
    ),
    TimeSeries(
        title="How often experts are moved",
        description="Rearrangements that began, from `pdwatch_engine_log_rearrangements_total`.",
        unit="cps",
        queries=(Query(total(HOSTS.rate(h.LOG_REARRANGEMENTS), *_LOG), "{{host}}"),),
        missing=_NO_EXPERTS,
        width=12,
    ),
    table(
        title="How fresh the balance of each log is, and whether it can be trusted",
        description="Some versions print the balance over layers and not over ranks: then it says nothing of load. "
        "From `pdwatch_engine_log_expert_balancedness_usable`.",
        labels=(Label("host", "Host", link=c.TO_GPUS), Label("source", "Log"), Label("model", "Model")),
        values=(
            Value(most(HOSTS.of(h.BALANCEDNESS), *_LOG, "model"), "Balance", "percentunit", decimals=0),
            Value(most(HOSTS.of(h.BALANCEDNESS_USABLE), *_LOG, "model"), "Over ranks", meanings=c.YES_NO),
            Value(f"time() - {most(HOSTS.of(h.BALANCEDNESS_AT), *_LOG, 'model')}", "Age", "s", decimals=0),
        ),
        width=12,
        missing=_NO_EXPERTS,
    ),
)

BOARD = Board(
    uid=c.EXPERTS,
    title="pdwatch / Experts and ranks",
    description="How evenly ranks and experts are loaded.",
    tags=c.TAGS,
    variables=(c.CLUSTER, c.of_service(m.ADVICE), *c.of_workers(), c.of_hosts(h.UP)),
    rows=(
        Row("How even the pools are", _EVENNESS),
        Row("Data-parallel ranks", _RANKS),
        Row("Experts", _EXPERTS),
    ),
    marks=(c.alerts_of_a_service(), c.restarts(SCOPE)),
)
