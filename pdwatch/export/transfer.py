"""Metrics of the KV transfer between the pools of a service."""

from __future__ import annotations

from collections.abc import Iterable

from pdwatch.catalog import metrics
from pdwatch.export.view import Sample, Table, each_service, of_services
from pdwatch.model.snapshot import ServiceState
from pdwatch.model.target import Role


def _seconds(service: ServiceState) -> Iterable[Sample]:
    transfer = service.transfer
    yield ((transfer.reported_by or Role.UNKNOWN).value,), transfer.histogram


TABLE: Table = {
    metrics.KV_SECONDS: each_service(_seconds),
    metrics.KV_BYTES: of_services(lambda service: service.transfer.bytes_total),
    metrics.KV_FAILURES: of_services(lambda service: service.transfer.failures_total),
    metrics.KV_MEAN: of_services(lambda service: service.transfer.seconds_mean),
    metrics.KV_P95: of_services(lambda service: service.transfer.seconds_p95),
    metrics.KV_BANDWIDTH: of_services(lambda service: service.transfer.bandwidth_bytes_per_second),
    metrics.KV_THROUGHPUT: of_services(lambda service: service.transfer.bytes_per_second),
    metrics.KV_TRANSFERS: of_services(lambda service: service.transfer.transfers_per_second),
    metrics.KV_FAILURE_RATE: of_services(lambda service: service.transfer.failures_per_second),
    metrics.KV_EXPIRED: of_services(lambda service: service.transfer.expired_per_second),
    metrics.KV_AFTER_EXPIRY: of_services(lambda service: service.transfer.after_expiry_per_second),
    metrics.KV_PREFILL_RATIO: of_services(lambda service: service.transfer.prefill_ratio),
    metrics.KV_WAITING: of_services(lambda service: service.transfer.waiting),
    metrics.KV_MOVING: of_services(lambda service: service.transfer.kv_moving),
    metrics.KV_RECOMPUTED: of_services(lambda service: service.transfer.kv_recomputed_share),
}
