"""Metrics of latencies and of the objectives set for them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from pdwatch.catalog import metrics
from pdwatch.export.view import Extractor, Sample, Table, each_service
from pdwatch.model.latency import Attainment, LatencyState, Quantiles
from pdwatch.model.reading import Histogram
from pdwatch.model.snapshot import ServiceState
from pdwatch.model.target import Role


def _by_role(pick: Callable[[LatencyState], Mapping[Role, Histogram]]) -> Extractor:
    return each_service(
        lambda service: (((role.value,), histogram) for role, histogram in pick(service.latency).items())
    )


def _percentiles(pick: Callable[[LatencyState], Quantiles]) -> Extractor:
    def rows(service: ServiceState) -> Iterable[Sample]:
        quantiles = pick(service.latency)
        yield ("p50",), quantiles.p50
        yield ("p95",), quantiles.p95
        yield ("p99",), quantiles.p99

    return each_service(rows)


def _hops(service: ServiceState) -> Iterable[Sample]:
    chain = service.latency.chain
    yield ("router",), chain.router
    yield ("prefill_queue",), chain.prefill_queue
    yield ("prefill",), chain.prefill
    yield ("transfer",), chain.transfer
    yield ("decode_admission",), chain.decode_admission


def _objectives(pick: Callable[[Attainment], float | None]) -> Extractor:
    return each_service(lambda service: (((name,), pick(state)) for name, state in sorted(service.slo.items())))


TABLE: Table = {
    metrics.TTFT: _by_role(lambda latency: latency.ttft_by_role),
    metrics.ITL: _by_role(lambda latency: latency.itl_by_role),
    metrics.TTFT_WINDOW: _percentiles(lambda latency: latency.ttft_seconds),
    metrics.ITL_WINDOW: _percentiles(lambda latency: latency.itl_seconds),
    metrics.TTFT_CHAIN: each_service(_hops),
    metrics.SLO_ATTAINMENT: _objectives(lambda state: state.ratio),
    metrics.SLO_OBJECTIVE: _objectives(lambda state: state.objective_seconds),
    metrics.SLO_TARGET: _objectives(lambda state: state.target),
    metrics.SLO_EDGE: _objectives(lambda state: state.bucket_seconds),
}
