"""KV that fails to move, does not come, is computed twice, expires, or takes too long."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from pdwatch.judge.definition import Hit
from pdwatch.model.judgement import Severity
from pdwatch.model.snapshot import ServiceSignals, TransferState, WorkerState
from pdwatch.model.target import Role

Hits = Callable[[str, ServiceSignals], list[Hit]]
MakeWorker = Callable[..., WorkerState]
MakeService = Callable[..., ServiceSignals]


def test_kv_transfer_failing_tells_rate_and_share(healthy: ServiceSignals, hits: Hits) -> None:
    """One in five."""
    failing = replace(healthy, transfer=TransferState(failures_per_second=0.2, transfers_per_second=0.8))

    assert ["KV transfers fail: 12.0/min, 20 % of all."] == [h.summary for h in hits("kv_transfer_failing", failing)]


@pytest.mark.parametrize(
    ("failures", "severity"), [(1.0, None), (0.9, Severity.WARNING), (0.1, Severity.WARNING), (0.09, Severity.INFO)]
)
def test_a_few_failures_among_thousands_wake_nobody(
    failures: float, severity: Severity | None, healthy: ServiceSignals, hits: Hits
) -> None:
    """Critical from one in a hundred, information below one in a thousand."""
    transfer = TransferState(failures_per_second=failures, transfers_per_second=100.0 - failures)

    assert [severity] == [hit.severity for hit in hits("kv_transfer_failing", replace(healthy, transfer=transfer))]


def test_failures_of_one_worker_name_it(worker: MakeWorker, service: MakeService, hits: Hits) -> None:
    """The others transfer well: its side channel or its host. Of how many it is, no page tells here."""
    rates = (0.0, 0.4, 0.0)
    decode = [worker(Role.DECODE, f"d{n}", engine={"kv_transfer_failures_per_second": r}) for n, r in enumerate(rates)]
    found = hits("kv_transfer_failing", service(decode, TransferState(failures_per_second=0.4)))

    assert ["KV transfers fail: 24.0/min, all on d1 of 3 workers."] == [hit.summary for hit in found]
    assert [None] == [hit.severity for hit in found]


def _waiting(worker: MakeWorker, service: MakeService, **engine: float) -> ServiceSignals:
    numbers = {"requests_waiting": 12.0, "requests_running": 0.0, "kv_fetch_stalled_seconds": 25.0}
    return service([worker(Role.PREFILL), worker(Role.DECODE, engine=numbers | engine)])


def test_kv_that_does_not_come_is_told(worker: MakeWorker, service: MakeService, hits: Hits) -> None:
    """A side channel behind a firewall: nothing fails, nothing arrives."""
    assert ["12 requests on decode-0 wait for their KV, and for 25 s none has arrived or failed."] == [
        hit.summary for hit in hits("kv_transfer_stalled", _waiting(worker, service))
    ]


@pytest.mark.parametrize(("seconds", "fires"), [(19.9, False), (20.0, True)])
def test_a_stall_takes_a_third_of_a_minute(
    seconds: float, fires: bool, worker: MakeWorker, service: MakeService, hits: Hits
) -> None:
    """Transfers take milliseconds; the first handshake takes seconds."""
    signals = _waiting(worker, service, kv_fetch_stalled_seconds=seconds)

    assert fires is bool(hits("kv_transfer_stalled", signals))


def test_requests_that_wait_for_blocks_are_no_stall(worker: MakeWorker, service: MakeService, hits: Hits) -> None:
    """Long answers hold a full cache, and no fetch begins before one ends."""
    full = _waiting(worker, service, kv_cache_usage_ratio=0.97, requests_running=40.0)

    assert [] == hits("kv_transfer_stalled", full)


def test_kv_recomputed_on_decode(worker: MakeWorker, service: MakeService, hits: Hits) -> None:
    """Decode computes nearly all of its prompts."""
    found = hits("kv_recomputed_on_decode", service([worker(Role.DECODE, engine={"kv_recomputed_share": 0.97})]))

    assert ["decode-0"] == [hit.scope["worker"] for hit in found]


@pytest.mark.parametrize(("share", "fires"), [(0.499, False), (0.5, True)])
def test_half_of_the_prompts_is_the_edge(
    share: float, fires: bool, worker: MakeWorker, service: MakeService, hits: Hits
) -> None:
    """A router may send short prompts straight to decode."""
    signals = service([worker(Role.DECODE, engine={"kv_recomputed_share": share})])

    assert fires is bool(hits("kv_recomputed_on_decode", signals))


def test_recomputation_is_not_judged_on_a_handful_of_requests(
    worker: MakeWorker, service: MakeService, hits: Hits
) -> None:
    """Four requests are too few to tell."""
    few = worker(Role.DECODE, engine={"kv_recomputed_share": 1.0, "requests_in_window": 4.0})

    assert [] == hits("kv_recomputed_on_decode", service([few]))


def test_prefill_computing_its_prompts_is_its_work(worker: MakeWorker, service: MakeService, hits: Hits) -> None:
    """Only decode should not."""
    assert [] == hits("kv_recomputed_on_decode", service([worker(Role.PREFILL, engine={"kv_recomputed_share": 1.0})]))


def test_kv_blocks_expired(worker: MakeWorker, service: MakeService, hits: Hits) -> None:
    """A lease that ran out is a request that failed or was computed twice."""
    prefill = [worker(Role.PREFILL, f"p{n}", engine={"kv_expired_per_second": 0.1 * n}) for n in range(2)]
    found = hits("kv_blocks_expired", service([*prefill, worker(Role.DECODE)], TransferState(expired_per_second=0.1)))

    assert [
        "KV blocks expire unread on prefill, 6.0/min, all on p1 of 2 workers: decode did not fetch them in time."
    ] == [hit.summary for hit in found]


@pytest.mark.parametrize(("expired", "severity"), [(0.0019, Severity.INFO), (0.002, None)])
def test_a_client_that_went_away_is_information(
    expired: float, severity: Severity | None, healthy: ServiceSignals, hits: Hits
) -> None:
    """One in a thousand of two requests a second."""
    signals = replace(healthy, transfer=TransferState(expired_per_second=expired))

    assert [severity] == [hit.severity for hit in hits("kv_blocks_expired", signals)]


def test_kv_read_after_its_lease_may_be_garbled(healthy: ServiceSignals, hits: Hits) -> None:
    """Counted by prefill since vLLM 0.32."""
    late = replace(healthy, transfer=TransferState(after_expiry_per_second=0.05))

    assert ["Decode read KV that prefill had given up already, 3.0/min: these answers may be wrong."] == [
        hit.summary for hit in hits("kv_read_after_expiry", late)
    ]


@pytest.mark.parametrize("late", [None, 0.0])
def test_no_late_reads_are_no_finding(late: float | None, healthy: ServiceSignals, hits: Hits) -> None:
    """Nor where the version does not count them."""
    signals = replace(healthy, transfer=TransferState(after_expiry_per_second=late))

    assert [] == hits("kv_read_after_expiry", signals)


def test_transfer_dominates_prefill(healthy: ServiceSignals, hits: Hits) -> None:
    """450 ms of transfer for 100 ms of prefill."""
    slow = replace(healthy, transfer=TransferState(seconds_mean=0.45, prefill_ratio=4.5))
    found = hits("transfer_dominates_prefill", slow)

    assert ["Moving KV takes 450 ms, 450 % of the time it takes to compute it."] == [hit.summary for hit in found]
    assert [None] == [hit.severity for hit in found]


def test_a_transfer_of_half_the_prefill_time_is_still_fine(healthy: ServiceSignals, hits: Hits) -> None:
    """The edge is the rule of thumb itself."""
    even = replace(healthy, transfer=TransferState(seconds_mean=0.05, prefill_ratio=0.5))

    assert [] == hits("transfer_dominates_prefill", even)


@pytest.mark.parametrize(("mean", "severity"), [(0.049, Severity.INFO), (0.05, None)])
def test_a_transfer_that_nobody_feels_is_information(
    mean: float, severity: Severity | None, healthy: ServiceSignals, hits: Hits
) -> None:
    """Short prompts take less to compute than to move."""
    short = replace(healthy, transfer=TransferState(seconds_mean=mean, prefill_ratio=2.0))

    assert [severity] == [hit.severity for hit in hits("transfer_dominates_prefill", short)]


def test_the_time_of_transfers_is_not_judged_on_a_handful(worker: MakeWorker, service: MakeService, hits: Hits) -> None:
    """Nor where nobody finished a request lately."""
    few = service([worker(Role.PREFILL), worker(Role.DECODE, engine={"requests_in_window": 4.0})])
    slow = replace(few, transfer=TransferState(seconds_mean=0.45, prefill_ratio=4.5))

    assert [] == hits("transfer_dominates_prefill", slow)


def test_requests_failing_tells_share_and_rate(worker: MakeWorker, service: MakeService, hits: Hits) -> None:
    """One in four requests ends in an error."""
    failing = worker(Role.DECODE, engine={"errors_per_second": 0.5, "requests_per_second": 2.0})

    assert ["25 % of requests end in an error on decode (30.0/min)."] == [
        hit.summary for hit in hits("requests_failing", service([failing]))
    ]


@pytest.mark.parametrize(
    ("errors", "severity"), [(1.0, None), (0.9, Severity.WARNING), (0.1, Severity.WARNING), (0.09, Severity.INFO)]
)
def test_one_error_among_thousands_of_requests_wakes_nobody(
    errors: float, severity: Severity | None, worker: MakeWorker, service: MakeService, hits: Hits
) -> None:
    """Critical from one in a hundred, information below one in a thousand."""
    failing = worker(Role.DECODE, engine={"errors_per_second": errors, "requests_per_second": 100.0})

    assert [severity] == [hit.severity for hit in hits("requests_failing", service([failing]))]
