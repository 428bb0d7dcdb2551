"""Pages written from the reference of each engine: synthetic, but with its own names, types, labels and buckets.

Values are given by the tests, so that what is read from a page can be worked out by hand. What SGLang's own classes
print is under tests/pages/sglang, and a test holds the names, types, labels and buckets of these pages against it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import inf


class Text:
    """A page under construction, in the text format."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._declared: set[str] = set()

    def declare(self, name: str, kind: str) -> None:
        """Print the type of a family once."""
        if name not in self._declared:
            self._declared.add(name)
            self._lines.append(f"# TYPE {name} {kind}")

    def sample(self, name: str, value: float, labels: Mapping[str, object]) -> None:
        """Print one sample."""
        inside = ",".join(f'{key}="{text}"' for key, text in labels.items())
        self._lines.append(f"{name}{{{inside}}} {value}" if inside else f"{name} {value}")

    def gauge(self, name: str, value: float, labels: Mapping[str, object] | None = None) -> None:
        """Print a gauge."""
        self.declare(name, "gauge")
        self.sample(name, value, labels or {})

    def counter(self, name: str, value: float, labels: Mapping[str, object] | None = None) -> None:
        """Print a counter under its full name."""
        self.declare(name, "counter")
        self.sample(name, value, labels or {})

    def histogram(
        self,
        name: str,
        bounds: Sequence[float],
        seen: Sequence[tuple[float, int]],
        labels: Mapping[str, object] | None = None,
    ) -> None:
        """Print a histogram of observations given as (value, how often)."""
        own = dict(labels or {})
        self.declare(name, "histogram")
        for edge in (*bounds, inf):
            below = sum(times for value, times in seen if value <= edge)
            self.sample(f"{name}_bucket", below, own | {"le": "+Inf" if edge == inf else edge})
        self.sample(f"{name}_sum", sum(value * times for value, times in seen), own)
        self.sample(f"{name}_count", sum(times for _, times in seen), own)

    def __str__(self) -> str:
        return "\n".join(self._lines) + "\n"


SGLANG_TTFT = (0.1, 0.2, 0.4, 0.6, 0.8, 1.0, 2.0, 4.0, 6.0, 8.0, 10.0, 20.0, 40.0, 60.0, 80.0, 100.0, 200.0, 400.0)
SGLANG_E2E = (*SGLANG_TTFT, 600.0, 1200.0, 1800.0, 2400.0)
SGLANG_ITL = (
    *(0.002, 0.004, 0.006, 0.008, 0.01, 0.015, 0.02, 0.025, 0.03, 0.035, 0.04, 0.06, 0.08, 0.1),
    *(0.2, 0.4, 0.6, 0.8, 1.0, 2.0, 4.0, 6.0, 8.0),
)
SGLANG_TRANSFER_MS = (1.0, 2.0, 5.0, 10.0, 25.0, 50.0, 100.0, 250.0, 500.0, 1000.0, 2500.0, 5000.0)
SGLANG_TRANSFER_MB = (1.0, 5.0, 10.0, 50.0, 100.0, 500.0, 1000.0, 5000.0, 10000.0)
SGLANG_STAGE = tuple(0.001 * 1.62**step for step in range(30))
SGLANG_QUEUE = (
    *(0.0, 0.001, 0.005, 0.01, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 3.0, 4.0, 5.0, 10.0, 15.0, 20.0, 30.0, 40.0, 50.0),
    *(60.0, 70.0, 80.0, 90.0, 100.0, 200.0, 300.0, 400.0, 500.0, 600.0, 700.0, 800.0, 900.0, 1000.0),
    *(1200.0, 1400.0, 1600.0, 1800.0, 2000.0, 2500.0, 3000.0),
)


