"""A hint of how even the experts of a replica are, from the token rates of its ranks."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from math import fsum

from pdwatch.model.snapshot import EngineState, WorkerState


def expert_balance_estimate(workers: Iterable[WorkerState]) -> dict[str, float]:
    """Return mean over maximum of the ranks' token rates by replica, for replicas with several; 1 is even."""
    rates: defaultdict[str, list[float]] = defaultdict(list)
    for worker in workers:
        if not worker.stale:
            rates[worker.replica] += [rate for engine in worker.engines if (rate := _rate(engine)) is not None]
    return {replica: fsum(found) / len(found) / max(found) for replica, found in rates.items() if _several(found)}


def _several(rates: list[float]) -> bool:
    return len(rates) > 1 and max(rates) > 0


def _rate(engine: EngineState) -> float | None:
    """Return the tokens per second that a rank computes and generates."""
    parts = (engine.computed_tokens_per_second, engine.generation_tokens_per_second)
    known = [part for part in parts if part is not None]
    return fsum(known) if known else None
