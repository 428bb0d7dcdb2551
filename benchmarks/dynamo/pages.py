"""Pages of the simulated workers and of their front end, written from what the simulator shows of their passes.

The simulator shows the last pass of each worker since it was asked before, so it is asked more often than a pass takes:
then every pass is seen. What it does not show is not on the pages: queue times, transfers, preemptions, KV usage of
prefill, time to first token by worker. Which decode worker ended an answer is told by whose pass ended at that
moment; where several did, the one that generated the most for each answer that it ended.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

_LABELS = 'engine="0"'
_ENGINE = f"{{{_LABELS}}}"
_MODEL = 'model="m"'
_ITL_BUCKETS = (0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0, 2.5, 5.0, 10.0, 20.0, 40.0, 80.0)
_TTFT_BUCKETS = (0.01, 0.022, 0.047, 0.1, 0.22, 0.47, 1.0, 2.0, 2.2, 4.7, 10.0, 22.0, 48.0, 100.0, 220.0, 480.0)
"""Those of vLLM and of Dynamo's front end; the latter with the objective of this benchmark in between."""
Pass = Mapping[str, Any]
"""A pass as the simulator reports it."""


@dataclass(slots=True)
class Tally:
    """A histogram: counts by bucket, the last without end, and their sum."""

    bounds: tuple[float, ...] = ()
    sum: float = 0.0
    counts: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.counts = [0] * (len(self.bounds) + 1)

    def add(self, value: float, times: int = 1) -> None:
        """Observe *value* so many times."""
        self.counts[bisect_left(self.bounds, value)] += times
        self.sum += value * times

    def lines(self, name: str, labels: str) -> list[str]:
        """Return the histogram as it stands on a page."""
        below, lines = 0, [f"# TYPE {name} histogram"]
        for bound, count in zip((*map(str, self.bounds), "+Inf"), self.counts, strict=True):
            below += count
            lines.append(f'{name}_bucket{{{labels},le="{bound}"}} {below}')
        return [*lines, f"{name}_sum{{{labels}}} {self.sum!r}", f"{name}_count{{{labels}}} {below}"]


@dataclass(slots=True)
class WorkerPage:
    """What a worker has done since it began, as vLLM counts it."""

    began: float
    kv_blocks: int
    block_tokens: int
    running: int = field(default=0, init=False)
    waiting: int = field(default=0, init=False)
    passes: Tally = field(default_factory=Tally, init=False)
    """Tokens of each pass."""

    def shared(self, ended: int, generated: int, computed: int) -> list[str]:
        """Return the lines that both roles have."""
        cache = f'block_size="{self.block_tokens}",num_gpu_blocks="{self.kv_blocks}",engine="0"'
        return [
            "# TYPE process_start_time_seconds gauge",
            f"process_start_time_seconds {self.began!r}",
            "# TYPE vllm:cache_config_info gauge",
            f"vllm:cache_config_info{{{cache}}} 1",
            "# TYPE vllm:num_requests_running gauge",
            f"vllm:num_requests_running{_ENGINE} {self.running}",
            "# TYPE vllm:num_requests_waiting gauge",
            f"vllm:num_requests_waiting{_ENGINE} {self.waiting}",
            "# TYPE vllm:prompt_tokens counter",
            f"vllm:prompt_tokens_total{_ENGINE} {computed}",
            "# TYPE vllm:generation_tokens counter",
            f"vllm:generation_tokens_total{_ENGINE} {generated}",
            "# TYPE vllm:request_success counter",
            f'vllm:request_success_total{{engine="0",finished_reason="length"}} {ended}',
            *self.passes.lines("vllm:iteration_tokens_total", _LABELS),
        ]


