"""TensorRT-LLM 1.1 to 1.3 (`trtllm-serve`): its metric names, and those that Dynamo's adapter adds.

The page is `/prometheus/metrics`; `/metrics` is a list of iterations that reading empties, and is left alone. Most of
it needs `return_perf_metrics` (requests) and `enable_iter_perf_stats` (queues and cache). No label tells the role,
except on what Dynamo adds. Without Dynamo no KV transfer is told. Time per token is a mean of each request.
"""

from __future__ import annotations

from pdwatch.engines.family import Family, Kind
from pdwatch.engines.row import Row
from pdwatch.engines.table import Table, View
from pdwatch.model.reading import NOTHING_TOLD, Told
from pdwatch.model.reading import Quantity as Q

PREFIXES = ("trtllm_", "trtllm:")
_REQUESTS = "return_perf_metrics"
_ITERATIONS = "enable_iter_perf_stats"
_DYNAMO = "Dynamo's TensorRT-LLM adapter"

ROWS = (
    Row("num_requests_running", Q.REQUESTS_RUNNING, since="1.3.0", needs=_ITERATIONS),
    Row("num_requests_waiting", Q.REQUESTS_WAITING, since="1.3.0", needs=_ITERATIONS),
    Row("kv_cache_utilization", Q.KV_CACHE_USAGE, needs=_ITERATIONS),
    Row("kv_cache_max_blocks", Q.KV_CACHE_BLOCKS, since="1.3.0", needs=_ITERATIONS),
    Row("kv_cache_tokens_per_block", Q.KV_BLOCK_TOKENS, since="1.3.0", needs=_ITERATIONS),
    Row("prompt_tokens", Q.PROMPT_TOKENS, since="1.3.0", needs=_REQUESTS),
    Row("generation_tokens", Q.GENERATION_TOKENS, since="1.3.0", needs=_REQUESTS),
    Row("prompt_tokens", Q.PREFIX_CACHE_QUERIES, since="1.3.0", needs=_REQUESTS),
    Row("prompt_cached_tokens", Q.PREFIX_CACHE_HITS, since="1.3.0", needs=_REQUESTS),
    Row("request_success", Q.FINISHED_STOP, {"finished_reason": "stop"}, needs=_REQUESTS, starts_at_zero=True),
    Row("request_success", Q.FINISHED_LENGTH, {"finished_reason": "length"}, needs=_REQUESTS, starts_at_zero=True),
    Row("request_success", Q.FINISHED_ABORT, {"finished_reason": "cancelled"}, needs=_REQUESTS, starts_at_zero=True),
    Row("request_error", Q.FINISHED_ERROR, since="1.3.0", needs="a first error"),
    Row("time_to_first_token_seconds", Q.TTFT, needs=_REQUESTS, buckets=True),
    Row(
        "time_per_output_token_seconds",
        Q.ITL,
        needs=_REQUESTS,
        buckets=True,
        note="mean of each request, not each gap",
    ),
    Row("e2e_request_latency_seconds", Q.E2E, needs=_REQUESTS),
    Row("request_queue_time_seconds", Q.QUEUE_TIME, needs=_REQUESTS),
    Row("request_prefill_time_seconds", Q.PREFILL_TIME, since="1.3.0", needs=_REQUESTS),
    Row("request_decode_time_seconds", Q.DECODE_TIME, since="1.3.0", needs=_REQUESTS),
    Row("generation_tokens", Q.REQUEST_GENERATION_TOKENS, since="1.3.0", needs=_REQUESTS, count="request_success"),
    Row("prompt_tokens", Q.REQUEST_PROMPT_TOKENS, since="1.3.0", needs=_REQUESTS, count="request_success"),
    Row("kv_transfer_latency_seconds", Q.TRANSFER_TIME, needs=_DYNAMO, buckets=True),
    Row("kv_transfer_bytes", Q.TRANSFER_BYTES, needs=_DYNAMO),
)

_ROLES = {"prefill": "prefill", "decode": "decode", "prefill_and_decode": "both"}


def _tells(view: View) -> Told:
    modes = {series.labels.get("disaggregation_mode", "") for _, series in view} - {""}
    role = _ROLES.get(next(iter(modes))) if len(modes) == 1 else None
    return Told(role=role) if role is not None else NOTHING_TOLD


FAMILY = Family(
    "trtllm",
    Kind.ENGINE,
    Table(ROWS, PREFIXES),
    about=__doc__,
    page="`/prometheus/metrics` on the API port (8000), with `return_perf_metrics: true`",
    verified="synthetic, after the sources of the 1.3 line",
    tells=_tells,
)
