"""Autoscalers that come with Kubernetes: the HPA on requests waiting and KV usage, and KEDA on requests waiting."""

from __future__ import annotations

from math import ceil

from benchmarks.judging.policies.base import Desired, Every, Rule, Stabilised, View, each_role, kv_usage, waiting
from pdwatch.demo.model import Role

SYNC_SECONDS = 15.0
TOLERANCE = 0.1


def limited_up(wanted: int, current: int) -> int:
    """Return *wanted* within the default scale-up policy: the larger of 100 % and four pods a sync."""
    return min(wanted, max(2 * current, current + 4))


class Hpa(Rule):
    """`desired = ceil(sum / target)`, the highest of all metrics, tolerance 0.1, down after 300 s.

    Metrics: `num_requests_waiting` per pod for both roles (the knob), KV usage 0.7 for decode beside it.
    Source: Kubernetes documentation, Horizontal Pod Autoscaling, defaults of the controller manager.
    """

    def __init__(self, name: str, target: float, kv_target: float = 0.7) -> None:
        super().__init__(name)
        self._target, self._kv_target = target, kv_target
        self._sync = Every(SYNC_SECONDS)
        self._down = {role: Stabilised(300.0) for role in Role}
        self._said: Desired | None = None

    def on_tick(self, view: View) -> Desired:
        """Decide at each sync."""
        if self._sync.due(view.now) or self._said is None:
            self._said = each_role({role: self._decide(view, role) for role in Role})
        return self._said

    def _decide(self, view: View, role: Role) -> int:
        current, ready = view.replicas(role), view.ready(role)
        ratios = [sum(map(waiting, ready)) / (current * self._target)]
        if role is Role.DECODE:
            ratios.append(sum(map(kv_usage, ready)) / (current * self._kv_target))
        ratio = max(ratios)
        wanted = current if abs(ratio - 1.0) <= TOLERANCE else max(1, ceil(current * ratio))
        return self._down[role].down(view.now, limited_up(wanted, current), current)


class Keda(Rule):
    """A ScaledObject per role on `vllm:num_requests_waiting`, threshold 5, polling 15 s.

    The query of the production stack names no role and is not aggregated by one: both roles get the sum of all.
    Scale-down as KEDA leaves it to the HPA, 300 s. Source: vLLM production-stack,
    `docs/source/use_cases/autoscaling-keda.rst`. The knob is the threshold.
    """

    def __init__(self, name: str, threshold: float = 5.0) -> None:
        super().__init__(name)
        self._threshold = threshold
        self._poll = Every(SYNC_SECONDS)
        self._down = {role: Stabilised(300.0) for role in Role}
        self._said: Desired | None = None

    def on_tick(self, view: View) -> Desired:
        """Decide at each poll."""
        if self._poll.due(view.now) or self._said is None:
            total = sum(waiting(worker) for role in Role for worker in view.ready(role))
            self._said = each_role({role: self._decide(view, role, total) for role in Role})
        return self._said

    def _decide(self, view: View, role: Role, total: int) -> int:
        current = view.replicas(role)
        ratio = total / (current * self._threshold)
        wanted = current if abs(ratio - 1.0) <= TOLERANCE else max(1, ceil(current * ratio))
        return self._down[role].down(view.now, limited_up(wanted, current), current)
