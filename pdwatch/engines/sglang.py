"""SGLang 0.4.6 to 0.5: its metric names, by version (as first and last seen among releases that were looked at).

Names are kept without prefix: `sglang:x`, `sglang_x` (a router's joint page) and Ray's spellings are the same metric.

- `engine_type` is the role, but `dynamic` where roles may be switched at run time: then it is what the worker answers
  when it is asked, every two minutes (0.5.8 on), else what it does.
- Every scheduler prints its own series: one per data-parallel, pipeline and tensor rank. Ranks of one data-parallel
  rank do the same requests, so the first of them is read. KV is moved by each rank for its own layers and heads, and is
  summed.
- With priorities, the queue gauges print the total under an empty priority and each priority beside it.
- The front end's counts have no rank and stand with the first one. On the prefill side it observes no first token.
- Gauges are printed when something happens, at most 30 s late on an idle scheduler. Counters appear with their first
  event.
- Prefill sends KV while it computes. Its transfer time begins when prefill has ended and is of the last chunk only,
  except over NIXL, where it is of all; the page does not tell which, so it is read as the tail of the transfer.
- Decode's queue time begins when the KV has arrived, where vLLM's contains the wait for it, and is not read.
- Requests that wait for KV room or receive KV on decode count as waiting, as in vLLM.
"""

from __future__ import annotations

from collections.abc import Mapping

from pdwatch.engines.family import Family, Filter, Kind
from pdwatch.engines.row import Row
from pdwatch.engines.table import Table, View
from pdwatch.model.page import Series
from pdwatch.model.reading import GAUGES, NOTHING_TOLD, EngineFacts, Told
from pdwatch.model.reading import Quantity as Q

PREFIXES = ("sglang:", "sglang_", "ray_sglang_", "ray_sglang:")
_PD = "prefill and decode apart"
_EVENT = "a first such request"
_PREFILLS = "a prefill or aggregated role"
_MIB = 2.0**20

