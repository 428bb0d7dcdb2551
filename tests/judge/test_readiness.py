"""Who is starting, who hangs, and what routers think of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from pdwatch.judge.definition import Hit
from pdwatch.model.judgement import Severity
from pdwatch.model.snapshot import ServiceSignals, TransferState, Trouble, WorkerState
from pdwatch.model.target import Role

Hits = Callable[[str, ServiceSignals], list[Hit]]
MakeWorker = Callable[..., WorkerState]
MakeService = Callable[..., ServiceSignals]
NEVER: dict[str, Any] = {
    "up": False,
    "trouble": Trouble.UNREACHABLE,
    "error": "connection refused",
    "health": None,
    "health_error": "connection refused",
    "age_seconds": None,
    "stale": True,
    "failures": 8,
    "failing_seconds": 40.0,
    "engines": (),
}
SILENT: dict[str, Any] = {
    "up": False,
    "trouble": Trouble.SLOW,
    "error": "timed out after 3s",
    "stale": True,
    "failures": 12,
    "failing_seconds": 60.0,
    "age_seconds": 63.0,
}


def test_a_worker_that_loads_its_weights_is_information(worker: MakeWorker, service: MakeService, hits: Hits) -> None:
    """It has never answered and nobody counts on it: not down, and its role is not empty."""
    signals = service([worker(Role.PREFILL), worker(Role.DECODE), worker(Role.DECODE, "decode-1", **NEVER)])
    found = hits("worker_not_ready", signals)

    assert ["decode-1 has not answered yet (connection refused, 40 s): it may still load its weights."] == [
        hit.summary for hit in found
    ]
    assert [Severity.INFO] == [hit.severity for hit in found]
    assert [] == hits("worker_down", signals)
    assert [] == hits("role_empty", signals)


def test_a_whole_fleet_that_starts_is_not_called_empty(worker: MakeWorker, service: MakeService, hits: Hits) -> None:
    """Nobody has answered and nothing is asked of anybody."""
    signals = service([worker(Role.PREFILL, **NEVER), worker(Role.DECODE, **NEVER)])

    assert [] == hits("role_empty", signals) + hits("worker_down", signals)


def test_requests_on_prefill_before_decode_has_answered_are_told(
    worker: MakeWorker, service: MakeService, hits: Hits
) -> None:
    """The router was started too early: the first requests hang."""
    signals = service([worker(Role.PREFILL), worker(Role.DECODE, **NEVER)])

    assert ["No decode worker answers (1 known): no request can be served."] == [
        hit.summary for hit in hits("role_empty", signals)
    ]


def test_one_page_that_was_late_is_no_empty_role(worker: MakeWorker, service: MakeService, hits: Hits) -> None:
    """The first look at a busy machine."""
    late = worker(Role.DECODE, **NEVER | {"failures": 1, "trouble": Trouble.SLOW, "health_error": None})

    assert [] == hits("role_empty", service([worker(Role.PREFILL), late]))


def test_a_router_that_sends_to_a_worker_before_it_is_ready(
    worker: MakeWorker, service: MakeService, hits: Hits
) -> None:
    """Then it is no information any more."""
    early = worker(Role.DECODE, "decode-1", **NEVER, routed_requests_per_second=1.5)
    found = hits("worker_not_ready", service([worker(Role.PREFILL), worker(Role.DECODE), early]))

    assert "and a router sends it 1.5/s: these requests fail." in found[0].summary
    assert found[0].severity is None


@pytest.mark.parametrize(("waited", "down"), [(599.0, False), (600.0, True)])
def test_ten_minutes_of_starting_are_down(
    waited: float, down: bool, worker: MakeWorker, service: MakeService, hits: Hits
) -> None:
    """A worker that never comes up must be called down at last."""
    signals = service([worker(Role.DECODE), worker(Role.DECODE, "decode-1", **NEVER | {"failing_seconds": waited})])

    assert down is bool(hits("worker_down", signals))
    assert down is not bool(hits("worker_not_ready", signals))


def test_a_port_that_never_gave_a_page_is_a_wrong_port(worker: MakeWorker, service: MakeService, hits: Hits) -> None:
    """It answers, so it does not load its weights."""
    wrong = NEVER | {"trouble": Trouble.REFUSES, "error": "404 has no page at /metrics"}
    found = hits("worker_not_ready", service([worker(Role.PREFILL), worker(Role.DECODE, **wrong)]))

    assert "pdwatch asks the wrong port or path" in found[0].summary
    assert found[0].severity is None


def test_a_page_without_health_is_not_ready(worker: MakeWorker, service: MakeService, hits: Hits) -> None:
    """vLLM answers 503 when its engine is dead."""
    found = hits("worker_not_ready", service([worker(Role.DECODE, health=503)]))

    assert ["decode-0 serves its page, but /health answers 503: it takes no requests."] == [h.summary for h in found]


@pytest.mark.parametrize("health", [None, 200, 401, 404])
def test_an_endpoint_without_health_is_no_complaint(
    health: int | None, worker: MakeWorker, service: MakeService, hits: Hits
) -> None:
    """A page served by something else has no `/health`, or asks for credentials."""
    assert [] == hits("worker_not_ready", service([worker(Role.DECODE, health=health)]))


def test_a_dead_worker_that_a_router_believes_in_is_told_so(
    worker: MakeWorker, service: MakeService, hits: Hits
) -> None:
    """vllm-router went on for two minutes."""
    dead = NEVER | {"age_seconds": 40.0}
    found = hits("worker_down", service([worker(Role.DECODE), worker(Role.DECODE, "d", **dead, router_healthy=True)]))

    assert found[0].summary.endswith("last page 40 s ago; a router still takes it for healthy.")


def test_a_page_that_times_out_for_a_minute_is_stale_and_no_more(
    worker: MakeWorker, service: MakeService, hits: Hits
) -> None:
    """Its port is slow; its requests may well go on."""
    signals = service([worker(Role.PREFILL), worker(Role.DECODE, **SILENT)])

    assert 1 == len(hits("worker_stale", signals))
    assert [] == hits("worker_unresponsive", signals)


@pytest.mark.parametrize(("silent", "fires"), [(89.0, False), (90.0, True)])
def test_a_minute_and_a_half_of_silence_is_a_worker_that_hangs(
    silent: float, fires: bool, worker: MakeWorker, service: MakeService, hits: Hits
) -> None:
    """Nobody needs to confirm it by then."""
    signals = service([worker(Role.PREFILL), worker(Role.DECODE, **SILENT | {"failing_seconds": silent})])

    assert fires is bool(hits("worker_unresponsive", signals))


@pytest.mark.parametrize(("silent", "fires"), [(14.0, False), (15.0, True)])
def test_a_router_that_counts_errors_is_a_witness(
    silent: float, fires: bool, worker: MakeWorker, service: MakeService, hits: Hits
) -> None:
    """Then a quarter of a minute is enough."""
    hung = worker(Role.DECODE, **SILENT | {"failing_seconds": silent}, routed_errors_per_second=0.4)

    assert fires is bool(hits("worker_unresponsive", service([worker(Role.PREFILL), hung])))


def test_kv_that_decode_does_not_fetch_is_a_witness(worker: MakeWorker, service: MakeService, hits: Hits) -> None:
    """While nobody else is in trouble who might be meant."""
    hung, expiring = worker(Role.DECODE, "decode-1", **SILENT), TransferState(expired_per_second=0.5)
    alone = service([worker(Role.PREFILL), worker(Role.DECODE), hung], expiring)
    beside_another = service([worker(Role.PREFILL), worker(Role.DECODE, restarts=1), hung], expiring)

    assert "and KV for decode expires unread." in hits("worker_unresponsive", alone)[0].summary
    assert [] == hits("worker_unresponsive", beside_another)


def _router(worker: MakeWorker, **changed: Any) -> WorkerState:
    return worker(Role.ROUTER, "router-0", **changed)


def test_a_router_that_ended_is_named(worker: MakeWorker, service: MakeService, hits: Hits) -> None:
    """Its page was there before."""
    gone = _router(worker, **NEVER | {"age_seconds": 20.0})
    signals = replace(service([worker(Role.PREFILL), worker(Role.DECODE)]), routers=(gone,))

    assert ["Router router-0 is down: connection refused, last page 20 s ago."] == [
        hit.summary for hit in hits("router_down", signals)
    ]


def test_a_router_whose_page_was_never_there_is_information(
    worker: MakeWorker, service: MakeService, hits: Hits
) -> None:
    """vllm-router shows it on its own host only unless told otherwise."""
    unseen = _router(worker, **NEVER | {"failing_seconds": 700.0})
    signals = replace(service([worker(Role.PREFILL), worker(Role.DECODE)]), routers=(unseen,))

    assert [Severity.INFO] == [hit.severity for hit in hits("router_down", signals)]


def test_a_router_that_serves_nobody_is_named_by_role(worker: MakeWorker, service: MakeService, hits: Hits) -> None:
    """Every decode worker answers, none is healthy to the router."""
    shunned = [worker(Role.DECODE, f"decode-{n}", router_healthy=False) for n in range(2)]
    found = hits("router_not_ready", service([worker(Role.PREFILL, router_healthy=True), *shunned]))

    assert [{"role": "decode"}] == [hit.scope for hit in found]
    assert found[0].severity is None


def test_a_router_that_leaves_out_one_worker_is_a_warning(worker: MakeWorker, service: MakeService, hits: Hits) -> None:
    """The others serve."""
    workers = [worker(Role.DECODE, "a", router_healthy=True), worker(Role.DECODE, "b", router_healthy=False)]
    found = hits("router_not_ready", service(workers))

    assert [({"role": "decode", "worker": "b"}, Severity.WARNING)] == [(hit.scope, hit.severity) for hit in found]


def test_a_router_is_right_about_a_dead_worker(worker: MakeWorker, service: MakeService, hits: Hits) -> None:
    """Only workers that answer are held against it."""
    dead = worker(Role.DECODE, "b", **NEVER | {"age_seconds": 40.0}, router_healthy=False)

    assert [] == hits("router_not_ready", service([worker(Role.DECODE, "a", router_healthy=True), dead]))
