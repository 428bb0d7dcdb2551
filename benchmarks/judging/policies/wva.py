"""The llm-d Workload Variant Autoscaler: saturation V1 and token saturation V2, re-implemented from their rules."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from math import ceil

from benchmarks.judging.policies.base import (
    Desired,
    Every,
    Rule,
    Stabilised,
    View,
    each_role,
    kv_capacity,
    kv_usage,
    queued_prompt_tokens,
    waiting,
)
from pdwatch.demo.model import Fleet, Role, Worker

INTERVAL_SECONDS = 60.0
DOWN_SECONDS = 240.0
QUEUE_LIMIT = 5


class WvaV1(Rule):
    """Saturated from KV 0.80 or five waiting. Over the others: up by one if the mean spare KV is below 0.10 or the mean
    spare queue below 3; down by one if both still hold after the load is spread over one replica fewer.

    All waits while anything is starting. As shipped it averages prefill and decode together and moves the cheapest
    variant up, the dearest down: at equal cost the first by name. `by_role` asks each role by itself.
    Source: llm-d-workload-variant-autoscaler, `internal/saturation/analyzer.go`; stabilisation 240 s from its chart.
    The knob is the KV threshold.
    """

    def __init__(self, name: str, kv_limit: float = 0.8, *, by_role: bool = False) -> None:
        super().__init__(name)
        self._kv_limit, self._by_role = kv_limit, by_role
        self._turn = Every(INTERVAL_SECONDS)
        self._down = {role: Stabilised(DOWN_SECONDS) for role in Role}
        self._said: Desired | None = None

    def on_tick(self, view: View) -> Desired:
        """Decide once a minute."""
        if not self._turn.due(view.now) and self._said is not None:
            return self._said
        self._said = view.current
        if not any(view.pending(role) for role in Role):
            step = self._steps(view)
            wanted = {role: max(1, view.replicas(role) + step[role]) for role in Role}
            self._said = each_role(
                {role: self._down[role].down(view.now, wanted[role], view.replicas(role)) for role in Role}
            )
        return self._said

    def _steps(self, view: View) -> dict[Role, int]:
        if self._by_role:
            return {role: self._step(view.ready(role)) for role in Role}
        step = self._step([worker for role in Role for worker in view.ready(role)])
        moved = Role.DECODE if step > 0 or view.replicas(Role.DECODE) > 1 else Role.PREFILL
        return {role: step if role is moved else 0 for role in Role}

    def _step(self, workers: Sequence[Worker]) -> int:
        free = [w for w in workers if kv_usage(w) < self._kv_limit and waiting(w) < QUEUE_LIMIT]
        count = len(free)
        if not count:
            return 1
        kv = sum(map(kv_usage, free)) / count
        queue = sum(map(waiting, free)) / count
        if self._kv_limit - kv < 0.10 or QUEUE_LIMIT - queue < 3:
            return 1
        if count < 2:
            return 0
        spread = count / (count - 1)
        return -1 if self._kv_limit - kv * spread >= 0.10 and QUEUE_LIMIT - queue * spread >= 3 else 0


class WvaV2(Rule):
    """Demand in tokens against the capacity of a replica, role by role.

    Capacity is the lesser of 0.80 of the KV and the tokens seen in use while five or more wait (mean of the last
    ten). Demand is tokens in use and those of the requests that wait. Required: demand / 0.85 beyond the supply that
    is there or starting; spare: supply beyond demand / 0.70. Source: the same project,
    `internal/engines/analyzers/saturation_v2/analyzer.go`. The knob is the 0.85, the 0.70 stays 0.15 below it.
    """

    def __init__(self, name: str, up: float = 0.85) -> None:
        super().__init__(name)
        self._up = up
        self._turn = Every(INTERVAL_SECONDS)
        self._down = {role: Stabilised(DOWN_SECONDS) for role in Role}
        self._seen: dict[Role, deque[float]] = {role: deque(maxlen=10) for role in Role}
        self._said: Desired | None = None

    def on_tick(self, view: View) -> Desired:
        """Decide once a minute."""
        if self._turn.due(view.now) or self._said is None:
            self._said = each_role({role: self._decide(view, role) for role in Role})
        return self._said

    def _decide(self, view: View, role: Role) -> int:
        workers, current = view.ready(role), view.replicas(role)
        size = kv_capacity(view.fleet, role)
        for worker in workers:
            if waiting(worker) >= QUEUE_LIMIT:
                self._seen[role].append(kv_usage(worker) * size)
        seen = self._seen[role]
        each = min(0.8 * size, sum(seen) / len(seen)) if seen else 0.8 * size
        demand = sum(kv_usage(worker) * size + _queued(view.fleet, worker) for worker in workers)
        required, spare = demand / self._up - current * each, current * each - demand / (self._up - 0.15)
        wanted = current
        if required > 0:
            wanted = current + ceil(required / max(each, 1.0))
        elif spare > 0:
            wanted = max(1, current - int(spare / max(each, 1.0)))
        return self._down[role].down(view.now, wanted, current)


def _queued(fleet: Fleet, worker: Worker) -> float:
    """Tokens of the requests that wait; on decode with the answers that they will grow to, at the mean of the past."""
    tokens = float(queued_prompt_tokens(worker))
    if worker.role is Role.PREFILL:
        return tokens
    past = fleet.finished[-200:]
    mean = sum(request.output_tokens for request in past) / len(past) if past else 0.0
    return tokens + waiting(worker) * mean
