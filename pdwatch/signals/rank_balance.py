"""How evenly the ranks of a replica work, by their token rates: a hint where no log tells the balance of experts.

Tokens of one rank go to experts on all ranks, so that this tells how evenly requests are spread, and nothing of how
evenly experts are used.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from pdwatch.model.snapshot import EngineState, WorkerState


def expert_balance_estimate(workers: Iterable[WorkerState]) -> dict[str, float]:
    """Return mean over maximum of the token rates of each replica's ranks, for those with several and with traffic."""
    ranks: dict[str, list[float]] = defaultdict(list)
    for worker in workers:
        if not worker.stale:
            ranks[worker.replica].extend(_rates(worker.engines))
    return {
        replica: sum(rates) / len(rates) / max(rates)
        for replica, rates in ranks.items()
        if len(rates) > 1 and max(rates) > 0
    }


def _rates(engines: Sequence[EngineState]) -> list[float]:
    pairs = [(engine.computed_tokens_per_second, engine.generation_tokens_per_second) for engine in engines]
    return [sum(part or 0.0 for part in pair) for pair in pairs if pair != (None, None)]
