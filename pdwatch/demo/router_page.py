"""The pages of a vLLM router: `GET /workers` and `/metrics`, with the names and the omissions of vllm-router 0.1.17."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import accumulate

from pdwatch.demo.model import Fleet, Role, State, Worker
from pdwatch.demo.model.router import Router

HEALTH_LAG_SECONDS = 180.0
"""Simulated seconds until the router's health check, three misses a minute apart, calls a dead worker unhealthy."""
_ROUTE = "/v1/chat/completions"
_QUANTILES = ("0", "0.5", "0.9", "0.95", "0.99", "0.999", "1")


def healthy(fleet: Fleet, worker: Worker) -> bool:
    """What the router believes; it lags behind the truth."""
    return worker.alive or (worker.dead_since is not None and fleet.now - worker.dead_since < HEALTH_LAG_SECONDS)


def registered(fleet: Fleet) -> list[Worker]:
    """The workers that the router knows."""
    return [worker for worker in fleet.workers.values() if worker.state in (State.UP, State.DRAINING, State.DEAD)]


def workers_json(fleet: Fleet, urls: Mapping[str, str]) -> dict[str, object]:
    """The body of `GET /workers`; *urls* gives a worker's base URL by name."""
    known = [worker for worker in registered(fleet) if worker.name in urls]
    counts = {f"{role}_count": sum(1 for worker in known if worker.role is role) for role in Role}
    return {
        "workers": [_worker_json(fleet, worker, urls[worker.name]) for worker in known],
        "total": len(known),
        "stats": counts | {"regular_count": 0},
    }


def _worker_json(fleet: Fleet, worker: Worker, url: str) -> dict[str, object]:
    body: dict[str, object] = {
        "url": url,
        "model_id": "unknown",
        "worker_type": str(worker.role),
        "is_healthy": healthy(fleet, worker),
        "load": worker.outstanding,
        "connection_mode": "Http",
        "priority": 50,
        "cost": 1.0,
    }
    return body | ({"bootstrap_port": None} if worker.role is Role.PREFILL else {})


def router_metrics(fleet: Fleet, urls: Mapping[str, str]) -> str:
    """The text of the router's `/metrics`. A family appears with its first sample, as the router's own do."""
    return "".join(
        f"# TYPE vllm_router_{name} {kind}\n" + "".join(f"vllm_router_{line}\n" for line in lines) + "\n"
        for name, kind, lines in _families(fleet, urls)
        if lines
    )


def _families(fleet: Fleet, urls: Mapping[str, str]) -> Iterator[tuple[str, str, list[str]]]:
    router = fleet.router

    def by_worker(name: str, counts: Mapping[str, int], extra: str = "") -> list[str]:
        return [
            f'{name}{{{extra}worker="{urls[worker]}"}} {count}' for worker, count in counts.items() if worker in urls
        ]

    prefill, decode = Role.PREFILL, Role.DECODE
    chosen = router.chosen[prefill] | router.chosen[decode]
    policy = f'policy="{router.policy}",'
    yield "policy_decisions_total", "counter", by_worker("policy_decisions_total", chosen, policy)
    yield "processed_requests_total", "counter", by_worker("processed_requests_total", chosen)
    requests = sum(router.chosen[prefill].values())
    lines = [f'pd_requests_total{{route="{_ROUTE}"}} {requests}'] if requests else []
    yield "pd_requests_total", "counter", lines
    for role in (prefill, decode):
        for what, counts in (("requests", router.answered[role]), ("errors", router.errors[role])):
            name = f"pd_{role}_{what}_total"
            yield name, "counter", by_worker(name, counts)
    health = {worker.name: int(healthy(fleet, worker)) for worker in registered(fleet)}
    yield "worker_health", "gauge", by_worker("worker_health", health)
    for name, role in (("pd_prefill_occupancy", prefill), ("pd_active_decode_requests", decode)):
        loads = [(urls[worker.name], worker.outstanding) for worker in fleet.of_role(role) if worker.name in urls]
        yield name, "gauge", [f'{name}{{worker="{url}",rank="aggregate"}} {load}' for url, load in loads]
    yield "pd_decode_pending_seconds", "summary", _pending(router)
    yield "pd_request_duration_seconds", "histogram", _duration(router)


def _pending(router: Router) -> list[str]:
    name, waits = "pd_decode_pending_seconds", sorted(router.pending)
    if not waits:
        return []
    last = len(waits) - 1
    lines = [f'{name}{{quantile="{q}"}} {waits[round(float(q) * last)]!r}' for q in _QUANTILES]
    return [*lines, f"{name}_sum {router.pending_sum!r}", f"{name}_count {router.pending_count}"]


def _duration(router: Router) -> list[str]:
    name, histogram = "pd_request_duration_seconds", router.duration
    if not histogram.count:
        return []
    bounds = [*(f"{bound:g}" for bound in histogram.bounds), "+Inf"]
    counts = accumulate(histogram.counts)
    return [
        *(f'{name}_bucket{{route="{_ROUTE}",le="{le}"}} {n}' for le, n in zip(bounds, counts, strict=True)),
        f'{name}_sum{{route="{_ROUTE}"}} {histogram.total!r}',
        f'{name}_count{{route="{_ROUTE}"}} {histogram.count}',
    ]
