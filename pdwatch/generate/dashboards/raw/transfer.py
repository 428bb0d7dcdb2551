"""KV transfer and KV caches as the engines tell them."""

from __future__ import annotations

from pdwatch.generate.dashboards.board import Board, Row
from pdwatch.generate.dashboards.colors import CALM, NEUTRAL, any_above_zero
from pdwatch.generate.dashboards.panels import Heatmap, Label, Panel, Query, Stat, TimeSeries, Value, table
from pdwatch.generate.dashboards.raw import common as c
from pdwatch.generate.dashboards.raw.names import chosen, mean, most, now, quantile, rate, total
from pdwatch.model.reading import Quantity as Q

_NO_CONNECTOR = "no connector tells"
_BYTES_OVER_TIME = f"{total(rate(Q.TRANSFER_BYTES, 'sum'))} / ({total(rate(Q.TRANSFER_TIME, 'sum'))} > 0)"
_RECEIVED, _COMPUTED, _CACHED = Q.PROMPT_TOKENS_TRANSFERRED, Q.PROMPT_TOKENS_COMPUTED, Q.PROMPT_TOKENS_LOCAL_CACHE


def _share(part: Q, role: str) -> str:
    whole = " + ".join(total(rate(each, role=role)) for each in (_RECEIVED, _COMPUTED, _CACHED))
    return f"{total(rate(part, role=role))} / (({whole}) > 0)"


_NOW: tuple[Panel, ...] = (
    Stat(
        title="Share of prompt tokens that decode received",
        description="Of all its prompt tokens; near nothing means that KV does not move and decode computes prompts "
        f"itself. From vLLM 0.16 on. {c.NEEDS_ROLES}",
        unit="percentunit",
        queries=(Query(_share(_RECEIVED, "decode")),),
        steps=NEUTRAL,
        trend=True,
        width=6,
        height=4,
    ),
    Stat(
        title="Speed of one transfer",
        description="Bytes over the time that transfers took, each rank for itself.",
        unit="Bps",
        queries=(Query(_BYTES_OVER_TIME),),
        steps=CALM,
        trend=True,
        width=6,
        height=4,
        missing=_NO_CONNECTOR,
    ),
    Stat(
        title="Transfers that fail",
        description="`vllm:nixl_num_failed_transfers_total`, from 0.31 on with failed handshakes and notifications "
        "in it; `vllm:mooncake_num_failed_transfers_total`.",
        unit="cps",
        queries=(Query(total(rate(Q.TRANSFER_FAILURES))),),
        steps=any_above_zero(),
        width=6,
        height=4,
        missing=_NO_CONNECTOR,
    ),
    Stat(
        title="KV that expired before it was fetched",
        description="`vllm:nixl_num_kv_expired_reqs_total`, from 0.16 on, counted on prefill.",
        unit="cps",
        queries=(Query(total(rate(Q.KV_EXPIRED))),),
        steps=any_above_zero("orange"),
        width=6,
        height=4,
        missing=_NO_CONNECTOR,
    ),
)

