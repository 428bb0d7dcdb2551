"""Metrics of pools and of the replicas in them."""

from __future__ import annotations

from collections.abc import Iterable

from pdwatch.catalog import metrics
from pdwatch.export.view import Sample, Table, View, each_service, of_pools
from pdwatch.model.snapshot import ServiceState
from pdwatch.model.target import Role


def _current(service: ServiceState) -> Iterable[Sample]:
    """Prefill and decode as the advice counts them, so that current and desired are comparable; else the pool's."""
    counts = {role: pool.replicas for role, pool in service.pools.items()}
    advised = {Role.PREFILL: service.advice.prefill.current, Role.DECODE: service.advice.decode.current}
    for role, count in (counts | advised).items():
        yield (role.value,), count


def _desired(service: ServiceState) -> Iterable[Sample]:
    yield (Role.PREFILL.value,), service.advice.prefill.desired
    yield (Role.DECODE.value,), service.advice.decode.desired


def _bound(view: View) -> Iterable[Sample]:
    for labels, pool in view.pools:
        if pool.pressure_bound is not None:
            yield (*labels, pool.pressure_bound), 1


def _experts(service: ServiceState) -> Iterable[Sample]:
    for replica, ratio in sorted(service.experts.items()):
        worker = next((worker for worker in service.workers if worker.replica == replica), None)
        role = worker.role if worker is not None else Role.UNKNOWN
        model = worker.model if worker is not None else None
        yield (role.value, replica, model or ""), ratio


TABLE: Table = {
    metrics.POOL_WORKERS: of_pools(lambda pool: pool.workers),
    metrics.POOL_WORKERS_UP: of_pools(lambda pool: pool.up),
    metrics.POOL_ENGINES: of_pools(lambda pool: pool.engines),
    metrics.POOL_GUESSED: of_pools(lambda pool: pool.role_guessed),
    metrics.QUEUE_IMBALANCE: of_pools(lambda pool: pool.queue_imbalance_ratio),
    metrics.POOL_BUSIEST: of_pools(lambda pool: pool.busiest_requests),
    metrics.POOL_MEAN: of_pools(lambda pool: pool.mean_requests),
    metrics.POOL_PRESSURE: of_pools(lambda pool: pool.pressure_ratio),
    metrics.POOL_PRESSURE_BOUND: _bound,
    metrics.POOL_PREFILL: of_pools(lambda pool: pool.prefill_concurrency),
    metrics.POOL_KV_MEAN: of_pools(lambda pool: pool.kv_cache_usage_ratio),
    metrics.POOL_KV_P90: of_pools(lambda pool: pool.kv_cache_usage_p90),
    metrics.POOL_KV_WORST: of_pools(lambda pool: pool.kv_cache_usage_worst),
    metrics.POOL_KV_TOKENS: of_pools(lambda pool: pool.kv_cache_tokens),
    metrics.POOL_KV_USED: of_pools(lambda pool: pool.kv_cache_tokens_used),
    metrics.POOL_PREFIX_HIT: of_pools(lambda pool: pool.prefix_cache_hit_ratio),
    metrics.POOL_EXTERNAL_HIT: of_pools(lambda pool: pool.external_cache_hit_ratio),
    metrics.POOL_REQUESTS: of_pools(lambda pool: pool.requests_per_second),
    metrics.POOL_WINDOW: of_pools(lambda pool: pool.requests_in_window),
    metrics.CURRENT_REPLICAS: each_service(_current),
    metrics.DESIRED_REPLICAS: each_service(_desired),
    metrics.EXPERT_BALANCE: each_service(_experts),
}
