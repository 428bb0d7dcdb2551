"""vLLM 0.6 to 0.33: its metric names, by version, and what its labels tell.

Names are kept without prefix: `vllm:x` (vLLM), `vllm_x` (rewritten by a proxy or Ray) and `ray_vllm_x` (Ray Serve)
are the same metric. The `engine` label is the global data-parallel rank; 0.7 and older have none. The size of the KV
cache is read from the labels of `cache_config_info`.

Of the connectors, NIXL and Mooncake move KV from prefill to decode; with a Mooncake store, what decode loads from it is
read as the transfer. The offloading connectors move KV within one worker, and what they count is no transfer. Under a
MultiConnector each child has its own metrics, and the first of this table that is on the page is read.
"""

from __future__ import annotations

from pdwatch.engines.family import Family, Kind
from pdwatch.engines.row import Row
from pdwatch.engines.table import Table, View
from pdwatch.model.reading import EngineFacts
from pdwatch.model.reading import Quantity as Q

PREFIXES = ("vllm:", "vllm_", "ray_vllm_", "ray_vllm:")
_NIXL = "a NIXL connector"
_MOONCAKE = "a Mooncake connector"
_STORE = "a Mooncake store connector"

ROWS = (
    Row("num_requests_running", Q.REQUESTS_RUNNING),
    Row("num_requests_waiting", Q.REQUESTS_WAITING),
    Row("num_requests_waiting_by_reason", Q.REQUESTS_WAITING_CAPACITY, {"reason": "capacity"}, since="0.20.2"),
    Row("num_requests_waiting_by_reason", Q.REQUESTS_WAITING_DEFERRED, {"reason": "deferred"}, since="0.20.2"),
    Row(
        "num_requests_kv_fetch_by_stage",
        Q.KV_FETCH_WAITING,
        {"stage": "waiting_to_start"},
        since="0.32.0",
        needs="a consumer role",
    ),
    Row(
        "num_requests_kv_fetch_by_stage",
        Q.KV_FETCH_IN_PROGRESS,
        {"stage": "in_progress"},
        since="0.32.0",
        needs="a consumer role",
    ),
    Row(
        "num_requests_kv_fetch_by_stage",
        Q.KV_FETCH_COMPLETED,
        {"stage": "completed_waiting"},
        since="0.32.0",
        needs="a consumer role",
    ),
    Row("kv_cache_usage_perc", Q.KV_CACHE_USAGE, since="0.9.2"),
    Row("gpu_cache_usage_perc", Q.KV_CACHE_USAGE, until="0.10.2"),  # renamed to kv_cache_usage_perc
    Row("engine_sleep_state", Q.AWAKE, {"sleep_state": "awake"}, since="0.11.2"),
    Row("prompt_tokens", Q.PROMPT_TOKENS),
    Row("prompt_tokens_by_source", Q.PROMPT_TOKENS_COMPUTED, {"source": "local_compute"}, since="0.16.0"),
    Row("prompt_tokens_by_source", Q.PROMPT_TOKENS_LOCAL_CACHE, {"source": "local_cache_hit"}, since="0.16.0"),
    Row("prompt_tokens_by_source", Q.PROMPT_TOKENS_TRANSFERRED, {"source": "external_kv_transfer"}, since="0.16.0"),
    Row("generation_tokens", Q.GENERATION_TOKENS),
    Row("prefix_cache_queries", Q.PREFIX_CACHE_QUERIES, since="0.9.2"),
    Row("gpu_prefix_cache_queries", Q.PREFIX_CACHE_QUERIES, since="0.7.3", until="0.10.2"),
    Row("prefix_cache_hits", Q.PREFIX_CACHE_HITS, since="0.9.2"),
    Row("gpu_prefix_cache_hits", Q.PREFIX_CACHE_HITS, since="0.7.3", until="0.10.2"),
    Row("external_prefix_cache_queries", Q.EXTERNAL_CACHE_QUERIES, since="0.11.2"),
    Row("external_prefix_cache_hits", Q.EXTERNAL_CACHE_HITS, since="0.11.2"),
    Row("num_preemptions", Q.PREEMPTIONS),
    Row("request_success", Q.FINISHED_STOP, {"finished_reason": "stop"}),
    Row("request_success", Q.FINISHED_LENGTH, {"finished_reason": "length"}),
    Row("request_success", Q.FINISHED_ABORT, {"finished_reason": "abort"}),
    Row("request_success", Q.FINISHED_ERROR, {"finished_reason": "error"}, since="0.13.0"),
    Row("request_success", Q.FINISHED_REPETITION, {"finished_reason": "repetition"}, since="0.17.1"),
    Row("admission_rejections", Q.ADMISSION_REJECTIONS, since="0.32.0"),
    Row("nixl_num_failed_transfers", Q.TRANSFER_FAILURES, since="0.11.2", needs=_NIXL),
    Row("mooncake_num_failed_transfers", Q.TRANSFER_FAILURES, since="0.33.0", needs=_MOONCAKE),
    Row(
        "mooncake_store_operation",
        Q.TRANSFER_FAILURES,
        {"operation": "load_get", "status": "error"},
        since="0.22.1",
        needs=_STORE,
    ),
    Row("nixl_num_failed_notifications", Q.TRANSFER_FAILED_NOTIFICATIONS, since="0.11.2", needs=_NIXL),
    Row("mooncake_num_failed_recvs", Q.TRANSFER_FAILED_RECEIVES, since="0.33.0", needs=_MOONCAKE),
    Row("nixl_num_kv_expired_reqs", Q.KV_EXPIRED, since="0.16.0", needs=_NIXL),
    Row("mooncake_num_kv_expired_reqs", Q.KV_EXPIRED, since="0.33.0", needs=_MOONCAKE),
    Row("nixl_num_notifications_after_expiry", Q.KV_NOTIFIED_AFTER_EXPIRY, since="0.32.0", needs=_NIXL),
    Row("time_to_first_token_seconds", Q.TTFT, buckets=True),
    Row("inter_token_latency_seconds", Q.ITL, since="0.10.2", buckets=True),
    Row("time_per_output_token_seconds", Q.ITL, until="0.11.2", buckets=True),  # renamed to inter_token_latency_seconds
    Row("e2e_request_latency_seconds", Q.E2E),
    Row("request_queue_time_seconds", Q.QUEUE_TIME),
    Row("request_prefill_time_seconds", Q.PREFILL_TIME),
    Row("request_decode_time_seconds", Q.DECODE_TIME),
    Row("nixl_xfer_time_seconds", Q.TRANSFER_TIME, since="0.11.2", needs=_NIXL, buckets=True),
    Row("mooncake_xfer_time_seconds", Q.TRANSFER_TIME, since="0.33.0", needs=_MOONCAKE, buckets=True),
    Row(
        "mooncake_store_operation_time_seconds",
        Q.TRANSFER_TIME,
        {"operation": "load_get"},
        since="0.22.1",
        needs=_STORE,
        buckets=True,
    ),
    Row("nixl_post_time_seconds", Q.TRANSFER_POST_TIME, since="0.11.2", needs=_NIXL),
    Row("nixl_bytes_transferred", Q.TRANSFER_BYTES, since="0.11.2", needs=_NIXL),
    Row("mooncake_bytes_transferred", Q.TRANSFER_BYTES, since="0.33.0", needs=_MOONCAKE),
    Row(
        "mooncake_store_operation_bytes",
        Q.TRANSFER_BYTES,
        {"operation": "load_get"},
        since="0.22.1",
        needs=_STORE,
        count="mooncake_store_operation",
    ),
    Row("request_prompt_tokens", Q.REQUEST_PROMPT_TOKENS),
    Row("request_generation_tokens", Q.REQUEST_GENERATION_TOKENS),
    Row("request_params_max_tokens", Q.REQUEST_MAX_TOKENS),
    Row("request_prefill_kv_computed_tokens", Q.REQUEST_COMPUTED_TOKENS, since="0.13.0"),
    Row("iteration_tokens_total", Q.ITERATION_TOKENS),
)

