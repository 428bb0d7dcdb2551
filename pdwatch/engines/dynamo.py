"""NVIDIA Dynamo 1.6: the page of a worker, on which the engine's own metrics are passed through, and of the frontend.

- `backend` is the component of a decode worker, and of an aggregated one: the role is decode beside prefill workers.
- Worker pages print `worker_id` in hexadecimal, the frontend in decimal. Both are read as decimal.
- A worker serves other endpoints as well; requests are those of `generate`.
- `/health` on a worker's system port was seen to answer 503 while the worker served, so it says nothing.
- What waits in front of the engine adds to what waits in it.
- The frontend's view of workers is sticky: dead ones stay registered, and its health stays good without any prefill.
- Its TTFT and gaps between tokens are what users feel, over all workers.
"""

from __future__ import annotations

from collections.abc import Mapping

from pdwatch.engines.family import Family, Kind
from pdwatch.engines.row import Row
from pdwatch.engines.table import Table, View
from pdwatch.model.reading import NOTHING_TOLD, Told
from pdwatch.model.reading import Quantity as Q

_GENERATE = {"dynamo_endpoint": "generate"}
_PREFILL = {"dynamo_endpoint": "generate", "dynamo_component": "prefill"}

WORKER_ROWS = (
    Row("dynamo_component_inflight_requests", Q.REQUESTS_RUNNING, _GENERATE, note="running or waiting in the engine"),
    Row("dynamo_request_queue", Q.REQUESTS_WAITING, adds=True),
    Row("dynamo_work_handler_queue_depth", Q.REQUESTS_WAITING, adds=True),
    Row("dynamo_component_gpu_cache_usage_percent", Q.KV_CACHE_USAGE, needs="an engine that tells it"),
    Row("dynamo_component_requests", Q.FINISHED, _GENERATE, note="counted when they arrive"),
    Row("dynamo_component_errors", Q.FINISHED_ERROR, _GENERATE),
    Row("dynamo_rejection_request", Q.ADMISSION_REJECTIONS),
    Row("dynamo_component_request_duration_seconds", Q.E2E, _GENERATE),
    Row("dynamo_component_request_duration_seconds", Q.PREFILL_TIME, _PREFILL, note="with the wait for KV room"),
)

FRONTEND_ROWS = (
    Row("active_requests", Q.REQUESTS_RUNNING),
    Row("inflight_requests", Q.REQUESTS_RUNNING),
    Row("queued_requests", Q.REQUESTS_WAITING, note="before the first token"),
    Row("output_tokens", Q.GENERATION_TOKENS),
    Row("requests", Q.FINISHED),
    Row("requests", Q.FINISHED_ERROR, {"status": "error"}, starts_at_zero=True),
    Row("time_to_first_token_seconds", Q.TTFT, buckets=True),
    Row("inter_token_latency_seconds", Q.ITL, buckets=True),
    Row("request_duration_seconds", Q.E2E),
    Row("input_sequence_tokens", Q.REQUEST_PROMPT_TOKENS),
    Row("output_sequence_tokens", Q.REQUEST_GENERATION_TOKENS),
)

_FRONTEND = "dynamo_frontend_"
_WORKERS = (f"{_FRONTEND}worker_active_decode_blocks", f"{_FRONTEND}worker_active_prefill_tokens")


def worker_identity(text: str, base: int) -> str | None:
    """Return a worker's number in decimal, whichever *base* a page prints it in; `None` for what is no number."""
    try:
        return str(int(text, base))
    except ValueError:
        return None


def _worker_tells(view: View) -> Told:
    labels = next((s.labels for _, s in view if s.labels.get("dynamo_endpoint") == "generate"), None)
    if labels is None:
        return NOTHING_TOLD
    role, sure = _role(labels)
    identity = worker_identity(labels.get("worker_id", ""), 16)
    return Told(role=role, sure=sure, identity=identity, health=False)


def _role(labels: Mapping[str, str]) -> tuple[str | None, bool]:
    component = labels.get("dynamo_component", "").lower()
    if "prefill" in component:
        return "prefill", True
    if "decode" in component:
        return "decode", True
    return ("decode", False) if component and "encode" not in component else (None, True)


def _frontend_tells(view: View) -> Told:
    """Take from the frontend which workers do prefill; those that it calls decode may be aggregated."""
    roles = {
        identity: "prefill"
        for _, series in view
        if series.name in _WORKERS and series.labels.get("worker_type") == "prefill"
        if (identity := worker_identity(series.labels.get("worker_id", ""), 10)) is not None
    }
    return Told(roles=roles) if roles else NOTHING_TOLD


WORKER = Family(
    "dynamo",
    Kind.PLATFORM,
    Table(WORKER_ROWS),
    about=__doc__,
    page="`/metrics` on `DYN_SYSTEM_PORT`, which is off until it is set (at most 32767)",
    verified="recorded and live: prefill and decode mockers of 1.6.1, with one rank and with two; the TensorRT-LLM "
    "adapter is synthetic",
    marks=("dynamo_work_handler_",),
    tells=_worker_tells,
)

FRONTEND = Family(
    "dynamo-frontend",
    Kind.FRONT,
    Table(FRONTEND_ROWS, (_FRONTEND,)),
    about=__doc__,
    page="`/metrics` on the API port (8000); `DYN_METRICS_PREFIX` must not rename it",
    verified="recorded and live: 1.6.1",
    marks=(_FRONTEND,),
    info=_WORKERS,
    tells=_frontend_tells,
)
