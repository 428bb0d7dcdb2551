"""Metrics of workers and engines."""

from __future__ import annotations

from collections.abc import Iterable

from pdwatch.catalog import metrics
from pdwatch.export.view import Sample, Table, View, of_engines, of_workers
from pdwatch.model.snapshot import WorkerState


def _healthy(worker: WorkerState) -> float | None:
    return None if worker.health is None else 200 <= worker.health < 300


def _info(view: View) -> Iterable[Sample]:
    for labels, worker in view.workers:
        facts = (worker.version, worker.family, worker.model, worker.host)
        yield (*labels, *(fact or "" for fact in facts)), 1


def _trouble(view: View) -> Iterable[Sample]:
    for labels, worker in view.workers:
        if worker.trouble is not None:
            yield (*labels, worker.trouble.value), 1


def _missing(view: View) -> Iterable[Sample]:
    for labels, worker in view.workers:
        for missing in worker.missing:
            yield (*labels, missing.quantity.value, missing.upstream, missing.versions), 1


TABLE: Table = {
    metrics.WORKER_UP: of_workers(lambda worker: worker.up),
    metrics.WORKER_STALE: of_workers(lambda worker: worker.stale),
    metrics.WORKER_TROUBLE: _trouble,
    metrics.WORKER_FAILURES: of_workers(lambda worker: worker.failures),
    metrics.WORKER_HEALTH: of_workers(_healthy),
    metrics.WORKER_RESTARTS: of_workers(lambda worker: worker.restarts),
    metrics.WORKER_ROUTER_HEALTHY: of_workers(lambda worker: worker.router_healthy),
    metrics.WORKER_ROUTED: of_workers(lambda worker: worker.routed_requests_per_second),
    metrics.WORKER_ROUTED_ERRORS: of_workers(lambda worker: worker.routed_errors_per_second),
    metrics.WORKER_PAGE_AGE: of_workers(lambda worker: worker.age_seconds),
    metrics.WORKER_SCRAPE: of_workers(lambda worker: worker.scrape_seconds),
    metrics.WORKER_INFO: _info,
    metrics.WORKER_MISSING: of_workers(lambda worker: None if worker.stale else len(worker.missing)),
    metrics.WORKER_MISSING_INFO: _missing,
    metrics.REQUESTS_WAITING: of_engines(lambda engine: engine.requests_waiting),
    metrics.REQUESTS_RUNNING: of_engines(lambda engine: engine.requests_running),
    metrics.ENGINE_LOAD: of_engines(lambda engine: engine.load),
    metrics.KV_FETCH_WAITING: of_engines(lambda engine: engine.kv_fetch_waiting),
    metrics.KV_CACHE_USAGE: of_engines(lambda engine: engine.kv_cache_usage_ratio),
    metrics.KV_CACHE_TOKENS: of_engines(lambda engine: engine.kv_cache_tokens),
    metrics.PREFIX_CACHE_HIT: of_engines(lambda engine: engine.prefix_cache_hit_ratio),
    metrics.EXTERNAL_CACHE_HIT: of_engines(lambda engine: engine.external_cache_hit_ratio),
    metrics.ENGINE_REQUESTS: of_engines(lambda engine: engine.requests_per_second),
    metrics.ENGINE_PROMPT_TOKENS: of_engines(lambda engine: engine.prompt_tokens_per_second),
    metrics.ENGINE_COMPUTED_TOKENS: of_engines(lambda engine: engine.computed_tokens_per_second),
    metrics.ENGINE_GENERATION_TOKENS: of_engines(lambda engine: engine.generation_tokens_per_second),
    metrics.PREEMPTIONS: of_engines(lambda engine: engine.preemptions_per_second),
    metrics.ERRORS: of_engines(lambda engine: engine.errors_per_second),
    metrics.ENGINE_RECOMPUTED: of_engines(lambda engine: engine.kv_recomputed_share),
    metrics.ENGINE_REQUEST_TOKENS: of_engines(lambda engine: engine.generation_tokens_per_request),
    metrics.ENGINE_STUCK: of_engines(lambda engine: engine.stuck_seconds),
    metrics.ENGINE_HELD: of_engines(lambda engine: engine.held_seconds),
}
