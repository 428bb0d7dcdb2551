"""What a decode engine counts at a request's first token and at its end."""

from __future__ import annotations

from pdwatch.demo.model.meters import Meters
from pdwatch.demo.model.request import Request

MAX_TOKENS = 2048
"""What requests ask for at most, unless they get more."""
_STOP_SHARE = 0.9


def count_first_token(meters: Meters, request: Request, now: float) -> None:
    """Count the prompt by where its KV came from, and the time since decode has had the request."""
    pulled = request.input_tokens - request.computed_here
    meters.add("prompt_tokens", request.input_tokens)
    meters.add("prompt_tokens_by_source/local_compute", request.computed_here)
    meters.add("prompt_tokens_by_source/external_kv_transfer", pulled)
    meters.add("prompt_tokens_cached", pulled)
    meters.observe("time_to_first_token_seconds", now - request.decode_arrival)


def count_answer(meters: Meters, request: Request, now: float) -> None:
    """Count everything that vLLM observes when a request ends well."""
    scheduled = request.decode_scheduled or 0.0
    first = request.first_token or 0.0
    gaps = request.output_tokens - 1
    asked = max(request.output_tokens, MAX_TOKENS)
    meters.add("request_success/stop" if request.luck < _STOP_SHARE else "request_success/length")
    observe = meters.observe
    observe("request_prompt_tokens", request.input_tokens)
    observe("request_generation_tokens", request.output_tokens)
    observe("request_max_num_generation_tokens", request.output_tokens)
    observe("request_params_n", 1)
    observe("request_params_max_tokens", asked)
    observe("request_time_per_output_token_seconds", (now - first) / gaps if gaps else 0.0)
    observe("e2e_request_latency_seconds", now - request.decode_arrival)
    observe("request_queue_time_seconds", scheduled - request.decode_arrival)
    observe("request_inference_time_seconds", now - scheduled)
    observe("request_prefill_time_seconds", first - scheduled)
    observe("request_decode_time_seconds", now - first)
    observe("request_num_preemptions", request.preemptions)
    # A live NIXL pair records the same number on decode as on prefill.
    observe("request_prefill_kv_computed_tokens", request.input_tokens - request.cached_tokens)
