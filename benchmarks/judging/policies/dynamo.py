"""The rules of the NVIDIA Dynamo planner 1.6, re-implemented from its published wheel; not its code."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil

from benchmarks.judging.policies.base import (
    Desired,
    Every,
    Rule,
    View,
    each_role,
    kv_capacity,
    kv_usage,
    queued_prompt_tokens,
)
from benchmarks.judging.score import Objective
from pdwatch.demo.model import FleetSpec, Role, Worker

MOST_STEP = 8


@dataclass(frozen=True, slots=True)
class Band:
    """Up where any worker's ratio reaches `up`, down where all are at or below `down`."""

    up: float
    down: float


THROUGHPUT = {Role.PREFILL: Band(1.0, 0.1), Role.DECODE: Band(1.0, 0.6)}
LATENCY = {Role.PREFILL: Band(0.1, 0.0), Role.DECODE: Band(0.4, 0.1)}


def load_bands(scale: float) -> Mapping[Role, Band]:
    """Return bands between those of latency (0) and throughput (1): the mode `load`, whose numbers users choose."""
    return {
        role: Band(
            LATENCY[role].up + scale * (THROUGHPUT[role].up - LATENCY[role].up),
            LATENCY[role].down + scale * (THROUGHPUT[role].down - LATENCY[role].down),
        )
        for role in Role
    }


class DynamoLoad(Rule):
    """The threshold modes: every 5 s one replica up or down in each role, without a cool-down.

    Prefill's ratio is prompt tokens queued over the context length, decode's is KV scheduled and queued over its
    capacity. No growth while anything is starting; no removal after which the busiest would be over the upper
    threshold. Source: `dynamo/planner/core/load_scaling.py`, `state_machine.py`.
    """

    def __init__(self, name: str, bands: Mapping[Role, Band]) -> None:
        super().__init__(name)
        self._bands = bands

    def on_tick(self, view: View) -> Desired:
        """Decide at every tick."""
        starting = any(view.pending(role) for role in Role)
        return each_role({role: self._decide(view, role, starting) for role in Role})

    def _decide(self, view: View, role: Role, starting: bool) -> int:
        current, band = view.replicas(role), self._bands[role]
        ratios = [_ratio(view, worker) for worker in view.ready(role)]
        if not ratios:
            return current
        if max(ratios) >= band.up:
            return current if starting else current + 1
        fewer = max(ratios) * len(ratios) / max(1, len(ratios) - 1)
        return current - 1 if max(ratios) <= band.down and len(ratios) > 1 and fewer < band.up else current


def _ratio(view: View, worker: Worker) -> float:
    if worker.role is Role.PREFILL:
        return queued_prompt_tokens(worker) / view.fleet.spec.max_model_len
    return kv_usage(worker) + queued_prompt_tokens(worker) / kv_capacity(view.fleet, Role.DECODE)


class DynamoThroughput(Rule):
    """The predictive rule of the mode `sla`: replicas = demand over the rate of an engine at the mean lengths.

    Every 180 s, from the requests that finished in the interval, predicted to stay as they are; at most eight up or
    down. Capacity is taken at full use and without a queue. Source: `core/throughput_scaling.py`,
    `core/perf_model/engine_query.py`. The performance model is the simulator's own. The knob makes both objectives
    stricter by a factor.
    """

    def __init__(self, name: str, objective: Objective, strictness: float = 1.0, interval: float = 180.0) -> None:
        super().__init__(name)
        self._ttft, self._itl = objective.ttft * strictness, objective.tpot * strictness
        self._turn = Every(interval)
        self._begin: float | None = None
        self._counted = 0
        self._said: Desired | None = None

    def on_tick(self, view: View) -> Desired:
        """Decide once an interval."""
        if self._begin is None or self._said is None:
            self._turn.due(view.now)
            self._begin, self._said = 0.0, view.current
        elif self._turn.due(view.now):
            finished = view.fleet.finished[self._counted :]
            seconds, self._begin = view.now - self._begin, view.now
            self._counted += len(finished)
            if finished:
                tokens_in = sum(request.input_tokens for request in finished) / len(finished)
                tokens_out = sum(request.output_tokens for request in finished) / len(finished)
                self._said = self._decide(view, len(finished) / seconds, tokens_in, tokens_out)
        return self._said

    def _decide(self, view: View, rate: float, tokens_in: float, tokens_out: float) -> Desired:
        spec = view.fleet.spec
        rates = {
            Role.PREFILL: self._prefill_rate(spec, tokens_in * (1.0 - spec.load.cached_share)),
            Role.DECODE: self._decode_rate(spec, tokens_in, tokens_out),
        }
        wanted = {}
        for role in Role:
            current = view.replicas(role)
            needed = max(1, ceil(rate / (rates[role] * spec.pool(role).engines)))
            wanted[role] = min(max(needed, current - MOST_STEP), current + MOST_STEP)
        return each_role(wanted)

    def _prefill_rate(self, spec: FleetSpec, tokens: float) -> float:
        perf = spec.performance
        most = max(1, min(spec.prefill.max_num_seqs, int(spec.max_batched_tokens // tokens)))
        one = perf.per_token * tokens + perf.attention * tokens * tokens / 2
        passes = [(batch, perf.pass_base + batch * one) for batch in range(1, most + 1)]
        return _best(passes, self._ttft, 1.0)

    def _decode_rate(self, spec: FleetSpec, tokens_in: float, tokens_out: float) -> float:
        perf, context = spec.performance, tokens_in + tokens_out / 2
        blocks = spec.decode.kv_blocks * spec.block_size
        most = max(1, min(spec.decode.max_num_seqs, int(blocks // context)))
        steps = [(b, perf.alpha + perf.beta * b + perf.gamma * b * context) for b in range(1, most + 1)]
        return _best(steps, self._itl, tokens_out)


def _best(passes: Sequence[tuple[int, float]], limit: float, repeats: float) -> float:
    """Return the best requests a second among passes within *limit*, or the best of those beyond where none is."""
    within = [(batch, seconds) for batch, seconds in passes if seconds <= limit]
    return max(batch / (seconds * repeats) for batch, seconds in within or passes)