@dataclass(slots=True)
class PrefillPage(WorkerPage):
    """A prefill worker. A request of which only a part fits into a pass is in several passes and ends in the last."""

    most_batched: int
    """Tokens that a pass takes at most."""
    computed: int = field(default=0, init=False)
    begun: int = field(default=0, init=False)
    straddles: bool = field(default=False, init=False)
    prefilling: float = field(default=0.0, init=False)
    """Seconds that requests spent in passes; of several in one pass each counts."""

    @property
    def ended(self) -> int:
        """Requests whose prefill ended."""
        return self.begun - self.straddles

    def take(self, one: Pass) -> None:
        """Take a pass that ended; an empty one says that the worker idles."""
        self.running, self.waiting = one["num_prefill_requests"], one["num_queued_prefill"]
        tokens = one["sum_prefill_tokens"]
        if not tokens:
            return
        self.passes.add(tokens)
        self.computed += tokens
        self.begun += self.running - (one["sum_prefill_kv_tokens"] > 0)
        self.straddles = tokens >= self.most_batched
        self.prefilling += self.running * one["wall_time"]

    def text(self) -> str:
        """Return the page. The one token that prefill makes of each request is counted as vLLM does."""
        seconds = Tally(sum=self.prefilling)
        seconds.counts[-1] = self.ended
        spent = seconds.lines("vllm:request_prefill_time_seconds", _LABELS)
        return "\n".join([*self.shared(self.ended, self.ended, self.computed), *spent, ""])


@dataclass(slots=True)
class DecodePage(WorkerPage):
    """A decode worker. All requests of a step get a token, and the time of the step is the gap before it."""

    held: int = field(default=0, init=False)
    generated: int = field(default=0, init=False)
    gaps: Tally = field(default_factory=lambda: Tally(_ITL_BUCKETS), init=False)
    answers: Tally = field(default_factory=Tally, init=False)

    @property
    def ended(self) -> int:
        """Answers that ended."""
        return sum(self.answers.counts)

    def take(self, one: Pass) -> None:
        """Take a step that ended; an empty one says that the worker idles."""
        self.running, self.waiting = one["num_decode_requests"], one["num_queued_decode"]
        self.held = one["sum_decode_kv_tokens"]
        if not self.running:
            return
        self.passes.add(self.running)
        self.generated += self.running
        self.gaps.add(one["wall_time"], self.running)

    def text(self) -> str:
        """Return the page."""
        usage = min(1.0, self.held / (self.kv_blocks * self.block_tokens))
        return "\n".join(
            [
                *self.shared(self.ended, self.generated, 0),
                "# TYPE vllm:kv_cache_usage_perc gauge",
                f"vllm:kv_cache_usage_perc{_ENGINE} {usage!r}",
                *self.gaps.lines("vllm:inter_token_latency_seconds", _LABELS),
                *self.answers.lines("vllm:request_generation_tokens", _LABELS),
                "",
            ]
        )


@dataclass(slots=True)
class FrontPage:
    """The front end: what users felt, known to the simulator's policies when a request ends."""

    first_tokens: Tally = field(default_factory=lambda: Tally(_TTFT_BUCKETS))
    prompts: Tally = field(default_factory=Tally)
    answers: Tally = field(default_factory=Tally)

    def take(self, traffic: Mapping[str, Any]) -> None:
        """Take the requests that ended; of several at the same moment only the mean is known."""
        count = traffic["shape_count"]
        self.prompts.add(traffic["avg_isl"], count)
        self.answers.add(traffic["avg_osl"], count)
        self.first_tokens.add(traffic["avg_ttft_ms"] / 1000.0, traffic["ttft_count"])

    def text(self) -> str:
        """Return the page."""
        return "\n".join(
            [
                "# TYPE dynamo_frontend_requests_total counter",
                f'dynamo_frontend_requests_total{{model="m",status="success"}} {sum(self.answers.counts)}',
                *self.first_tokens.lines("dynamo_frontend_time_to_first_token_seconds", _MODEL),
                *self.prompts.lines("dynamo_frontend_input_sequence_tokens", _MODEL),
                *self.answers.lines("dynamo_frontend_output_sequence_tokens", _MODEL),
                "",
            ]
        )


def attribute(ended: int, mean_tokens: float, stepped: Sequence[DecodePage]) -> None:
    """Count answers that ended on one of the decode workers whose step has just ended."""
    for _ in range(ended if stepped else 0):
        max(stepped, key=lambda page: page.generated / (page.ended + 1)).answers.add(mean_tokens)
