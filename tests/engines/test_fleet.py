"""Pages of different engines down the whole road: pools, queues, cache, latency and transfer in the snapshot."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from fleet import Fleet, Pages, doubled, service_of, sglang_rounds
from synthetic import SGLang, nixl, trtllm

from pdwatch.model.judgement import Action
from pdwatch.model.snapshot import ServiceState
from pdwatch.model.target import Role
from pdwatch.road.road import ServicePolicy

MIB = 2**20


def test_an_sglang_pair_is_seen_whole() -> None:
    """60 s at 2 requests a second: 1000 prompt tokens each, 100 tokens of answer, 2 x 128 MiB of KV."""
    service = service_of(Fleet().run(sglang_rounds()), "sgl")
    prefill, decode = service.pools[Role.PREFILL], service.pools[Role.DECODE]

    assert {Role.PREFILL, Role.DECODE} == service.pools.keys()
    assert (3.0, 2.0, 0.3) == (prefill.requests_waiting, prefill.requests_running, prefill.kv_cache_usage_ratio)
    assert (6.0, 12.0, 0.6) == (decode.requests_waiting, decode.requests_running, decode.kv_cache_usage_ratio)
    assert (100_000.0, 2000.0) == (prefill.kv_cache_tokens, pytest.approx(prefill.computed_tokens_per_second))
    assert (200.0, 2.0) == (
        pytest.approx(decode.generation_tokens_per_second),
        pytest.approx(decode.requests_per_second),
    )
    assert pytest.approx(2 * 0.25) == prefill.prefill_concurrency
    assert pytest.approx(0.0) == decode.computed_tokens_per_second


def test_the_transfers_of_an_sglang_pair_have_a_rate_and_no_bandwidth() -> None:
    """What prefill times is left when it has computed: users wait for it, and bytes are not to be divided by it."""
    transfer = service_of(Fleet().run(sglang_rounds()), "sgl").transfer

    assert Role.PREFILL == transfer.reported_by
    assert (pytest.approx(0.02), pytest.approx(4.0)) == (transfer.seconds_mean, transfer.transfers_per_second)
    assert pytest.approx(2 * 2 * 128 * MIB) == transfer.bytes_per_second
    assert transfer.bandwidth_bytes_per_second is None
    assert transfer.kv_moving
    assert 2.0 == transfer.waiting
    assert pytest.approx(0.02 / 0.25) == transfer.prefill_ratio


def test_latencies_of_an_sglang_pair_are_those_of_decode() -> None:
    """Prefill observes no first token; decode measures from the request's arrival, so nothing is added."""
    latency = service_of(Fleet().run(sglang_rounds()), "sgl").latency

    assert ("decode", pytest.approx(0.5)) == (latency.ttft_source, latency.ttft_seconds.mean)
    assert pytest.approx(0.02) == latency.itl_seconds.mean


def test_a_connector_that_is_configured_does_not_hide_the_side_that_reports() -> None:
    """NIXL over vLLM is told by decode, over SGLang by prefill."""
    service = service_of(Fleet(sgl=ServicePolicy(connector="nixl")).run(sglang_rounds()), "sgl")

    assert (Role.PREFILL, pytest.approx(0.02)) == (service.transfer.reported_by, service.transfer.seconds_mean)


def test_the_balance_of_experts_is_told_by_replica(page_text: Callable[[str], str]) -> None:
    """0.8 and 0.9 on the first page, and the same again until the second."""
    fleet, page = Fleet(), page_text("sglang/sglang-0.5.23-prefill.txt.gz")
    fleet.round({"sgl/p0": page})

    assert {"p0": pytest.approx(0.85)} == fleet.round({"sgl/p0": doubled(page)}).services["sgl"].experts


def test_the_hops_to_the_first_token_are_those_that_sglang_tells() -> None:
    """Queue and compute on prefill, what is left of the transfer; decode's own wait is not told."""
    chain = _chain(service_of(Fleet().run(sglang_rounds()), "sgl"))

    assert (pytest.approx(0.05), pytest.approx(0.25), pytest.approx(0.02), None) == chain


def _chain(service: ServiceState) -> tuple[float | None, ...]:
    told = service.latency.chain
    return told.prefill_queue, told.prefill, told.transfer, told.decode_admission


def test_failures_and_retractions_of_sglang_are_told() -> None:
    """4 transfers failed on each side within a minute, and 30 requests were retracted."""
    rounds = [dict(pages) for pages in sglang_rounds()]
    rounds[-1] = dict(list(sglang_rounds(13, failed=4, retracted=30))[-1])
    service = service_of(Fleet().run(iter(rounds)), "sgl")

    assert pytest.approx(8 / 60) == service.transfer.failures_per_second
    assert pytest.approx(30 / 60) == service.pools[Role.DECODE].preemptions_per_second


