"""All engines: who is up, who is full, who queues."""

from __future__ import annotations

from pdwatch.generate.dashboards.board import Board, Row
from pdwatch.generate.dashboards.colors import CALM, Step, above, any_above_zero
from pdwatch.generate.dashboards.panels import Label, Panel, Query, Stat, TimeSeries, Value, table
from pdwatch.generate.dashboards.raw import common as c
from pdwatch.generate.dashboards.raw.names import mean, most, now, quantile, rate, total
from pdwatch.model.reading import Quantity as Q

_FINISHED = (Q.FINISHED_STOP, Q.FINISHED_LENGTH, Q.FINISHED_ABORT, Q.FINISHED_ERROR, Q.FINISHED_REPETITION)


def _now(
    title: str,
    expr: str,
    description: str,
    *,
    unit: str = "none",
    steps: tuple[Step, ...] = CALM,
    missing: str = "no data",
) -> Stat:
    return Stat(
        title=title,
        description=description,
        unit=unit,
        queries=(Query(expr),),
        steps=steps,
        missing=missing,
        trend=True,
        width=4,
        height=4,
    )


_NOW: tuple[Panel, ...] = (
    _now("Engines that answer", f"count({now(Q.REQUESTS_RUNNING)})", "Data-parallel ranks with a fresh page."),
    _now("Requests that run", total(now(Q.REQUESTS_RUNNING)), "Over all engines, prefill and decode."),
    _now("Requests that wait", total(now(Q.REQUESTS_WAITING)), "On decode that includes requests that wait for KV."),
    _now(
        "KV cache of the fullest engine",
        f"max({now(Q.KV_CACHE_USAGE)})",
        "Blocks in use; on prefill those that decode has not fetched yet are among them.",
        unit="percentunit",
        steps=above("kv_usage_high"),
    ),
    _now(
        "Requests that end with an error",
        total(rate(Q.FINISHED_ERROR)),
        "From vLLM 0.13 on: among them are KV transfers that failed.",
        unit="cps",
        steps=any_above_zero(),
        missing="not told before vLLM 0.13",
    ),
    _now(
        "Requests that are preempted",
        total(rate(Q.PREEMPTIONS)),
        "Each is computed again.",
        unit="cps",
        steps=above("preemptions_per_second"),
    ),
)


def _each(expr: str) -> str:
    return total(expr, *c.BY_ENGINE)


_TABLE = table(
    title="Each engine: queue, cache, speed",
    description="One row for each data-parallel rank. Quantiles are of the last interval.",
    labels=(Label("role", "Role", width=80), Label("instance", "Instance"), Label("engine", "Rank", width=60)),
    values=(
        Value(most(now(Q.REQUESTS_WAITING), *c.BY_ENGINE), "Waiting", decimals=0),
        Value(most(now(Q.REQUESTS_RUNNING), *c.BY_ENGINE), "Running", decimals=0),
        Value(most(now(Q.KV_CACHE_USAGE), *c.BY_ENGINE), "KV", "percentunit", above("kv_usage_high"), decimals=0),
        Value(_each(rate(Q.TTFT, "count")), "Requests", "reqps", decimals=1),
        Value(_each(rate(Q.PROMPT_TOKENS)), "Prompt tokens/s", "short"),
        Value(_each(rate(Q.GENERATION_TOKENS)), "Generated tokens/s", "short"),
        Value(quantile(0.95, Q.TTFT, *c.BY_ENGINE), "TTFT p95", "s"),
        Value(quantile(0.95, Q.ITL, *c.BY_ENGINE), "ITL p95", "s"),
        Value(mean(Q.QUEUE_TIME, *c.BY_ENGINE), "Queued, mean", "s"),
        Value(_each(rate(Q.PREEMPTIONS)), "Preempted", "cps", above("preemptions_per_second")),
    ),
    worst_first=("Waiting", "KV"),
    height=9,
    missing="no vLLM is scraped",
)

_COURSE: tuple[Panel, ...] = (
    TimeSeries(
        title="How many requests wait, by role",
        description="`vllm:num_requests_waiting`. On decode it includes requests that wait for KV.",
        unit="none",
        queries=(Query(total(now(Q.REQUESTS_WAITING), "role"), "waiting {{role}}"),),
    ),
    TimeSeries(
        title="How many requests run, by role",
        description="`vllm:num_requests_running`.",
        unit="none",
        queries=(Query(total(now(Q.REQUESTS_RUNNING), "role"), "running {{role}}"),),
    ),
    TimeSeries(
        title="How full the KV cache of each engine is",
        description="`vllm:kv_cache_usage_perc`, until 0.10 `vllm:gpu_cache_usage_perc`: a share from 0 to 1.",
        unit="percentunit",
        queries=(Query(most(now(Q.KV_CACHE_USAGE), *c.BY_ENGINE), c.ENGINE),),
        steps=above("kv_usage_high"),
        limits=True,
        maximum=1,
    ),
    TimeSeries(
        title="How many requests begin, by role",
        description="First tokens a second, `vllm:time_to_first_token_seconds_count`.",
        unit="reqps",
        queries=(Query(total(rate(Q.TTFT, "count"), "role"), "requests {{role}}"),),
    ),
    TimeSeries(
        title="How requests end",
        description="`vllm:request_success_total` by reason; its name says success, and it counts errors too.",
        unit="cps",
        queries=tuple(
            Query(total(rate(reason)), reason.value.removeprefix("finished_").replace("_", " ")) for reason in _FINISHED
        ),
    ),
    TimeSeries(
        title="How many tokens are prompted and generated, by role",
        description="`vllm:prompt_tokens_total` includes tokens found in caches and received as KV.",
        unit="short",
        queries=(
            Query(total(rate(Q.PROMPT_TOKENS), "role"), "prompted {{role}}"),
            Query(total(rate(Q.GENERATION_TOKENS), "role"), "generated {{role}}"),
        ),
    ),
)

BOARD = Board(
    uid=c.FLEET,
    title="vLLM engines / Fleet",
    description="All engines, from their own metrics.",
    tags=c.TAGS,
    variables=c.VARIABLES,
    rows=(Row("Now", (*_NOW, _TABLE)), Row("Over time", _COURSE)),
    marks=c.MARKS,
)