@dataclass
class SGLang:
    """What one SGLang worker has done so far and does now; `engine_type` is its role."""

    engine_type: str = "prefill"
    running: float = 0
    queue: float = 0
    bootstrap: float = 0
    inflight: float = 0
    prealloc: float = 0
    transfer: float = 0
    usage: float = 0.0
    requests: int = 0
    prompt: int = 1000
    """Prompt tokens of each request; none of them cached."""
    answer: int = 100
    """Tokens of each answer."""
    transfer_ms: float = 20.0
    """What is left of each transfer when prefill has ended."""
    transfer_mb: float = 128.0
    prefill_seconds: float = 0.25
    queue_seconds: float = 0.05
    ttft: float = 0.5
    gap: float = 0.02
    retracted: int = 0
    failed: int = 0
    tp: int = 1
    """Tensor ranks that print series of their own."""
    dp: int | None = None
    """Data-parallel ranks, each with `tp` tensor ranks; `None` prints no such label."""
    extra: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        text = Text()
        for rank in range(self.dp or 1):
            for tensor in range(self.tp):
                own = {"model_name": "m", "engine_type": self.engine_type}
                own |= {"tp_rank": rank * self.tp + tensor, "pp_rank": 0, "moe_ep_rank": rank * self.tp + tensor}
                own |= {"dp_rank": rank} if self.dp is not None else {}
                self._scheduler(text, own | self.extra, first=tensor == 0)
        self._front(text, {"model_name": "m", "engine_type": self.engine_type} | self.extra)
        return str(text)

    def _scheduler(self, text: Text, own: Mapping[str, object], first: bool) -> None:
        gauges = {
            "num_running_reqs": self.running,
            "num_queue_reqs": self.queue,
            "num_prefill_bootstrap_queue_reqs": self.bootstrap,
            "num_prefill_inflight_queue_reqs": self.inflight,
            "num_decode_prealloc_queue_reqs": self.prealloc,
            "num_decode_transfer_queue_reqs": self.transfer,
            "token_usage": self.usage,
            "max_total_num_tokens": 100_000,
        }
        if first:
            for name, value in gauges.items():
                text.gauge(f"sglang:{name}", value, own)
        self._counted(text, own)

    def _counted(self, text: Text, own: Mapping[str, object]) -> None:
        done, decodes = self.requests, self.engine_type == "decode"
        if self.failed:
            text.counter("sglang:num_transfer_failed_reqs_total", self.failed, own)
        if self.retracted:
            text.counter("sglang:num_retracted_requests_total", self.retracted, own)
        text.histogram("sglang:queue_time_seconds", SGLANG_QUEUE, [(self.queue_seconds, done)], own)
        for mode in ("input", "device_hit", "host_hit", "storage_hit"):
            computed = done * self.prompt if mode == "input" and not decodes else 0
            text.counter("sglang:prefill_effective_tokens_total", computed, own | {"mode": mode})
        stage = own | {"stage": "decode_waiting" if decodes else "prefill_forward"}
        seconds = self.queue_seconds if decodes else self.prefill_seconds
        text.histogram("sglang:per_stage_req_latency_seconds", SGLANG_STAGE, [(seconds, done)], stage)
        if decodes:
            text.counter("sglang:realtime_tokens_total", done * self.answer, own | {"mode": "decode"})
            return
        text.counter("sglang:realtime_tokens_total", done * self.prompt, own | {"mode": "prefill_compute"})
        if self.engine_type == "prefill":
            text.histogram("sglang:kv_transfer_latency_ms", SGLANG_TRANSFER_MS, [(self.transfer_ms, done)], own)
            text.histogram("sglang:kv_transfer_total_mb", SGLANG_TRANSFER_MB, [(self.transfer_mb, done)], own)
        else:
            text.counter("sglang:realtime_tokens_total", done * self.answer, own | {"mode": "decode"})

    def _front(self, text: Text, own: Mapping[str, object]) -> None:
        done, prefills = self.requests, self.engine_type == "prefill"
        streamed = own | {"is_streaming": "true"}
        text.counter("sglang:prompt_tokens_total", done * self.prompt, streamed)
        text.counter("sglang:generation_tokens_total", done if prefills else done * self.answer, streamed)
        text.counter("sglang:num_requests_total", done, streamed)
        text.histogram("sglang:e2e_request_latency_seconds", SGLANG_E2E, [(2.0, done)], streamed)
        if not prefills:
            text.histogram("sglang:time_to_first_token_seconds", SGLANG_TTFT, [(self.ttft, done)], streamed)
            gaps = [(self.gap, done * (self.answer - 1))]
            text.histogram("sglang:inter_token_latency_seconds", SGLANG_ITL, gaps, own)


TRT_TTFT = (
    *(0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0, 20.0, 40.0, 80.0),
    *(160.0, 640.0, 2560.0),
)
TRT_TPOT = (0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0, 20.0, 40.0, 80.0)
TRT_PREFILL = (*(0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 40.0, 80.0), 160.0, 640.0)
TRT_LONG = (0.3, 0.5, 0.8, 1.0, 1.5, 2.0, 2.5, 5.0, 10.0, 15.0, 20.0, 30.0, 40.0, 50.0, 60.0, 120.0, 240.0, 480.0)


def trtllm(
    requests: int,
    answer: int,
    *,
    running: float = 0,
    waiting: float = 0,
    usage: float = 0.0,
    prompt: int = 1000,
    cached: int = 0,
) -> str:
    """Return a page of `trtllm-serve` 1.3; *answer* is 1 on a context server."""
    text, own = Text(), {"model_name": "m", "engine_type": "trtllm"}
    for name, value in {
        "num_requests_running": running,
        "num_requests_waiting": waiting,
        "kv_cache_utilization": usage,
        "kv_cache_max_blocks": 3000,
        "kv_cache_tokens_per_block": 32,
    }.items():
        text.gauge(f"trtllm_{name}", value, own)
    text.counter("trtllm_prompt_tokens_total", requests * prompt, own)
    text.counter("trtllm_prompt_cached_tokens_total", cached, own)
    text.counter("trtllm_generation_tokens_total", requests * answer, own)
    text.counter("trtllm_request_success_total", requests, own | {"finished_reason": "length"})
    text.histogram("trtllm_time_to_first_token_seconds", TRT_TTFT, [(0.3, requests)], own)
    text.histogram("trtllm_time_per_output_token_seconds", TRT_TPOT, [(0.02, requests if answer > 1 else 0)], own)
    text.histogram("trtllm_request_prefill_time_seconds", TRT_PREFILL, [(0.2, requests)], own)
    text.histogram("trtllm_request_queue_time_seconds", TRT_LONG, [(0.1, requests)], own)
    return str(text)


