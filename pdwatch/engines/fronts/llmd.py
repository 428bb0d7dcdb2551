"""llm-d: the endpoint picker (EPP) in front of its workers, and the prefill/decode sidecar beside each of them.

The workers are vLLM's or SGLang's own pages. The picker's averages over a pool mix both roles, so they are not read;
what it measures of requests is what users feel. It was renamed twice and printed old and new names side by side in
between, so that of several names the first one counts. The sidecar prints look-ups of names, if anything.
"""

from __future__ import annotations

from pdwatch.engines.family import Family, Kind
from pdwatch.engines.row import Row
from pdwatch.engines.table import Table
from pdwatch.model.reading import Quantity as Q

_STREAMING = {"streaming": "true"}
_FORMER = ("llm_d_router_epp_", "inference_objective_", "inference_model_")
"""Prefixes before `llm_d_epp_`, newest first."""

ROWS = (
    Row("llm_d_epp_request_running", Q.REQUESTS_RUNNING),
    *(Row(f"{former}running_requests", Q.REQUESTS_RUNNING) for former in _FORMER),
    Row("llm_d_epp_flow_control_queue_size", Q.REQUESTS_WAITING, needs="flow control"),
    Row("llm_d_router_epp_flow_control_queue_size", Q.REQUESTS_WAITING, needs="flow control"),
    Row("inference_extension_flow_control_queue_size", Q.REQUESTS_WAITING, needs="flow control"),
    Row("llm_d_epp_request", Q.FINISHED, note="counted when they arrive"),
    *(Row(f"{former}request", Q.FINISHED) for former in _FORMER),
    Row("llm_d_epp_request_error", Q.FINISHED_ERROR),
    *(Row(f"{former}request_error", Q.FINISHED_ERROR) for former in _FORMER),
    Row("llm_d_epp_request_ttft_seconds", Q.TTFT, _STREAMING, buckets=True),
    *(Row(f"{former}request_ttft_seconds", Q.TTFT, needs="latency prediction", buckets=True) for former in _FORMER),
    Row("llm_d_epp_request_streaming_itl_seconds", Q.ITL, buckets=True),
    Row("llm_d_epp_request_streaming_tpot_seconds", Q.ITL, buckets=True, note="mean of each request, not each gap"),
    *(Row(f"{former}request_tpot_seconds", Q.ITL, needs="latency prediction", buckets=True) for former in _FORMER),
    Row("llm_d_epp_request_duration_seconds", Q.E2E),
    *(Row(f"{former}request_duration_seconds", Q.E2E) for former in _FORMER),
    Row("llm_d_epp_request_input_tokens", Q.REQUEST_PROMPT_TOKENS),
    *(Row(f"{former}input_tokens", Q.REQUEST_PROMPT_TOKENS) for former in _FORMER),
    Row("llm_d_epp_request_output_tokens", Q.REQUEST_GENERATION_TOKENS),
    *(Row(f"{former}output_tokens", Q.REQUEST_GENERATION_TOKENS) for former in _FORMER),
)

FAMILY = Family(
    "llm-d-epp",
    Kind.FRONT,
    Table(ROWS),
    about=__doc__,
    page="`/metrics` on 9090, with a bearer token unless `--metrics-endpoint-auth=false`",
    verified="synthetic, after its documentation and sources of August 2026",
    marks=("llm_d_epp_", "llm_d_router_epp_", "inference_pool_"),
)

SIDECAR = Family(
    "llm-d-sidecar",
    Kind.FRONT,
    Table(()),
    about=__doc__,
    page="`/metrics` on `--metrics-port`, off by default",
    verified="synthetic, after its documentation of August 2026",
    marks=("moriio_dns_",),
)
