"""A prefill engine: first come, first served, prompts cut into chunks, KV kept until decode has read it."""

from __future__ import annotations

from collections import deque

from pdwatch.demo.model.engine import Engine, Surroundings
from pdwatch.demo.model.request import Outcome, Request
from pdwatch.demo.model.spec import PoolSpec


class PrefillEngine(Engine):
    """Computes prompts in passes of at most `max_batched_tokens` and answers each with one token."""

    def __init__(self, name: str, host: str, pool: PoolSpec, fleet: Surroundings, cold: bool) -> None:
        super().__init__(name, host, pool, fleet, cold)
        self.waiting: deque[Request] = deque()
        self.running: list[Request] = []
        """Requests that have been given at least one chunk, oldest first."""
        self.pinned: dict[int, Request] = {}
        """Answered requests whose KV decode has not read yet."""
        self._batch_tokens = 0
        self._seen = (0, 0)
        """Requests running and waiting when the last step ended."""

    @property
    def outstanding(self) -> int:
        """Requests that wait or run."""
        return len(self.waiting) + len(self.running)

    def inside(self) -> list[Request]:
        """Requests that wait or run; those that decode has already are not lost with their prefill alone."""
        return [*self.waiting, *self.running]

    def submit(self, request: Request) -> None:
        """Take a request from the router."""
        request.prefill = self
        request.prefill_arrival = self.timeline.now
        if self.dead or not self.fits_ever(request.input_tokens):
            self.fleet.ended(request, Outcome.FAILED)
            return
        self.waiting.append(request)
        self.wake()

    def begin(self) -> None:
        """Fill a pass: first the requests already started, then the queue while blocks are free."""
        spec = self.fleet.spec
        budget = spec.max_batched_tokens
        seconds = 0.0
        for request in self.running:
            seconds, budget = self._give_chunk(request, seconds, budget)
        while budget and self.waiting and len(self.running) < self.pool.max_num_seqs:
            request = self.waiting[0]
            need = self.blocks.needed(request.input_tokens)
            if need > self.blocks.free:
                break
            self.waiting.popleft()
            self.blocks.used += need
            request.prefill_scheduled = self.timeline.now
            self._count_lookup(request)
            self.running.append(request)
            seconds, budget = self._give_chunk(request, seconds, budget)
        self._batch_tokens = spec.max_batched_tokens - budget
        if self._batch_tokens:
            self.run_pass(spec.performance.pass_base + seconds)

    def _give_chunk(self, request: Request, seconds: float, budget: int) -> tuple[float, int]:
        past = request.cached_tokens + request.computed_tokens
        chunk = min(budget, request.input_tokens - past)
        request.computed_tokens += chunk
        return seconds + self.fleet.spec.performance.chunk_seconds(chunk, past), budget - chunk

    def _count_lookup(self, request: Request) -> None:
        add = self.meters.add
        add("prefix_cache_queries", request.input_tokens)
        add("prefix_cache_hits", request.cached_tokens)
        add("external_prefix_cache_queries", request.input_tokens - request.cached_tokens)
        add("prompt_tokens_cached_by_source/device", request.cached_tokens)

    def complete(self) -> None:
        """Answer the requests whose last chunk this was."""
        done = [r for r in self.running if r.cached_tokens + r.computed_tokens == r.input_tokens]
        self.running = [r for r in self.running if r.cached_tokens + r.computed_tokens < r.input_tokens]
        self.meters.observe("iteration_tokens_total", self._batch_tokens + len(done))
        self._batch_tokens = 0
        self._seen = (len(self.running), len(self.waiting))
        for request in done:
            self._count_answer(request)
            self._hand_over(request)

    def _hand_over(self, request: Request) -> None:
        if request.pulls_kv:
            self.pinned[request.id] = request
            self.timeline.at(self.timeline.now + self.fleet.spec.lease_seconds, self._lease_ends, request)
        else:
            self.blocks.used -= self.blocks.needed(request.input_tokens)
        self.fleet.prefilled(request)

    def _lease_ends(self, request: Request) -> None:
        if self.dead or request.id not in self.pinned:
            return
        wanted = request.outcome is None and request.decode is not None and request.decode.working
        if wanted or self.frozen:
            self.timeline.at(self.timeline.now + self.fleet.spec.lease_extension, self._lease_ends, request)
            return
        self.meters.add("nixl_num_kv_expired_reqs")
        self.release(request)

    def release(self, request: Request) -> None:
        """Free the KV of an answered request: decode has read it, or its lease has run out."""
        if self.pinned.pop(request.id, None) is not None and not self.dead:
            self.blocks.used -= self.blocks.needed(request.input_tokens)
            self.wake()

    def read_gauges(self) -> None:
        """As vLLM sets them at the end of a step: a request that finishes within one pass is never seen running."""
        if not self.busy:
            self._seen = (len(self.running), len(self.waiting))
        values = self.meters.values
        values["num_requests_running"], values["num_requests_waiting"] = self._seen
        values["num_requests_waiting_by_reason/capacity"] = self._seen[1]
        values["kv_cache_usage_perc"] = self.blocks.usage

    def _count_answer(self, request: Request) -> None:
        meters, now = self.meters, self.timeline.now
        computed = request.input_tokens - request.cached_tokens
        scheduled = request.prefill_scheduled or 0.0
        add, observe = meters.add, meters.observe
        add("prompt_tokens", request.input_tokens)
        add("prompt_tokens_by_source/local_compute", computed)
        add("prompt_tokens_by_source/local_cache_hit", request.cached_tokens)
        add("prompt_tokens_cached", request.cached_tokens)
        add("generation_tokens")
        add("request_success/length")
        observe("request_prompt_tokens", request.input_tokens)
        observe("request_prefill_kv_computed_tokens", computed)
        for key in _ONE_TOKEN:
            observe(key, 1)
        for key in _NOTHING:
            observe(key, 0)
        for key in ("time_to_first_token_seconds", "e2e_request_latency_seconds"):
            observe(key, now - request.prefill_arrival)
        for key in ("request_prefill_time_seconds", "request_inference_time_seconds"):
            observe(key, now - scheduled)
        observe("request_queue_time_seconds", scheduled - request.prefill_arrival)


_ONE_TOKEN = (
    "request_generation_tokens",
    "request_max_num_generation_tokens",
    "request_params_n",
    "request_params_max_tokens",
)
_NOTHING = ("request_time_per_output_token_seconds", "request_decode_time_seconds", "request_num_preemptions")