def test_an_aggregated_sglang_service_is_shown_without_findings_of_two_roles() -> None:
    """It prefills and decodes; no pool is empty, and there is no ratio to advise on."""
    rounds = ({"agg/w0": str(SGLang("unified", requests=10 * n, running=3, usage=0.4))} for n in range(13))
    service = service_of(Fleet().run(rounds), "agg")

    assert {Role.BOTH} == service.pools.keys()
    assert (3.0, 0.4) == (service.pools[Role.BOTH].requests_running, service.pools[Role.BOTH].kv_cache_usage_ratio)
    assert [] == [finding.finding for finding in service.findings]
    assert service.advice.action in (Action.HOLD, Action.CANNOT_TELL)


def test_a_gauge_that_is_printed_late_is_no_stuck_engine() -> None:
    """SGLang prints what runs when something happens: for half a minute after its last request it may seem to run."""
    fleet, page = Fleet(), {"sgl/d0": str(SGLang("decode", requests=5, running=1))}
    stuck = [fleet.round(page).services["sgl"].workers[0].engines[0].stuck_seconds for _ in range(9)]

    assert [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 5.0, 10.0] == stuck


def test_two_services_of_different_engines_stand_side_by_side(dynamo: Pages) -> None:
    """Each has its pools, its queue, its cache and its latency; neither knows of the other."""
    later = {name: doubled(text) for name, text in dynamo.items()}
    sgl = [dict(pages) for pages in sglang_rounds(13)]
    snapshot = Fleet().run(iter([{**sgl[n], **(dynamo if n < 6 else later)} for n in range(13)]))
    first, second = snapshot.services["sgl"], snapshot.services["dyn"]
    prefill, decode = second.pools[Role.PREFILL], second.pools[Role.DECODE]

    assert {"sgl", "dyn"} == snapshot.services.keys()
    assert 6.0 == first.pools[Role.DECODE].requests_waiting
    assert (1, 2, 3) == (prefill.workers, decode.workers, decode.engines)
    assert (1.0, 8.0 + 5.0 + 8.0, 0.0 + 2.0 + 0.0) == (
        prefill.requests_running,
        decode.requests_running,
        decode.requests_waiting,
    )
    assert pytest.approx((0.37666667 + 0.32 + 0.37) / 3) == decode.kv_cache_usage_ratio
    assert prefill.kv_cache_usage_ratio is None
    assert (second.transfer.seconds_mean, second.transfer.reported_by) == (None, None)
    assert pytest.approx(0.02) == first.transfer.seconds_mean
    assert {"vllm", "dynamo"} == {worker.family for worker in second.workers}
    assert {"sglang"} == {worker.family for worker in first.workers}


def test_latencies_of_dynamo_are_those_of_its_frontend(dynamo: Pages) -> None:
    """Between the two rounds everything that was counted doubled: 243 first tokens of 118 ms in the mean."""
    fleet = Fleet()
    fleet.round(dynamo)
    latency = fleet.round({name: doubled(text) for name, text in dynamo.items()}).services["dyn"].latency

    assert ("router", 243.0) == (latency.ttft_source, latency.ttft_seconds.count)
    assert pytest.approx(28.705123725 / 243) == latency.ttft_seconds.mean
    assert pytest.approx((130.0021 + 130.1663 + 131.0652) / (4533 + 4549 + 4606), rel=1e-4) == latency.itl_seconds.mean


def test_nixl_telemetry_on_a_port_of_its_own_tells_the_transfers_of_aservice_of() -> None:
    """TensorRT-LLM tells none; the layer is no worker, and its page comes after what engines tell."""

    def rounds() -> Iterator[Pages]:
        for n in range(13):
            context, generation = trtllm(10 * n, 1, running=1), trtllm(10 * n, 100, running=5, usage=0.5)
            yield {"trt/p0=prefill": context, "trt/d0=decode": generation, "trt/nixl": nixl(reads=10 * n, ranks=4)}

    service = service_of(Fleet().run(rounds()), "trt")

    assert {"p0", "d0"} == {worker.worker for worker in service.workers}
    assert (Role.ROUTER, pytest.approx(0.002)) == (service.transfer.reported_by, service.transfer.seconds_mean)
    assert pytest.approx(4 * 1e6 * 2) == service.transfer.bytes_per_second
    assert pytest.approx(1e6 / 0.002) == service.transfer.bandwidth_bytes_per_second
    assert ("prefill+decode", pytest.approx(0.6)) == (
        service.latency.ttft_source,
        service.latency.ttft_seconds.mean,
    )


def test_an_unknown_engine_gives_liveness_and_restarts() -> None:
    """It answers, then its process is another one."""
    fleet = Fleet()
    page = "other_metric 1\nprocess_start_time_seconds {}\n"
    (first,) = fleet.round({"x/w=decode": page.format(500)}).services["x"].workers
    (down,) = fleet.round({"x/w=decode": None}).services["x"].workers

    assert ("unknown", True, ()) == (first.family, first.up, first.engines)
    assert not down.up
