"""The road of a request, in the order in which it is travelled."""

from __future__ import annotations

from pdwatch.catalog import metrics as m
from pdwatch.generate.dashboards.boards.scopes import SERVICE as SCOPE
from pdwatch.generate.dashboards.colors import CALM, NEUTRAL, Step, any_above_zero
from pdwatch.generate.dashboards.panels import Bars, Heatmap, Look, Panel, Query, Stat, TimeSeries
from pdwatch.generate.dashboards.promql import most, summed, total

_HOPS = {
    "prefill_queue": "1 prefill queue",
    "prefill": "2 prefill",
    "transfer": "3 KV transfer",
    "decode_admission": "4 decode admission",
}
_WORKER = ("role", "worker")
_ENGINE = (*_WORKER, "engine")


def _service(metric: m.MetricDef, **matchers: str) -> str:
    return most(SCOPE.of(metric, **matchers), "service")


def _station(
    title: str, expr: str, description: str, unit: str, *, steps: tuple[Step, ...] = CALM, missing: str = "no data"
) -> Stat:
    return Stat(
        title=title,
        description=description,
        queries=(Query(expr),),
        unit=unit,
        steps=steps,
        missing=missing,
        trend=True,
        width=4,
        height=4,
    )


_PREFILL, _DECODE = "=~prefill|both", "=~decode|both"

_STATIONS = (
    _station(
        "Router: requests that it sends",
        summed(SCOPE.of(m.WORKER_ROUTED, role=_PREFILL), _WORKER),
        "Requests a second that routers send to prefill, from `pdwatch_worker_routed_requests_per_second`.",
        "reqps",
        missing="no router is watched",
    ),
    _station(
        "Prefill queue: requests that wait",
        summed(SCOPE.of(m.REQUESTS_WAITING, role=_PREFILL), _ENGINE),
        "From `pdwatch_requests_waiting` of prefill. Behind a full decode this is a symptom, not the cause.",
        "none",
    ),
    _station(
        "Prefill: prompt tokens computed",
        summed(SCOPE.of(m.ENGINE_COMPUTED_TOKENS, role=_PREFILL), _ENGINE),
        "Tokens a second, without those found in a cache, from `pdwatch_engine_computed_tokens_per_second`.",
        "short",
    ),
    _station(
        "KV transfer: time of one, p95",
        _service(m.KV_P95),
        "From `pdwatch_kv_transfer_p95_seconds`.",
        "s",
    ),
    _station(
        "Decode admission: wait for KV",
        _service(m.KV_WAITING),
        "Requests on decode that wait for remote KV and receive none yet, from `pdwatch_kv_transfer_waiting_requests`.",
        "none",
    ),
    _station(
        "Decode: between tokens, p95",
        _service(m.ITL_WINDOW, percentile="p95"),
        "From `pdwatch_itl_window_seconds`.",
        "s",
    ),
)


def _hop_queries(*, instant: bool) -> tuple[Query, ...]:
    return tuple(Query(_service(m.TTFT_CHAIN, hop=hop), words, instant) for hop, words in _HOPS.items())


def _percentiles(metric: m.MetricDef, objective: str) -> tuple[Query, ...]:
    kept = tuple(Query(_service(metric, percentile=each), each) for each in ("p50", "p95", "p99"))
    return (*kept, Query(_service(m.SLO_OBJECTIVE, objective=objective), "objective"))


_OBJECTIVE = Look("^objective$", dashed=True, color="red")

_COURSE = (
    Bars(
        title="Where the time to the first token goes now",
        description="Mean time of each hop within the window, from `pdwatch_ttft_chain_seconds`. A hop that engines "
        "do not tell is missing.",
        unit="s",
        queries=_hop_queries(instant=True),
        steps=CALM,
    ),
    TimeSeries(
        title="Where the time to the first token went",
        description="Mean time of each hop, one on the other, from `pdwatch_ttft_chain_seconds`.",
        unit="s",
        queries=_hop_queries(instant=False),
        stacked=True,
    ),
    TimeSeries(
        title="How long users wait for the first token",
        description="Over the whole way, from `pdwatch_ttft_window_seconds`; dashed is the objective.",
        unit="s",
        queries=_percentiles(m.TTFT_WINDOW, "ttft"),
        looks=(_OBJECTIVE,),
    ),
    TimeSeries(
        title="How long users wait between two tokens",
        description="From `pdwatch_itl_window_seconds`; dashed is the objective.",
        unit="s",
        queries=_percentiles(m.ITL_WINDOW, "itl"),
        looks=(_OBJECTIVE,),
    ),
    TimeSeries(
        title="Which requests fail, and where",
        description="As engines count them (`pdwatch_errors_per_second`), as routers count them "
        "(`pdwatch_worker_routed_errors_per_second`), and KV transfers that failed.",
        unit="cps",
        queries=(
            Query(summed(SCOPE.of(m.ERRORS), _ENGINE, "role"), "engines, {{role}}"),
            Query(summed(SCOPE.of(m.WORKER_ROUTED_ERRORS), _WORKER, "role"), "routers, {{role}}"),
            Query(_service(m.KV_FAILURE_RATE), "KV transfers"),
        ),
        steps=any_above_zero(),
    ),
    TimeSeries(
        title="How many tokens are computed and generated",
        description="From `pdwatch_engine_computed_tokens_per_second` and "
        "`pdwatch_engine_generation_tokens_per_second`.",
        unit="short",
        queries=(
            Query(summed(SCOPE.of(m.ENGINE_COMPUTED_TOKENS), _ENGINE, "role"), "computed, {{role}}"),
            Query(summed(SCOPE.of(m.ENGINE_GENERATION_TOKENS), _ENGINE, "role"), "generated, {{role}}"),
        ),
        steps=NEUTRAL,
    ),
)

SPREAD: tuple[Panel, ...] = (
    Heatmap(
        title="How the time to the first token is spread, as prefill counts it",
        description="Buckets of `pdwatch_ttft_seconds` of prefill and aggregated workers.",
        unit="s",
        queries=(Query(total(SCOPE.rate(m.TTFT, "_bucket", role=_PREFILL), "le"), "{{le}}"),),
        width=12,
    ),
    Heatmap(
        title="How the time between tokens is spread",
        description="Buckets of `pdwatch_itl_seconds` of decode and aggregated workers.",
        unit="s",
        queries=(Query(total(SCOPE.rate(m.ITL, "_bucket", role=_DECODE), "le"), "{{le}}"),),
        width=12,
    ),
)

PANELS: tuple[Panel, ...] = (*_STATIONS, *_COURSE)
