"""The metric families of a vLLM 0.33 page in page order: names, types, label values and buckets are the wire format."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """The declared type of a family."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, slots=True)
class Family:
    """One `vllm:` family. `key` is its name without `vllm:` and without a counter's `_total`."""

    key: str
    kind: Kind
    help: str
    buckets: tuple[float, ...] = ()
    label: str = ""
    """The one label beside `engine` and `model_name`, if any."""
    values: tuple[str, ...] = ()
    consumer_only: bool = False
    """Registered only where KV is loaded: on decode."""
    by_engine: bool = True

    @property
    def keys(self) -> tuple[str, ...]:
        """The key of each value: the family's own, or `key/value` for each value of its label."""
        return tuple(f"{self.key}/{value}" for value in self.values) if self.label else (self.key,)


def one_two_five(limit: int) -> tuple[float, ...]:
    """Buckets 1, 2, 5, 10, ... up to *limit*, as vLLM sizes its token histograms by the model's length."""
    steps = (mantissa * 10**power for power in range(len(str(limit))) for mantissa in (1, 2, 5))
    return tuple(float(step) for step in steps if step <= limit)


MAX_MODEL_LEN = 32768
_TOKENS = one_two_five(MAX_MODEL_LEN)
_STEP_TOKENS = (1.0, *(float(2**power) for power in range(3, 15)))
_XFER = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 5.0)
_BYTES = tuple(float(2**power) for power in range(11, 34, 2))
_DESCRIPTORS = tuple(float(n) for n in (10, 20, 30, 50, 75, 100, 200, 400, 1000, 2000, 4000, 10000, 20000, 50000))
_TTFT = (
    *(0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1.0),
    *(2.5, 5.0, 7.5, 10.0, 20.0, 40.0, 80.0, 160.0, 640.0, 2560.0),
)
_GAP = (
    *(0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5),
    *(0.75, 1.0, 2.5, 5.0, 7.5, 10.0, 20.0, 40.0, 80.0),
)
_REQUEST = (
    *(0.3, 0.5, 0.8, 1.0, 1.5, 2.0, 2.5, 5.0, 10.0, 15.0, 20.0, 30.0),
    *(40.0, 50.0, 60.0, 120.0, 240.0, 480.0, 960.0, 1920.0, 7680.0),
)
_PREEMPTIONS = (1.0, 2.0, 3.0, 4.0, 5.0, 10.0, 20.0)

_C, _G, _H = Kind.COUNTER, Kind.GAUGE, Kind.HISTOGRAM

