"""AIBrix PodAutoscaler, the algorithm APA."""

from __future__ import annotations

from math import ceil

from benchmarks.judging.policies.base import Desired, Every, Rule, View, each_role, kv_usage, running, waiting
from pdwatch.demo.model import Role


class Apa(Rule):
    """Beyond 10 % of the target `ceil(n * use / target)`, at most doubled or halved; down only 300 s after a change.

    Each role by itself, on `kv_cache_usage_perc` for decode and, because the KV of prefill stays low while prompts
    queue, on requests waiting and running (four a worker at the default) for prefill. Source: AIBrix,
    `pkg/controller/podautoscaler/algorithm/apa.go` and the defaults in `context.go`. The knob scales both targets.
    """

    def __init__(self, name: str, kv_target: float = 0.5) -> None:
        super().__init__(name)
        self._targets = {Role.DECODE: kv_target, Role.PREFILL: 8.0 * kv_target}
        self._turn = Every(10.0)
        self._changed = dict.fromkeys(Role, 0.0)
        self._said: Desired | None = None

    def on_tick(self, view: View) -> Desired:
        """Decide every ten seconds."""
        if self._said is None or self._turn.due(view.now):
            self._said = each_role({role: self._decide(view, role) for role in Role})
        return self._said

    def _decide(self, view: View, role: Role) -> int:
        current, ready = view.replicas(role), view.ready(role)
        if role is Role.DECODE:
            use = sum(map(kv_usage, ready))
        else:
            use = float(sum(map(waiting, ready)) + sum(map(running, ready)))
        ratio = use / max(1, len(ready)) / self._targets[role]
        wanted = current
        if ratio > 1.1:
            wanted = max(current, min(ceil(len(ready) * ratio), 2 * len(ready)))
        elif ratio < 0.9 and view.now - self._changed[role] >= 300.0:
            wanted = max(1, ceil(current * ratio), current // 2)
        if wanted != current:
            self._changed[role] = view.now
        return wanted
