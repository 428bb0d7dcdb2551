"""What one worker can carry, in closed form from the simulator's own pass times. Used to size loads and fleets."""

from __future__ import annotations

import math
from dataclasses import dataclass

from benchmarks.judging.score import Objective
from pdwatch.demo.model import FleetSpec, Phase


@dataclass(frozen=True, slots=True)
class Capacity:
    """Requests a second that one worker of each role carries when it never idles."""

    prefill: float
    decode: float
    decode_requests: float
    """Requests at a time on a decode worker that runs at its capacity."""

    def needed(self, rate: float, prefill_use: float, decode_use: float) -> tuple[int, int]:
        """Return the workers of each role at which *rate* uses the given share of them."""
        prefill = math.ceil(rate / (self.prefill * prefill_use) - 1e-9)
        return max(1, prefill), max(1, math.ceil(rate / (self.decode * decode_use) - 1e-9))


def capacity(spec: FleetSpec, phase: Phase, objective: Objective) -> Capacity:
    """Return the capacity of the workers of *spec* for the mix of *phase*.

    Prefill is bound by compute. Decode is bound by the requests at which a step takes 0.9 of the objective, by 0.9 of
    the KV blocks, or by `max_num_seqs`. Lengths are lognormal, so the mean square is known; the mean context of a
    running request is longer than the mean request, because long ones run longer.
    """
    perf, load = spec.performance, spec.load
    tokens = phase.input_tokens * (1.0 - load.cached_share)
    square = tokens**2 * math.exp(load.input_sigma**2)
    together = max(1.0, spec.max_batched_tokens / tokens)
    seconds = perf.per_token * tokens + perf.attention * square / 2.0 + perf.pass_base / together
    context = phase.input_tokens + phase.output_tokens * math.exp(load.output_sigma**2) / 2.0
    by_step = (0.9 * objective.tpot - perf.alpha) / (perf.beta + perf.gamma * context)
    by_blocks = 0.9 * spec.decode.kv_blocks * spec.block_size / context
    batch = max(1.0, min(by_step, by_blocks, spec.decode.max_num_seqs))
    step = perf.alpha + (perf.beta + perf.gamma * context) * batch
    engines = spec.decode.engines
    return Capacity(spec.prefill.engines / seconds, engines * batch / (step * phase.output_tokens), engines * batch)