ROWS = (
    Row("num_running_reqs", Q.REQUESTS_RUNNING, note="on prefill, of the batch being computed"),
    Row("num_queue_reqs", Q.REQUESTS_WAITING),
    Row("num_prefill_bootstrap_queue_reqs", Q.REQUESTS_WAITING, since="0.5.12", needs=_PD, adds=True),
    Row("num_prefill_prealloc_queue_reqs", Q.REQUESTS_WAITING, until="0.5.11", needs=_PD, adds=True),  # renamed
    Row("num_decode_prealloc_queue_reqs", Q.REQUESTS_WAITING, needs=_PD, adds=True),
    Row("num_decode_transfer_queue_reqs", Q.REQUESTS_WAITING, needs=_PD, adds=True),
    Row("num_decode_prealloc_queue_reqs", Q.KV_FETCH_WAITING, needs=_PD),
    Row("num_decode_transfer_queue_reqs", Q.KV_FETCH_IN_PROGRESS, needs=_PD),
    Row("num_prefill_inflight_queue_reqs", Q.KV_SEND_IN_PROGRESS, since="0.5.2", needs=_PD),
    Row("num_prefill_infight_queue_reqs", Q.KV_SEND_IN_PROGRESS, until="0.5.1", needs=_PD),  # misspelt until 0.5.1
    Row("token_usage", Q.KV_CACHE_USAGE, note="without what could be evicted"),
    Row("max_total_num_tokens", Q.KV_CACHE_TOKENS, since="0.5.6"),
    Row("prompt_tokens", Q.PROMPT_TOKENS, note="of finished requests, on both roles"),
    Row("realtime_tokens", Q.PROMPT_TOKENS_COMPUTED, {"mode": "prefill_compute"}, since="0.5.7", starts_at_zero=True),
    Row("realtime_tokens", Q.PROMPT_TOKENS_LOCAL_CACHE, {"mode": "prefill_cache"}, since="0.5.7", starts_at_zero=True),
    Row("prompt_tokens", Q.PROMPT_TOKENS_TRANSFERRED, {"engine_type": "decode"}, needs=_PD),
    Row("realtime_tokens", Q.GENERATION_TOKENS, {"mode": "decode"}, since="0.5.7", starts_at_zero=True),
    Row("generation_tokens", Q.GENERATION_TOKENS),
    Row("prefill_effective_tokens", Q.PREFIX_CACHE_QUERIES, since="0.5.18"),
    Row("prompt_tokens", Q.PREFIX_CACHE_QUERIES, until="0.5.16"),
    Row("prefill_effective_tokens", Q.PREFIX_CACHE_HITS, {"mode": "device_hit"}, since="0.5.18"),
    Row("prefill_effective_tokens", Q.PREFIX_CACHE_HITS, {"mode": "host_hit"}, since="0.5.18", adds=True),
    Row("prefill_effective_tokens", Q.PREFIX_CACHE_HITS, {"mode": "storage_hit"}, since="0.5.18", adds=True),
    Row("cached_tokens", Q.PREFIX_CACHE_HITS, until="0.5.16"),
    Row("num_retracted_requests", Q.PREEMPTIONS, since="0.5.7", needs=_EVENT),
    Row("num_requests", Q.FINISHED),
    Row("num_aborted_requests", Q.FINISHED_ABORT, since="0.4.9", needs=_EVENT),
    Row("num_transfer_failed_reqs", Q.TRANSFER_FAILURES, needs=_PD, note="either side counts a failure it sees"),
    Row("num_bootstrap_failed_reqs", Q.TRANSFER_FAILURES, needs=_PD, adds=True),
    Row("time_to_first_token_seconds", Q.TTFT, needs="a decode or aggregated role", buckets=True),
    Row("inter_token_latency_seconds", Q.ITL, needs="a decode or aggregated role", buckets=True),
    Row("e2e_request_latency_seconds", Q.E2E),
    Row("queue_time_seconds", Q.QUEUE_TIME, {"engine_type": "prefill"}, since="0.5.3", needs=_PREFILLS),
    Row("queue_time_seconds", Q.QUEUE_TIME, {"engine_type": "unified"}, since="0.5.3", needs=_PREFILLS),
    Row(
        "per_stage_req_latency_seconds",
        Q.PREFILL_TIME,
        {"stage": "prefill_forward"},
        since="0.5.3",
        needs=_PREFILLS,
    ),
    Row(
        "kv_transfer_latency_ms",
        Q.TRANSFER_TAIL_TIME,
        since="0.5.10",
        needs="a prefill role",
        buckets=True,
        scale=1e-3,
        every_rank=True,
        note="last chunk only, except over NIXL",
    ),
    Row("kv_transfer_total_mb", Q.TRANSFER_BYTES, since="0.5.10", needs="a prefill role", scale=_MIB, every_rank=True),
    Row("prompt_tokens", Q.REQUEST_PROMPT_TOKENS, count="num_requests"),
    Row("generation_tokens", Q.REQUEST_GENERATION_TOKENS, count="num_requests"),
    Row(
        "eplb_balancedness",
        Q.EXPERT_BALANCEDNESS,
        since="0.5.7",
        needs="--expert-balancedness-report-mode prometheus",
    ),
)

GAUGES_LATE = 30.0
_RANKS = ("pp_rank", "moe_ep_rank", "tp_rank")
_ROLES = {"prefill": "prefill", "decode": "decode", "unified": "both"}


def _filter(view: View, _types: Mapping[str, str]) -> Filter:
    """Read the first rank of each data-parallel rank, and of the queues the total over priorities."""
    first: dict[str, tuple[int, ...]] = {}
    for _, series in view:
        if (own := _rank(series)) is not None:
            unit = series.labels.get("dp_rank", "")
            first[unit] = min(own, first.get(unit, own))

    def accepts(row: Row, series: Series) -> bool:
        if row.quantity in GAUGES and series.labels.get("priority"):
            return False
        own = _rank(series)
        return own is None or row.every_rank or own == first[series.labels.get("dp_rank", "")]

    return accepts


def _rank(series: Series) -> tuple[int, ...] | None:
    numbers = [series.labels.get(label, "0") for label in _RANKS]
    if not any(label in series.labels for label in _RANKS) or not all(map(str.isdecimal, numbers)):
        return None
    return tuple(map(int, numbers))


def _tells(view: View) -> Told:
    types = {series.labels.get("engine_type", "") for _, series in view} - {""}
    role = _ROLES.get(next(iter(types))) if len(types) == 1 else None
    return Told(role=role) if role is not None else NOTHING_TOLD


FAMILY = Family(
    "sglang",
    Kind.ENGINE,
    Table(ROWS, PREFIXES),
    about=__doc__,
    page="`/metrics` on the API port (30000), with `--enable-metrics`",
    verified="pages printed by the classes of 0.5.23; names, kinds and versions held against 21 releases from 0.4.6 to "
    "0.5.23; pairs over time are synthetic",
    rank="dp_rank",
    filter=_filter,
    tells=_tells,
    facts=lambda _: EngineFacts(gauges_late=GAUGES_LATE),
)