_INFO = tuple(prefix + "cache_config_info" for prefix in PREFIXES)
_FETCH = tuple(prefix + "num_requests_kv_fetch_by_stage" for prefix in PREFIXES)


def _facts(view: View) -> EngineFacts:
    cache = next((series.labels for _, series in view if series.name in _INFO), {})
    blocks, size = _whole(cache.get("num_gpu_blocks")), _whole(cache.get("block_size"))
    tokens = _whole(cache.get("kv_cache_size_tokens"))
    if tokens is None and blocks and size:
        tokens = blocks * size  # wrong for hybrid models, which is why 0.24 exports the size itself
    consumer = any(series.name in _FETCH for _, series in view)
    return EngineFacts(block_size=size, kv_blocks=blocks, kv_cache_tokens=tokens, cache=dict(cache), consumer=consumer)


def _whole(text: str | None) -> int | None:
    """Return a label's number; vLLM prints Python values, so an unset one is `None` in letters."""
    return int(text) if text and text.isdecimal() else None


FAMILY = Family(
    "vllm",
    Kind.ENGINE,
    Table(ROWS, PREFIXES),
    about=__doc__,
    page="`/metrics` on the API port",
    verified="live recordings of a 0.32.0 pair; pages printed by the classes of 0.9.2 to 0.33.0; "
    "names and versions held against the sources of 0.6.6 to 0.33.0",
    rank="engine",
    info=_INFO,
    facts=_facts,
)
