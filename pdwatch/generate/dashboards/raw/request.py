"""The road of a request as the engines tell it: two roles that do not know of each other."""

from __future__ import annotations

from pdwatch.generate.dashboards.board import Board, Row
from pdwatch.generate.dashboards.colors import CALM, above
from pdwatch.generate.dashboards.panels import Bars, Heatmap, Panel, Query, TimeSeries
from pdwatch.generate.dashboards.raw import common as c
from pdwatch.generate.dashboards.raw.names import mean, most, now, quantile, rate, total
from pdwatch.model.reading import Quantity as Q

_P95, _P99 = 0.95, 0.99
_HOPS = (
    ("1 prefill queue", mean(Q.QUEUE_TIME, role="prefill")),
    ("2 prefill", mean(Q.PREFILL_TIME, role="prefill")),
    ("3 KV transfer, one", mean(Q.TRANSFER_TIME)),
    ("4 decode queue, with the wait for KV", mean(Q.QUEUE_TIME, role="decode")),
    ("5 first decode step", mean(Q.PREFILL_TIME, role="decode")),
)

_ROAD: tuple[Panel, ...] = (
    Bars(
        title="Where the time to the first token goes now",
        description="Means of the last interval. What users wait is the sum without line 3, which lies within line 4. "
        f"{c.NEEDS_ROLES}",
        unit="s",
        queries=tuple(Query(expr, words, instant=True) for words, expr in _HOPS),
        steps=CALM,
        width=12,
    ),
    TimeSeries(
        title="Where the time to the first token went",
        description=f"Means, not stacked: the transfer lies within decode's queue. {c.NEEDS_ROLES}",
        unit="s",
        queries=tuple(Query(expr, words) for words, expr in _HOPS),
        width=12,
    ),
)

_ROLE: tuple[Panel, ...] = (
    TimeSeries(
        title="How many requests wait in $role",
        description="`vllm:num_requests_waiting` and, from 0.20 on, why: capacity is a full engine; deferred is "
        "blocked, as by KV in flight.",
        unit="none",
        queries=(
            Query(total(now(Q.REQUESTS_WAITING)), "waiting"),
            Query(total(now(Q.REQUESTS_WAITING_CAPACITY)), "for capacity"),
            Query(total(now(Q.REQUESTS_WAITING_DEFERRED)), "deferred"),
        ),
        width=6,
    ),
    TimeSeries(
        title="How long requests queue in $role",
        description="`vllm:request_queue_time_seconds`, mean: its lowest bucket is 0.3 s, so no quantile. On decode "
        "the wait for KV lies within.",
        unit="s",
        queries=(Query(mean(Q.QUEUE_TIME, "instance"), "{{instance}}"),),
        width=6,
    ),
    TimeSeries(
        title="How long the first token takes in $role",
        description="`vllm:time_to_first_token_seconds` from the arrival at this role; a user waits for both roles.",
        unit="s",
        queries=(
            Query(quantile(0.5, Q.TTFT), "p50"),
            Query(quantile(_P95, Q.TTFT), "p95"),
            Query(quantile(_P99, Q.TTFT), "p99"),
        ),
        width=6,
    ),
    TimeSeries(
        title="How unevenly $role is loaded",
        description="Running and waiting requests of the busiest engine over the mean; 1 is even. Not shown below a "
        "request an engine.",
        unit="none",
        queries=(
            Query(
                f"max({now(Q.REQUESTS_RUNNING)} + {now(Q.REQUESTS_WAITING)}) / "
                f"(avg({now(Q.REQUESTS_RUNNING)} + {now(Q.REQUESTS_WAITING)}) > 1)",
                "busiest over mean",
            ),
        ),
        steps=above("queue_imbalance", color="orange"),
        limits=True,
        decimals=2,
        width=6,
    ),
)

_DECODE: tuple[Panel, ...] = (
    TimeSeries(
        title="How long users wait between two tokens",
        description="`vllm:inter_token_latency_seconds`, until 0.11 `vllm:time_per_output_token_seconds`.",
        unit="s",
        queries=(
            Query(quantile(0.5, Q.ITL), "p50"),
            Query(quantile(_P95, Q.ITL), "p95"),
            Query(quantile(_P99, Q.ITL), "p99"),
        ),
    ),
    TimeSeries(
        title="Which engines are slow between two tokens",
        description="95th percentile by engine, worst of both names.",
        unit="s",
        queries=(Query(quantile(_P95, Q.ITL, *c.BY_ENGINE), c.ENGINE),),
    ),
    TimeSeries(
        title="How many requests are preempted, by engine",
        description="`vllm:num_preemptions_total`: each is computed again.",
        unit="cps",
        queries=(Query(total(rate(Q.PREEMPTIONS), *c.BY_ENGINE), c.ENGINE),),
        steps=above("preemptions_per_second"),
    ),
    Heatmap(
        title="How the time to the first token is spread",
        description="Buckets of `vllm:time_to_first_token_seconds` of the chosen roles.",
        unit="s",
        queries=(Query(total(rate(Q.TTFT, "bucket"), "le"), "{{le}}"),),
        width=12,
    ),
    Heatmap(
        title="How the time between tokens is spread",
        description="Buckets of `vllm:inter_token_latency_seconds`, until 0.11 `vllm:time_per_output_token_seconds`.",
        unit="s",
        queries=(Query(total(rate(Q.ITL, "bucket"), "le"), "{{le}}"),),
        width=12,
    ),
    TimeSeries(
        title="How long prompts and answers are, in the mean",
        description="`vllm:request_prompt_tokens` and `vllm:request_generation_tokens`, by role: on prefill an "
        "answer is one token.",
        unit="none",
        queries=(
            Query(mean(Q.REQUEST_PROMPT_TOKENS, "role"), "prompt {{role}}"),
            Query(mean(Q.REQUEST_GENERATION_TOKENS, "role"), "answer {{role}}"),
        ),
        width=12,
    ),
    TimeSeries(
        title="Which engines hold how many requests",
        description="Running and waiting, `vllm:num_requests_running` and `vllm:num_requests_waiting`.",
        unit="none",
        queries=(
            Query(
                f"{most(now(Q.REQUESTS_RUNNING), *c.BY_ENGINE)} + {most(now(Q.REQUESTS_WAITING), *c.BY_ENGINE)}",
                c.ENGINE,
            ),
        ),
        width=12,
    ),
)

BOARD = Board(
    uid=c.REQUEST,
    title="vLLM engines / Road of a request",
    description="Prefill queue, prefill, transfer, decode queue, decode, from the engines' own metrics.",
    tags=c.TAGS,
    variables=c.VARIABLES,
    rows=(
        Row("The road: prefill queue, prefill, KV transfer, decode", _ROAD),
        Row("Role: $role", _ROLE, repeat="role"),
        Row("Tokens", _DECODE),
    ),
    marks=c.MARKS,
)
