"""AIBrix: the gateway's page, which prints again what it read from each engine's pod, without the engine's prefix.

Each pod is a worker (see `origin`); to scrape the pods themselves is better, and then theirs is read. Some releases
declare an engine's gauge as a counter and add it up at every look, which is no number of anything: only what is
declared as a gauge is read as one. The gateway's times are counters of buckets without sums, and are not read.
"""

from __future__ import annotations

from collections.abc import Mapping

from pdwatch.engines.family import Family, Filter, Kind
from pdwatch.engines.row import Row
from pdwatch.engines.table import Table, View
from pdwatch.model.page import Series
from pdwatch.model.reading import GAUGES
from pdwatch.model.reading import Quantity as Q

ROWS = (
    Row("num_requests_running", Q.REQUESTS_RUNNING),
    Row("num_requests_waiting", Q.REQUESTS_WAITING),
    Row("kv_cache_usage_perc", Q.KV_CACHE_USAGE),
    Row("gpu_cache_usage_perc", Q.KV_CACHE_USAGE),
    Row("prompt_tokens", Q.PROMPT_TOKENS),
    Row("generation_tokens", Q.GENERATION_TOKENS),
    Row("time_to_first_token_seconds", Q.TTFT, buckets=True),
    Row("inter_token_latency_seconds", Q.ITL, buckets=True),
    Row("time_per_output_token_seconds", Q.ITL, buckets=True),
    Row("request_queue_time_seconds", Q.QUEUE_TIME),
    Row("request_prefill_time_seconds", Q.PREFILL_TIME),
    Row("request_decode_time_seconds", Q.DECODE_TIME),
    Row("request_generation_tokens", Q.REQUEST_GENERATION_TOKENS),
    Row("nixl_xfer_time_seconds", Q.TRANSFER_TIME, needs="a NIXL connector", buckets=True),
    Row("nixl_bytes_transferred", Q.TRANSFER_BYTES, needs="a NIXL connector"),
)


def _filter(_view: View, types: Mapping[str, str]) -> Filter:
    """Leave out what is not the gateway's, and engine values that it adds up over its own looks."""

    def accepts(row: Row, series: Series) -> bool:
        if "gateway_pod" not in series.labels:
            return False
        declared = types.get(series.name) or types.get(series.name.removesuffix("_total"))
        added_up = declared == "counter"
        return not added_up if row.quantity in GAUGES or series.name.endswith("_total") else True

    return accepts


_MARKS = ("aibrix_", "gateway_request_", "gateway_prefill_", "gateway_in_flight_requests", "gateway_e2e_duration_")

FAMILY = Family(
    "aibrix",
    Kind.ENGINE,
    Table(ROWS),
    about=__doc__,
    page="`/metrics` of the gateway plugins (8080); the pods' own pages are better",
    verified="synthetic, after the sources of August 2026",
    marks=_MARKS,
    common=True,
    filter=_filter,
)

GATEWAY = Family(
    "aibrix-gateway",
    Kind.FRONT,
    Table(()),
    about=__doc__,
    page=FAMILY.page,
    verified=FAMILY.verified,
    marks=_MARKS,
)