FAMILIES: tuple[Family, ...] = (
    Family("nixl_xfer_time_seconds", _H, "Duration of each NIXL KV transfer.", _XFER),
    Family("nixl_post_time_seconds", _H, "Time to post each NIXL KV transfer.", (0.001, *_XFER)),
    Family("nixl_bytes_transferred", _H, "Bytes of each NIXL KV transfer.", _BYTES),
    Family("nixl_num_descriptors", _H, "Descriptors of each NIXL KV transfer.", _DESCRIPTORS),
    Family("nixl_num_failed_transfers", _C, "NIXL KV transfers that failed."),
    Family("nixl_num_failed_notifications", _C, "NIXL notifications that failed."),
    Family("nixl_num_kv_expired_reqs", _C, "Requests whose KV lease ran out on prefill."),
    Family("nixl_num_notifications_after_expiry", _C, "Notifications that came after the lease had run out."),
    Family("estimated_flops_per_gpu", _C, "Floating point operations per GPU, estimated."),
    Family("estimated_read_bytes_per_gpu", _C, "Bytes read from memory per GPU, estimated."),
    Family("estimated_write_bytes_per_gpu", _C, "Bytes written to memory per GPU, estimated."),
    Family("num_requests_running", _G, "Requests in the batch."),
    Family("num_requests_waiting", _G, "Requests that wait."),
    Family(
        "num_requests_waiting_by_reason",
        _G,
        "Requests that wait, by reason.",
        label="reason",
        values=("capacity", "deferred"),
    ),
    Family(
        "num_requests_kv_fetch_by_stage",
        _G,
        "Waiting requests by stage of their KV load.",
        label="stage",
        values=("waiting_to_start", "in_progress", "completed_waiting"),
        consumer_only=True,
    ),
    Family(
        "engine_sleep_state",
        _G,
        "Sleep state of the engine, one-hot.",
        label="sleep_state",
        values=("awake", "weights_offloaded", "discard_all"),
    ),
    Family("kv_cache_usage_perc", _G, "Share of KV blocks in use, 0 to 1."),
    Family("prefix_cache_queries", _C, "Tokens looked up in the prefix cache."),
    Family("prefix_cache_hits", _C, "Tokens found in the prefix cache."),
    Family("external_prefix_cache_queries", _C, "Tokens asked of the KV connector."),
    Family("external_prefix_cache_hits", _C, "Tokens that the KV connector supplied."),
    Family("mm_cache_queries", _C, "Items looked up in the multi-modal cache."),
    Family("mm_cache_hits", _C, "Items found in the multi-modal cache."),
    Family("num_preemptions", _C, "Preemptions."),
    Family("prompt_tokens", _C, "Prompt tokens."),
    Family(
        "prompt_tokens_by_source",
        _C,
        "Prompt tokens by where their KV came from.",
        label="source",
        values=("local_compute", "local_cache_hit", "external_kv_transfer"),
    ),
    Family("prompt_tokens_cached", _C, "Prompt tokens that were not computed here."),
    Family(
        "prompt_tokens_cached_by_source",
        _C,
        "Prompt tokens that were not computed here, by the tier that held them.",
        label="source",
        values=("device", "host", "p2p", "disk", "external_unspecified"),
    ),
    Family("generation_tokens", _C, "Generated tokens."),
    Family(
        "request_success",
        _C,
        "Finished requests by reason.",
        label="finished_reason",
        values=("stop", "length", "abort", "error", "repetition"),
    ),
    Family(
        "admission_rejections",
        _C,
        "Requests refused by a queue limit.",
        label="reason",
        values=("max_num_queued_reqs", "max_num_queued_tokens"),
        by_engine=False,
    ),
    Family("request_prompt_tokens", _H, "Prompt tokens of each request.", _TOKENS),
    Family("request_generation_tokens", _H, "Generated tokens of each request.", _TOKENS),
    Family("iteration_tokens_total", _H, "Tokens of each engine step.", _STEP_TOKENS),
    Family("request_max_num_generation_tokens", _H, "Most tokens a request asked for.", _TOKENS),
    Family("request_params_n", _H, "The request parameter n.", one_two_five(20)),
    Family("request_params_max_tokens", _H, "The request parameter max_tokens.", _TOKENS),
    Family("time_to_first_token_seconds", _H, "Time to the first token.", _TTFT),
    Family("inter_token_latency_seconds", _H, "Time between two tokens of a request.", _GAP),
    Family("request_time_per_output_token_seconds", _H, "Mean time per output token of each request.", _GAP),
    Family("e2e_request_latency_seconds", _H, "Arrival to end of each request.", _REQUEST),
    Family("request_queue_time_seconds", _H, "Time in the waiting phase of each request.", _REQUEST),
    Family("request_inference_time_seconds", _H, "Time in the running phase of each request.", _REQUEST),
    Family("request_prefill_time_seconds", _H, "Time in the prefill phase of each request.", _REQUEST),
    Family("request_decode_time_seconds", _H, "Time in the decode phase of each request.", _REQUEST),
    Family("request_num_preemptions", _H, "Preemptions of each request.", _PREEMPTIONS),
    Family("request_prefill_kv_computed_tokens", _H, "Prompt tokens computed for each request.", _TOKENS),
)