def trtllm_orchestrator(requests: int, errors: int = 0) -> str:
    """Return a page of `trtllm-serve disaggregated`."""
    text = Text()
    text.counter("total_requests_total", requests)
    text.counter("internal_errors_total", errors)
    text.histogram("queue_latency_seconds", TRT_TTFT, [(0.005, requests)])
    for side in ("ctx", "gen"):
        text.counter(f"{side}_total_requests_total", requests)
        text.counter(f"{side}_error_requests_total", 0)
        text.histogram(f"{side}_first_token_latency_seconds", TRT_TTFT, [(0.1, requests)])
        text.histogram(f"{side}_complete_latency_seconds", TRT_LONG, [(2.0, requests)])
        text.histogram(f"{side}_per_token_latency_seconds", TRT_TTFT, [(0.02, 10 * requests)])
    return str(text)


EPP_LATENCY = (0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1.0, 1.25, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0)


def epp(requests: int, errors: int = 0, prefixes: Sequence[str] = ("llm_d_epp",)) -> str:
    """Return a page of llm-d's endpoint picker, under one or several of the names that it has had."""
    text, own = Text(), {"model_name": "m", "target_model_name": "m"}
    for prefix in prefixes:
        newest = prefix == "llm_d_epp"
        more = own | ({"fairness_id": "", "priority": "0"} if newest else {})
        text.gauge(f"{prefix}_{'request_running' if newest else 'running_requests'}", 5, more)
        text.counter(f"{prefix}_request_total", requests, more)
        text.counter(f"{prefix}_request_error_total", errors, more | {"error_code": "503"})
        text.histogram(f"{prefix}_request_duration_seconds", EPP_LATENCY, [(2.0, requests)], more)
        streaming = more | ({"streaming": "true"} if newest else {})
        text.histogram(f"{prefix}_request_ttft_seconds", EPP_LATENCY, [(0.4, requests)], streaming)
        if newest:
            whole = more | {"streaming": "false"}
            text.histogram(f"{prefix}_request_ttft_seconds", EPP_LATENCY, [(8.0, requests)], whole)
            text.histogram(f"{prefix}_request_streaming_itl_seconds", EPP_LATENCY, [(0.025, 50 * requests)], more)
    return str(text)


def nixl(reads: int = 0, writes: int = 0, errors: int = 0, ranks: int = 1) -> str:
    """Return a page of NIXL's telemetry: each transfer took 2 ms and moved 1 MB, on each of the ranks."""
    text = Text()
    bounds = (10.0, 100.0, 1000.0, 5000.0, 10000.0, 100000.0, 1000000.0, 10000000.0)
    for rank in range(ranks):
        own = {"hostname": "h", "agent_name": f"a{rank}", "pid": 100 + rank, "local_rank": rank}
        text.counter("agent_rx_bytes_total", reads * 1e6, own)
        text.counter("agent_rx_requests_num_total", reads, own)
        text.counter("agent_tx_bytes_total", writes * 1e6, own)
        text.counter("agent_tx_requests_num_total", writes, own)
        text.histogram("agent_xfer_time_us", bounds, [(2000.0, reads + writes)], own)
        text.counter("agent_errors_total", errors, own | {"status": "remote_disconnect"})
        text.counter("agent_errors_total", 9, own | {"status": "invalid_param"})
    return str(text)


def tent(reads: int, writes: int, failures: int = 0) -> str:
    """Return a page of Mooncake's TENT: a read takes 4 ms, a write 8 ms, each moves 1 MB."""
    text, edges = Text(), (100.0, 500.0, 1000.0, 5000.0, 10000.0, 50000.0, 100000.0, 500000.0, 1000000.0)
    for kind, count, micros in (("read", reads, 4000.0), ("write", writes, 8000.0)):
        text.counter(f"tent_{kind}_bytes_total", count * 1e6)
        text.counter(f"tent_{kind}_requests_total", count)
        text.counter(f"tent_{kind}_failures_total", failures if kind == "read" else 0)
        text.histogram(f"tent_{kind}_latency_us", edges, [(micros, count)])
    return str(text)


def aibrix(pods: Mapping[str, str], running: float, declared: str = "gauge") -> str:
    """Return a page of AIBrix' gateway with the pods given by name and role; *declared* is the type of its gauges."""
    text = Text()
    text.counter("gateway_request_total", 10, {"model": "m", "lora_adapter": "", "gateway_pod": "gw"})
    for pod, role in pods.items():
        own = {"namespace": "n", "pod": pod, "model": "m", "engine_type": "vllm", "roleset": "s", "role": role}
        own |= {"role_replica_index": "0", "gateway_pod": "gw"}
        text.declare("num_requests_running", declared)
        text.sample("num_requests_running", running, own)
        text.gauge("prompt_tokens_total", 5000, own)
        text.histogram("time_to_first_token_seconds", (0.1, 1.0), [(0.5, 4)], own)
    return str(text)
