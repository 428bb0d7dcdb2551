"""The router: which engine gets a request, and what a vLLM router counts about it."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeVar

from pdwatch.demo.model.engine import Engine
from pdwatch.demo.model.meters import Histogram
from pdwatch.demo.model.spec import Policy, Role

if TYPE_CHECKING:
    from pdwatch.demo.model.worker import Worker

E = TypeVar("E", bound=Engine)

DURATION_BUCKETS = (
    *(0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0),
    *(15.0, 30.0, 45.0, 60.0, 90.0, 120.0, 180.0, 240.0),
)


class Router:
    """Chooses engines by policy and weight. Counts are per worker name."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self.weights: dict[str, float] = {}
        """Share of traffic by worker (`decode-0`) or engine (`decode-0/1`); 1 where nothing is said."""
        self._credit: dict[str, float] = {}
        self.requests = 0
        self.chosen: dict[Role, dict[str, int]] = {role: {} for role in Role}
        self.answered: dict[Role, dict[str, int]] = {role: {} for role in Role}
        self.errors: dict[Role, dict[str, int]] = {role: {} for role in Role}
        self.duration = Histogram(DURATION_BUCKETS)
        self.pending: deque[float] = deque(maxlen=500)
        """The last waits for a first decode token, in seconds."""
        self.pending_count = 0
        self.pending_sum = 0.0

    def choose(self, role: Role, workers: Sequence[Worker], engines: Sequence[E]) -> E | None:
        """Pick one of *engines*, each beside its worker in *workers*; None when there is none."""
        if not engines:
            return None
        weights = [self._weight(worker, engine) for worker, engine in zip(workers, engines, strict=True)]
        if self.policy is Policy.LEAST_LOADED:
            index = min(range(len(engines)), key=lambda i: (engines[i].outstanding + 1) / max(weights[i], 1e-9))
        else:
            index = self._next_in_turn(engines, weights)
        self._count(self.chosen[role], workers[index].name)
        return engines[index]

    def _weight(self, worker: Worker, engine: Engine) -> float:
        return self.weights.get(worker.name, 1.0) * self.weights.get(engine.name, 1.0)

    def _next_in_turn(self, engines: Sequence[Engine], weights: Sequence[float]) -> int:
        """Smooth weighted round robin: the engine with most credit, which then pays for the round."""
        credit = self._credit
        for engine, weight in zip(engines, weights, strict=True):
            credit[engine.name] = credit.get(engine.name, 0.0) + weight
        index = max(range(len(engines)), key=lambda i: credit[engines[i].name])
        credit[engines[index].name] -= sum(weights)
        return index

    def count_answer(self, role: Role, worker: str) -> None:
        """A worker has answered."""
        self._count(self.answered[role], worker)

    def count_error(self, role: Role, worker: str) -> None:
        """A worker has refused or failed."""
        self._count(self.errors[role], worker)

    def count_end(self, seconds: float, pending: float) -> None:
        """A request has ended well after *seconds*, *pending* of them between decode's arrival and first token."""
        self.duration.observe(seconds)
        self.pending.append(pending)
        self.pending_count += 1
        self.pending_sum += pending

    @staticmethod
    def _count(counts: dict[str, int], worker: str) -> None:
        counts[worker] = counts.get(worker, 0) + 1
