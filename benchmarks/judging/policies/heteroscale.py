"""HeteroScale: decode tokens a second scale both pools at a fixed ratio."""

from __future__ import annotations

from math import ceil

from benchmarks.judging.policies.base import Desired, Every, Rule, View, generated_tokens
from pdwatch.demo.model import Role

OUT_SECONDS = 180.0
IN_SECONDS = 600.0


class HeteroScale(Rule):
    """`n = TPS / target` for decode, prefill at a fixed ratio to it; acts beyond 10 %, 20 % more at once where the time
    between tokens is 1.2 times its objective; cool-down 180 s out and 600 s in.

    Target and ratio are tuned to the load at second 0, as its operators tune them per service. Source: arXiv
    2508.19559, and the constants of a public re-implementation in a Splitwise simulator. The knob is the share of a
    decode worker's capacity that the target is.
    """

    def __init__(self, name: str, tokens_per_worker: float, ratio: float, itl: float) -> None:
        super().__init__(name)
        self._target, self._ratio, self._itl = tokens_per_worker, ratio, itl
        self._turn = Every(15.0)
        self._counts: list[tuple[float, dict[str, float]]] = []
        self._grown = self._shrunk = float("-inf")
        self._said: Desired | None = None

    def on_tick(self, view: View) -> Desired:
        """Decide every 15 s on the tokens of the last minute."""
        counts = {worker.name: generated_tokens(worker) for worker in view.ready(Role.DECODE)}
        self._counts = [entry for entry in self._counts if view.now - entry[0] <= 60.0]
        self._counts.append((view.now, counts))
        if self._said is None or self._turn.due(view.now):
            self._said = self._decide(view)
        return self._said

    def _decide(self, view: View) -> Desired:
        current = view.replicas(Role.DECODE)
        begin, old = self._counts[0]
        if view.now - begin < 15.0:
            return view.current
        tokens = sum(count - old.get(name, 0.0) for name, count in self._counts[-1][1].items())
        ratio = tokens / (view.now - begin) / (current * self._target)
        running = sum(len(e.running) for w in view.ready(Role.DECODE) for e in w.engines)
        slow = tokens > 0 and running * (view.now - begin) / tokens > 1.2 * self._itl
        wanted = ceil(current * ratio) if abs(ratio - 1.0) > 0.1 else current
        if slow:
            wanted = max(wanted, ceil(1.2 * current))
        if wanted > current and view.now - self._grown >= OUT_SECONDS:
            self._grown = view.now
        elif wanted < current and view.now - max(self._grown, self._shrunk) >= IN_SECONDS:
            self._shrunk = view.now
        else:
            return view.current
        return Desired(max(1, ceil(wanted * self._ratio - 1e-9)), max(1, wanted))
