"""KV on its way from prefill to decode, and the fabric below it."""

from __future__ import annotations

from pdwatch.catalog import fabric as f
from pdwatch.catalog import metrics as m
from pdwatch.generate.dashboards.board import Board, Row
from pdwatch.generate.dashboards.boards import common as c
from pdwatch.generate.dashboards.boards.ports import PANELS as PORTS
from pdwatch.generate.dashboards.boards.scopes import SERVICE as SCOPE
from pdwatch.generate.dashboards.colors import CALM, Step, above, any_above_zero
from pdwatch.generate.dashboards.panels import Heatmap, Meanings, Query, Stat, TimeSeries
from pdwatch.generate.dashboards.promql import most, summed, total

_ENGINE = ("role", "worker", "engine")


def _service(metric: m.MetricDef) -> str:
    return most(SCOPE.of(metric), "service")


def _now(
    title: str,
    metric: m.MetricDef,
    unit: str,
    description: str,
    *,
    steps: tuple[Step, ...] = CALM,
    meanings: Meanings | None = None,
) -> Stat:
    return Stat(
        title=title,
        description=f"{description} From `{metric.name}`.",
        unit=unit,
        queries=(Query(_service(metric), "{{service}}"),),
        steps=steps,
        meanings=meanings,
        trend=meanings is None,
        width=4,
        height=4,
    )


_NOW = (
    _now(
        "Does KV move at all",
        m.KV_MOVING,
        "none",
        "Whether decode receives the KV that prefill computed.",
        meanings=c.YES_NO,
    ),
    _now(
        "Prompt tokens computed twice",
        m.KV_RECOMPUTED,
        "percentunit",
        "What decode computed again instead of receiving it.",
        steps=above("kv_recomputed_share"),
    ),
    _now(
        "Transfers that fail",
        m.KV_FAILURE_RATE,
        "cps",
        "None is wanted.",
        steps=any_above_zero(),
    ),
    _now(
        "KV that expired before it was fetched",
        m.KV_EXPIRED,
        "cps",
        "Prefill gave the blocks up; decode must compute the prompt again.",
        steps=any_above_zero("orange"),
    ),
    _now(
        "Transfer time beside prefill time",
        m.KV_PREFILL_RATIO,
        "percentunit",
        "From the limit on, disaggregation costs more than it gives.",
        steps=above("transfer_prefill_ratio"),
    ),
    _now("Speed of one transfer", m.KV_BANDWIDTH, "Bps", "Bytes over the time that transfers took."),
)

_COURSE = (
    Heatmap(
        title="How transfer times are spread",
        description="Buckets of `pdwatch_kv_transfer_seconds`.",
        unit="s",
        queries=(Query(total(SCOPE.rate(m.KV_SECONDS, "_bucket"), "le"), "{{le}}"),),
    ),
    TimeSeries(
        title="How long one transfer takes",
        description="From the buckets of `pdwatch_kv_transfer_seconds`, as the side that counts them sees it.",
        unit="s",
        queries=tuple(Query(SCOPE.quantile(q, m.KV_SECONDS), f"p{q * 100:g}") for q in (0.5, 0.95, 0.99)),
    ),
    TimeSeries(
        title="How much KV moves, and what one transfer gets",
        description="`pdwatch_kv_transfer_bytes_per_second` between the pools, and "
        "`pdwatch_kv_transfer_bandwidth_bytes_per_second` of one transfer.",
        unit="Bps",
        queries=(
            Query(_service(m.KV_THROUGHPUT), "all transfers"),
            Query(_service(m.KV_BANDWIDTH), "one transfer"),
        ),
    ),
    TimeSeries(
        title="How many transfers there are, and how many go wrong",
        description="Transfers, failures, KV that expired on prefill, and KV fetched after it had expired, which "
        "may be wrong.",
        unit="cps",
        queries=(
            Query(_service(m.KV_TRANSFERS), "transfers"),
            Query(_service(m.KV_FAILURE_RATE), "failed"),
            Query(_service(m.KV_EXPIRED), "expired"),
            Query(_service(m.KV_AFTER_EXPIRY), "fetched after expiry"),
        ),
    ),
    TimeSeries(
        title="Which workers wait for KV",
        description="Requests that wait for remote KV and receive none yet, from `pdwatch_kv_fetch_waiting_requests`.",
        unit="none",
        queries=(Query(summed(SCOPE.of(m.KV_FETCH_WAITING), _ENGINE, "worker"), "{{worker}}"),),
    ),
    TimeSeries(
        title="Which workers compute what they should receive",
        description="Share of uncached prompt tokens computed instead of received, from "
        "`pdwatch_engine_kv_recomputed_share_ratio` of decode.",
        unit="percentunit",
        queries=(Query(most(SCOPE.of(m.ENGINE_RECOMPUTED, role="=~decode|both"), "worker"), "{{worker}}"),),
        steps=above("kv_recomputed_share"),
        limits=True,
        maximum=1,
    ),
)

BOARD = Board(
    uid=c.TRANSFER,
    title="pdwatch / KV transfer and fabric",
    description="KV on its way from prefill to decode, and the ports that carry it.",
    tags=c.TAGS,
    variables=(c.CLUSTER, c.of_one_service(m.ADVICE), *c.of_workers(), c.of_hosts(f.UP)),
    rows=(
        Row("KV transfer now", _NOW),
        Row("KV transfer over time", _COURSE),
        Row("Fabric ports of $host", PORTS),
    ),
    marks=(c.alerts_of_a_service(), c.restarts(SCOPE)),
)
