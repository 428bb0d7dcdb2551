"""A decode engine: continuous batching over KV that it pulls from prefill, preemption when blocks run out.

The step is the unit of work and costs the same however many requests run: sums over the batch are kept up to date,
and a request is looked at only when it joins, ends or is preempted. A request holds *slots*, one per token whose KV it
has, and needs a new block at the steps at which its slots have filled the last one.
"""

from __future__ import annotations

from collections import deque
from functools import partial

from pdwatch.demo.model.answer import count_answer, count_first_token
from pdwatch.demo.model.engine import Engine, Surroundings
from pdwatch.demo.model.network import Transfer
from pdwatch.demo.model.request import Outcome, Request
from pdwatch.demo.model.spec import LoadFailure, PoolSpec


class DecodeEngine(Engine):
    """Generates the tokens of its requests, one per request and step."""

    def __init__(self, name: str, host: str, pool: PoolSpec, fleet: Surroundings, cold: bool) -> None:
        super().__init__(name, host, pool, fleet, cold)
        self.waiting: deque[Request] = deque()
        """Needs blocks: for KV to pull, or to compute here."""
        self.fetching: dict[Request, Transfer | None] = {}
        """KV is on its way; blocks are held."""
        self.loaded: deque[Request] = deque()
        """KV is here, next step takes it in."""
        self.computing: deque[Request] = deque()
        """Prompts that this engine computes itself, oldest first."""
        self.running: dict[Request, None] = {}
        """In the batch, newest last."""
        self.kv_tokens = 0
        """Sum of slots over `running`."""
        self._step = 0
        self._growing = [0] * fleet.spec.block_size
        """How many running requests need a block at the steps that are equal to the index modulo the block size."""
        self._ending: dict[int, list[Request]] = {}
        self._fresh: list[Request] = []
        self._chunk_tokens = 0
        self._began = 0.0

    @property
    def outstanding(self) -> int:
        """Requests it has in any state."""
        waiting = len(self.waiting) + len(self.fetching) + len(self.loaded)
        return waiting + len(self.computing) + len(self.running)

    def inside(self) -> list[Request]:
        """Requests in any state."""
        return [*self.waiting, *self.fetching, *self.loaded, *self.computing, *self.running]

    def submit(self, request: Request) -> None:
        """Take a request from the router after its prefill."""
        request.decode = self
        request.decode_arrival = self.timeline.now
        request.slots = request.input_tokens
        if self.dead or not self.fits_ever(request.input_tokens + request.output_tokens):
            self.fleet.ended(request, Outcome.FAILED)
            return
        self.waiting.append(request)
        self.wake()

    # Scheduling: what happens between two steps.

    def begin(self) -> None:
        """Take requests in, make room for one more slot each, and start a step."""
        self._take_in()
        self._make_room()
        performance = self.fleet.spec.performance
        chunk_seconds = self._give_chunks() if self.computing else 0.0
        count = len(self.running)
        if count or self._chunk_tokens:
            self._began = self.timeline.now
            self.run_pass(
                performance.alpha + performance.beta * count + performance.gamma * self.kv_tokens + chunk_seconds
            )

    def _take_in(self) -> None:
        limit = self.pool.max_num_seqs - len(self.computing)
        while self.loaded and len(self.running) < limit:
            request = self.loaded.popleft()
            self._join(request)
            self._fresh.append(request)
        while self.waiting and len(self.running) + len(self.computing) < self.pool.max_num_seqs:
            request = self.waiting[0]
            need = self.blocks.needed(request.slots)
            if need + self.watermark > self.blocks.free:
                break
            self.waiting.popleft()
            self.blocks.used += need
            if not request.preemptions:
                self.meters.add("external_prefix_cache_queries", request.input_tokens)
                self.meters.add("prefix_cache_queries", request.input_tokens)
            if request.pulls_kv:
                self._start_fetch(request)
            else:
                self._start_computing(request)

    def _join(self, request: Request) -> None:
        now = self.timeline.now
        if request.decode_scheduled is None:
            request.decode_scheduled = now
        step = self._step
        request.joined_step = step
        request.last_step = step + request.output_tokens - request.generated - 1
        self._growing[(step - request.slots) % self.blocks.size] += 1
        self._ending.setdefault(request.last_step, []).append(request)
        self.kv_tokens += request.slots
        self.running[request] = None

    def _leave(self, request: Request) -> int:
        """Take *request* out of the batch and return the slots it holds as of the steps completed."""
        del self.running[request]
        self._growing[(request.joined_step - request.slots) % self.blocks.size] -= 1
        completed = self._step - request.joined_step
        request.slots += completed
        request.generated += completed
        self.kv_tokens -= request.slots
        return request.slots

    def _make_room(self) -> None:
        phase = self._step % self.blocks.size
        while self._growing[phase] > self.blocks.free:
            self._preempt_newest()
        self.blocks.used += self._growing[phase]

    def _preempt_newest(self) -> None:
        if self.computing:
            request = self.computing.pop()
        else:
            request = next(reversed(self.running))
            self._leave(request)
            self._ending[request.last_step].remove(request)
            if request in self._fresh:
                self._fresh.remove(request)
            else:
                request.last_token = self.timeline.now
        self.blocks.used -= self.blocks.needed(request.slots)
        request.preemptions += 1
        request.pulls_kv = False
        self.meters.add("num_preemptions")
        self.waiting.appendleft(request)

    # Prompts computed here: KV that never came, and preempted requests.

    def _start_computing(self, request: Request) -> None:
        if request.decode_scheduled is None:
            request.decode_scheduled = self.timeline.now
            request.computed_here = request.input_tokens
        request.left_to_compute = request.slots
        self.computing.append(request)

    def _give_chunks(self) -> float:
        spec = self.fleet.spec
        budget = max(0, spec.max_batched_tokens - len(self.running))
        seconds = 0.0
        for request in self.computing:
            chunk = min(budget, request.left_to_compute)
            seconds += spec.performance.chunk_seconds(chunk, request.slots - request.left_to_compute)
            request.left_to_compute -= chunk
            budget -= chunk
            self._chunk_tokens += chunk
        return seconds

    # KV on its way from prefill.

    def _start_fetch(self, request: Request) -> None:
        self.fetching[request] = None
        request.fetch_started = self.timeline.now
        self.timeline.at(self.timeline.now + self.fleet.spec.network.latency, self._post, request)

    def _post(self, request: Request) -> None:
        if self.dead or request not in self.fetching:
            return
        source = request.prefill
        refused = request.luck < self.fleet.transfer_failure
        if source is None or source.dead or request.id not in source.pinned or refused:
            self.fetch_failed(request)
            return
        size = request.input_tokens * self.fleet.spec.network.kv_bytes_per_token
        transfer = Transfer(source.host, self.host, size, partial(self._arrive, request))
        self.fetching[request] = transfer
        self.fleet.network.send(transfer)

    def _arrive(self, request: Request) -> None:
        if self.dead or self.fetching.pop(request, None) is None:
            return
        if request.prefill:
            request.prefill.release(request)
        self._count_transfer(request)
        self.loaded.append(request)
        self.wake()

    def fetch_failed(self, request: Request) -> None:
        """Give up on KV that does not come: fail the request, or compute its prompt here."""
        transfer = self.fetching.pop(request)
        if transfer:
            self.fleet.network.cancel(transfer)
        self.meters.add("nixl_num_failed_transfers", self.fleet.spec.network.tensor_parallel)
        request.pulls_kv = False
        if self.fleet.spec.load_failure is LoadFailure.RECOMPUTE:
            self._start_computing(request)
        else:
            self.blocks.used -= self.blocks.needed(request.slots)
            self._count_error(request)
            self.fleet.ended(request, Outcome.FAILED)
        self.wake()

    def _count_transfer(self, request: Request) -> None:
        network, observe = self.fleet.spec.network, self.meters.observe
        ranks = network.tensor_parallel
        descriptors = network.layers * self.blocks.needed(request.input_tokens)
        observe("nixl_xfer_time_seconds", self.timeline.now - request.fetch_started, ranks)
        observe("nixl_post_time_seconds", 0.0004 + 4e-8 * descriptors, ranks)
        observe("nixl_bytes_transferred", request.input_tokens * network.kv_bytes_per_token / ranks, ranks)
        observe("nixl_num_descriptors", descriptors, ranks)
        self.meters.add("external_prefix_cache_hits", request.input_tokens)
        self.meters.add("prompt_tokens_cached_by_source/p2p", request.input_tokens)

    def _count_error(self, request: Request) -> None:
        self.meters.add("request_success/error")
        self.meters.observe("e2e_request_latency_seconds", self.timeline.now - request.decode_arrival)
        self.meters.observe("request_prompt_tokens", request.input_tokens)
        self.meters.observe("request_generation_tokens", 0)

    def die(self) -> None:
        """Lose everything, also what is on the wire."""
        for transfer in self.fetching.values():
            if transfer:
                self.fleet.network.cancel(transfer)
        super().die()

    # The results of a step.

    def complete(self) -> None:
        """One token for every running request and for every prompt whose last chunk this was."""
        now, count = self.timeline.now, len(self.running)
        self._step += 1
        self.kv_tokens += count
        computed = self._computed() if self.computing else []
        self.meters.values["generation_tokens"] += count + len(computed)
        self.meters.observe("iteration_tokens_total", count + self._chunk_tokens)
        self._chunk_tokens = 0
        self.meters.observe("inter_token_latency_seconds", now - self._began, count - len(self._fresh))
        for request in self._fresh:
            self._first_here(request)
        self._fresh.clear()
        for request in self._ending.pop(self._step - 1, ()):
            self.blocks.used -= self.blocks.needed(self._leave(request))
            self._end(request)
        for request in computed:
            self._first_here(request)
            request.generated += 1
            if request.generated == request.output_tokens:
                self.blocks.used -= self.blocks.needed(request.slots)
                self._end(request)
            else:
                self._join(request)

    def _computed(self) -> list[Request]:
        done = [request for request in self.computing if not request.left_to_compute]
        self.computing = deque(request for request in self.computing if request.left_to_compute)
        return done

    def _first_here(self, request: Request) -> None:
        """The first token since the request joined: its very first, or the first after a preemption."""
        now = self.timeline.now
        if request.first_token is None:
            request.first_token = now
            count_first_token(self.meters, request, now)
        else:
            self.meters.observe("inter_token_latency_seconds", now - request.last_token)
        request.last_token = now

    def _end(self, request: Request) -> None:
        count_answer(self.meters, request, self.timeline.now)
        self.fleet.ended(request, Outcome.OK)

    def read_gauges(self) -> None:
        """Requests by state, and block usage."""
        values = self.meters.values
        deferred = len(self.fetching) + len(self.loaded)
        values["num_requests_running"] = len(self.running) + len(self.computing)
        values["num_requests_waiting"] = len(self.waiting) + deferred
        values["num_requests_waiting_by_reason/capacity"] = len(self.waiting)
        values["num_requests_waiting_by_reason/deferred"] = deferred
        to_pull = sum(1 for request in self.waiting if request.pulls_kv)
        values["num_requests_kv_fetch_by_stage/waiting_to_start"] = to_pull
        values["num_requests_kv_fetch_by_stage/in_progress"] = len(self.fetching)
        values["num_requests_kv_fetch_by_stage/completed_waiting"] = len(self.loaded)
        values["kv_cache_usage_perc"] = self.blocks.usage