_COURSE: tuple[Panel, ...] = (
    Heatmap(
        title="How transfer times are spread",
        description="Buckets of `vllm:nixl_xfer_time_seconds` or `vllm:mooncake_xfer_time_seconds`. NIXL that pulls "
        "counts on decode, what pushes counts on prefill.",
        unit="s",
        queries=(Query(total(rate(Q.TRANSFER_TIME, "bucket"), "le"), "{{le}}"),),
        missing=_NO_CONNECTOR,
    ),
    TimeSeries(
        title="How long one transfer takes",
        description="From the same buckets: one observation for each transfer and tensor-parallel rank.",
        unit="s",
        queries=tuple(Query(quantile(q, Q.TRANSFER_TIME), f"p{q * 100:g}") for q in (0.5, 0.95, 0.99)),
        missing=_NO_CONNECTOR,
    ),
    TimeSeries(
        title="How much KV moves, by engine that counts it",
        description="`vllm:nixl_bytes_transferred_sum` or `vllm:mooncake_bytes_transferred_sum`.",
        unit="Bps",
        queries=(Query(total(rate(Q.TRANSFER_BYTES, "sum"), *c.BY_ENGINE), c.ENGINE),),
        missing=_NO_CONNECTOR,
    ),
    TimeSeries(
        title="What goes wrong with transfers",
        description="Failed transfers, failed receives, KV that expired, KV fetched after it had expired. A counter "
        "of failures may be missing until the first one.",
        unit="cps",
        queries=(
            Query(total(rate(Q.TRANSFER_FAILURES), "role"), "failed {{role}}"),
            Query(total(rate(Q.KV_EXPIRED), "role"), "expired {{role}}"),
            Query(total(rate(Q.KV_NOTIFIED_AFTER_EXPIRY), "role"), "fetched after expiry {{role}}"),
        ),
        steps=any_above_zero(),
        missing=_NO_CONNECTOR,
    ),
    TimeSeries(
        title="Which requests wait for their KV",
        description="`vllm:num_requests_kv_fetch_by_stage`, from 0.32 on, on engines that receive KV.",
        unit="none",
        queries=(
            Query(total(now(Q.KV_FETCH_WAITING)), "not begun"),
            Query(total(now(Q.KV_FETCH_IN_PROGRESS)), "in progress"),
            Query(total(now(Q.KV_FETCH_COMPLETED)), "received, not yet run"),
        ),
        stacked=True,
        missing="told by vLLM 0.32 and later",
    ),
    TimeSeries(
        title="How long posting a transfer takes, and the transfer itself",
        description="Means of `vllm:nixl_post_time_seconds` and of the whole transfer.",
        unit="s",
        queries=(
            Query(mean(Q.TRANSFER_POST_TIME), "posting"),
            Query(mean(Q.TRANSFER_TIME), "whole transfer"),
        ),
        missing=_NO_CONNECTOR,
    ),
)

_CACHE: tuple[Panel, ...] = (
    TimeSeries(
        title="Where prompt tokens come from, by role",
        description="`vllm:prompt_tokens_by_source_total`, from 0.16 on: computed, found in the own cache, received.",
        unit="short",
        queries=(
            Query(total(rate(_COMPUTED), "role"), "computed {{role}}"),
            Query(total(rate(_CACHED), "role"), "own cache {{role}}"),
            Query(total(rate(_RECEIVED), "role"), "received {{role}}"),
        ),
        width=12,
        missing="told by vLLM 0.16 and later",
    ),
    TimeSeries(
        title="How many prompt tokens are found in prefix caches",
        description="`vllm:prefix_cache_hits_total` over `vllm:prefix_cache_queries_total`, until 0.10 with `gpu_` "
        "before it.",
        unit="percentunit",
        queries=(
            Query(
                f"{total(rate(Q.PREFIX_CACHE_HITS), 'role')} / ({total(rate(Q.PREFIX_CACHE_QUERIES), 'role')} > 0)",
                "own cache {{role}}",
            ),
            Query(
                f"{total(rate(Q.EXTERNAL_CACHE_HITS), 'role')} / ({total(rate(Q.EXTERNAL_CACHE_QUERIES), 'role')} > 0)",
                "external cache {{role}}",
            ),
        ),
        maximum=1,
        width=12,
    ),
    table(
        title="How each engine is set up for KV",
        description="`vllm:cache_config_info`; its labels differ between versions.",
        labels=(
            Label("role", "Role", width=80),
            Label("instance", "Instance"),
            Label("engine", "Rank", width=60),
            Label("block_size", "Block"),
            Label("num_gpu_blocks", "Blocks"),
            Label("cache_dtype", "Type"),
            Label("enable_prefix_caching", "Prefix cache"),
        ),
        values=(
            Value(
                most(
                    chosen("vllm:cache_config_info"),
                    *c.BY_ENGINE,
                    *("block_size", "num_gpu_blocks", "cache_dtype", "enable_prefix_caching"),
                ),
                "Is",
                hidden=True,
            ),
        ),
    ),
)

BOARD = Board(
    uid=c.TRANSFER,
    title="vLLM engines / KV transfer and caches",
    description="Whether KV moves, how fast, and what caches hold, from the engines' own metrics.",
    tags=c.TAGS,
    variables=c.VARIABLES,
    rows=(Row("Now", _NOW), Row("KV transfer", _COURSE), Row("Where KV comes from", _CACHE)),
    marks=c.MARKS,
)
