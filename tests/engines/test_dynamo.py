"""Dynamo's pages, as recorded from a real frontend and mocker workers: two prefill, two decode, under load."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from pdwatch.engines.dynamo import worker_identity
from pdwatch.model.reading import Histogram, PageReading
from pdwatch.model.reading import Quantity as Q

ReadingOf = Callable[[str], PageReading]
FRONTEND, PREFILL = "dynamo/frontend.underload.metrics.txt", "dynamo/prefill0.underload.metrics.txt"
ONE_RANK, TWO_RANKS = "dynamo/decode1.underload.metrics.txt", "dynamo/decode0.underload.metrics.txt"


def _seen(reading: PageReading, quantity: Q, engine: int = 0) -> Histogram:
    found = reading.engines[engine].histogram(quantity)
    assert found is not None, quantity
    return found


def test_prefill_tells_requests_and_the_time_they_took(reading_of: ReadingOf) -> None:
    """Only those of `generate`: the other endpoint of the worker has one more request and none in flight."""
    reading = reading_of(PREFILL)
    engine = reading.engines[0]

    assert ("dynamo", "prefill", True) == (reading.family, reading.told.role, reading.told.sure)
    assert (1.0, 0.0) == (engine.value(Q.REQUESTS_RUNNING), engine.value(Q.REQUESTS_WAITING))
    assert (126.0, 2.0) == (engine.value(Q.FINISHED), engine.value(Q.FINISHED_ERROR))
    assert (pytest.approx(11.129932709), 125.0) == (
        _seen(reading, Q.PREFILL_TIME).sum,
        _seen(reading, Q.PREFILL_TIME).count,
    )
    assert engine.value(Q.KV_CACHE_USAGE) is None


def test_the_engine_within_comes_first_and_the_platform_fills_in(reading_of: ReadingOf) -> None:
    """The mocker's vLLM tells cache, queue and latencies; that 82 requests came is told by Dynamo alone."""
    reading = reading_of(ONE_RANK)
    engine, sources = reading.engines[0], reading.told.sources

    assert ("vllm", "decode", False) == (reading.family, reading.told.role, reading.told.sure)
    assert (8.0, 0.37) == (engine.value(Q.REQUESTS_RUNNING), engine.value(Q.KV_CACHE_USAGE))
    assert (4606.0, 82.0) == (_seen(reading, Q.ITL).count, _seen(reading, Q.TTFT).count)
    assert 82.0 == engine.value(Q.FINISHED)
    assert ("vllm:num_requests_running", "dynamo_component_requests") == (
        sources[Q.REQUESTS_RUNNING],
        sources[Q.FINISHED],
    )


def test_ranks_behind_one_worker_stay_apart(reading_of: ReadingOf) -> None:
    """Two data-parallel ranks, one of which has two requests waiting."""
    reading = reading_of(TWO_RANKS)

    assert [("0", 8.0, 0.0), ("1", 5.0, 2.0)] == [
        (e.engine, e.value(Q.REQUESTS_RUNNING), e.value(Q.REQUESTS_WAITING)) for e in reading.engines
    ]


def test_what_waits_in_front_of_the_engine_waits(reading_of: ReadingOf, page_text: Callable[[str], str]) -> None:
    """3 in Dynamo's queue and 4 in its hand-over, before the 0 that vLLM counts."""
    text = page_text(ONE_RANK).replace("\ndynamo_request_queue 0", "\ndynamo_request_queue 3")
    text = text.replace("\ndynamo_work_handler_queue_depth 0", "\ndynamo_work_handler_queue_depth 4")

    assert 7.0 == reading_of(text).engines[0].value(Q.REQUESTS_WAITING)


def test_requests_that_the_engine_counts_by_reason_are_not_counted_again(
    reading_of: ReadingOf, page_text: Callable[[str], str]
) -> None:
    """A real vLLM within tells why requests ended."""
    more = 'vllm:request_success_total{engine="0",finished_reason="stop",model_name="tiny"} 70\n'
    engine = reading_of(page_text(ONE_RANK) + more).engines[0]

    assert (70.0, None) == (engine.value(Q.FINISHED_STOP), engine.value(Q.FINISHED))


def test_the_frontend_tells_what_users_feel(reading_of: ReadingOf) -> None:
    """It is no worker; of 268 requests that ended 42 and 4 failed."""
    reading = reading_of(FRONTEND)
    engine = reading.engines[0]

    assert ("dynamo-frontend", "router") == (reading.family, reading.told.role)
    assert (24.0, 3.0, 268.0, 46.0, 13944.0) == tuple(
        engine.value(q)
        for q in (Q.REQUESTS_RUNNING, Q.REQUESTS_WAITING, Q.FINISHED, Q.FINISHED_ERROR, Q.GENERATION_TOKENS)
    )
    ttft = _seen(reading, Q.TTFT)
    assert (243.0, pytest.approx(28.705123725), 4.0) == (ttft.count, ttft.sum, ttft.buckets[ttft.bounds.index(0.1)])
    assert 174231.0 == _seen(reading, Q.REQUEST_PROMPT_TOKENS).sum


def test_hexadecimal_and_decimal_names_of_a_worker_are_one(reading_of: ReadingOf) -> None:
    """`50f911e895afd843` on its own page is 5834714482876602435 on the frontend's."""
    own, front = reading_of(PREFILL).told, reading_of(FRONTEND).told

    assert "5834714482876602435" == own.identity
    assert {"5834714482876602435": "prefill", "7228556437811188620": "prefill"} == front.roles


@pytest.mark.parametrize(("text", "base", "number"), [("ff", 16, "255"), ("255", 10, "255"), ("x", 10, None)])
def test_an_identity_is_a_number_in_decimal(text: str, base: int, number: str | None) -> None:
    """What is no number names nobody."""
    assert number == worker_identity(text, base)


@pytest.mark.parametrize(
    ("component", "told"),
    [
        ("prefill", ("prefill", True)),
        ("VllmPrefillWorker", ("prefill", True)),
        ("decode", ("decode", True)),
        ("backend", ("decode", False)),
        ("tensorrt_llm", ("decode", False)),
        ("encoder", (None, True)),
    ],
)
def test_a_backend_is_decode_only_beside_prefill(component: str, told: object, reading_of: ReadingOf) -> None:
    """An aggregated worker is a backend, too."""
    page = (
        f'dynamo_component_inflight_requests{{dynamo_component="{component}",dynamo_endpoint="generate",'
        'worker_id="1f"} 1\n'
    )
    found = reading_of(page).told

    assert told == (found.role, found.sure)


def test_health_on_the_system_port_is_not_believed(reading_of: ReadingOf) -> None:
    """It was seen to answer 503 while the worker served."""
    assert not reading_of(PREFILL).told.health
    assert reading_of("vllm/vllm-0.33.0-decode.txt").told.health


def test_transfers_that_the_tensorrt_adapter_tells(reading_of: ReadingOf) -> None:
    """Dynamo adds what TensorRT-LLM itself lacks, with the role as a label."""
    own = 'model_name="m",disaggregation_mode="prefill",engine_type="trtllm"'
    page = (
        f'trtllm_kv_transfer_latency_seconds_bucket{{{own},le="0.1"}} 3\n'
        f'trtllm_kv_transfer_latency_seconds_bucket{{{own},le="+Inf"}} 4\n'
        f"trtllm_kv_transfer_latency_seconds_sum{{{own}}} 0.5\n"
        f"trtllm_kv_transfer_latency_seconds_count{{{own}}} 4\n"
        f"trtllm_kv_transfer_bytes_sum{{{own}}} 4e9\n"
        f"trtllm_kv_transfer_bytes_count{{{own}}} 4\n"
        'dynamo_component_inflight_requests{dynamo_component="prefill",dynamo_endpoint="generate",worker_id="a"} 2\n'
    )
    reading = reading_of(page)

    assert ("trtllm", "prefill", "10") == (reading.family, reading.told.role, reading.told.identity)
    assert (0.125, 4e9) == (_seen(reading, Q.TRANSFER_TIME).mean, _seen(reading, Q.TRANSFER_BYTES).sum)
    assert 2.0 == reading.engines[0].value(Q.REQUESTS_RUNNING)
