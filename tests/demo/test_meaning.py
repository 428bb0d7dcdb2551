"""What vLLM's metrics mean on each side of a P/D pair."""

from __future__ import annotations

import pytest

from pdwatch.demo.model import Fleet, FleetSpec, Load, PoolSpec

ONE = PoolSpec(workers=1)
TRACE = tuple((2.0 * n, 1600, 101) for n in range(10))


@pytest.fixture
def quiet():
    """Ten equal requests, each alone, all finished."""
    fleet = Fleet(FleetSpec(load=Load(trace=TRACE, cached_share=0.1), prefill=ONE, decode=ONE))
    fleet.run_until(60.0)
    return fleet


def test_decode_owns_the_transfers(quiet, value):
    """Each tensor-parallel rank of decode counts its shard; prefill counts nothing."""
    assert 40.0 == value(quiet, "decode-0", "nixl_xfer_time_seconds_count")
    assert 10 * 1600 * 327_680 == value(quiet, "decode-0", "nixl_bytes_transferred_sum")
    assert 0.0 == value(quiet, "prefill-0", "nixl_xfer_time_seconds_count")


def test_transfer_takes_its_bytes_over_the_link(quiet, value):
    """Alone on a 50 GB/s link: 2 ms and the time of the bytes."""
    mean = value(quiet, "decode-0", "nixl_xfer_time_seconds_sum") / 40

    assert 0.002 + 1600 * 327_680 / 50e9 == pytest.approx(mean)


def test_prompt_tokens_are_counted_by_source(quiet, value):
    """Prefill computes what its cache does not have, decode gets all of it over the wire."""
    source = "prompt_tokens_by_source_total"

    assert 10 * 1440 == value(quiet, "prefill-0", source, source="local_compute")
    assert 10 * 160 == value(quiet, "prefill-0", source, source="local_cache_hit")
    assert 10 * 1600 == value(quiet, "decode-0", source, source="external_kv_transfer")
    for worker in ("prefill-0", "decode-0"):
        assert value(quiet, worker, "prompt_tokens_total") == value(quiet, worker, source)


def test_prefill_gives_one_token_per_request(quiet, value):
    """Prefill's answers are one token long and end by length; decode's are whole."""
    assert 10.0 == value(quiet, "prefill-0", "generation_tokens_total")
    assert 10.0 == value(quiet, "prefill-0", "request_success_total", finished_reason="length")
    assert 0.0 == value(quiet, "prefill-0", "inter_token_latency_seconds_count")
    assert 1010.0 == value(quiet, "decode-0", "generation_tokens_total")
    assert 1000.0 == value(quiet, "decode-0", "inter_token_latency_seconds_count")


def test_queue_time_of_decode_holds_the_transfer(quiet, value):
    """On decode the wait for KV is queue time, and its first token follows one step later."""
    queue = value(quiet, "decode-0", "request_queue_time_seconds_sum")
    first_step = value(quiet, "decode-0", "request_prefill_time_seconds_sum")
    performance = quiet.spec.performance

    assert value(quiet, "decode-0", "nixl_xfer_time_seconds_sum") / 4 == pytest.approx(queue)
    step = performance.alpha + performance.beta + performance.gamma * 1600
    assert 10 * step == pytest.approx(first_step)
    assert queue + first_step == pytest.approx(value(quiet, "decode-0", "time_to_first_token_seconds_sum"))


def test_the_truth_agrees_with_the_pages(quiet, value):
    """A client's time to first token is the sum of both sides' own, and its pace is decode's."""
    pages = sum(value(quiet, worker, "time_to_first_token_seconds_sum") for worker in ("prefill-0", "decode-0"))
    pace = value(quiet, "decode-0", "inter_token_latency_seconds_sum") / 1000

    assert sum(request.ttft for request in quiet.finished) == pytest.approx(pages)
    assert sum(request.tpot for request in quiet.finished) / 10 == pytest.approx(pace)


def test_prefill_pass_time_follows_the_formula(quiet, value):
    """Pass time is base, per token and attention over the tokens not found in the cache."""
    performance = quiet.spec.performance
    chunk = performance.per_token * 1440 + performance.attention * 1440 * (160 + 720)

    assert 10 * (performance.pass_base + chunk) == pytest.approx(
        value(quiet, "prefill-0", "request_prefill_time_seconds_sum")
    )


def test_long_prompts_are_cut_into_chunks(value):
    """A prompt of 20 000 tokens takes three passes of at most 8192 tokens, and is seen running in between."""
    fleet = Fleet(FleetSpec(load=Load(trace=((0.0, 20_000, 2),), cached_share=0.0), prefill=ONE, decode=ONE))
    fleet.run_until(0.5)
    assert 1.0 == value(fleet, "prefill-0", "num_requests_running")

    fleet.run_until(10.0)

    assert 3.0 == value(fleet, "prefill-0", "iteration_tokens_total_count")
    assert 20_001.0 == value(fleet, "prefill-0", "iteration_tokens_total_sum")
    assert 0.0 == value(fleet, "prefill-0", "num_requests_running")


def test_waiting_is_split_by_reason(play, value):
    """Requests whose KV is on its way are deferred, those without blocks wait for capacity."""
    fleet = play("decode_full_backs_up_prefill", 60.0)
    waiting = value(fleet, "decode-0", "num_requests_waiting")
    stages = value(fleet, "decode-0", "num_requests_kv_fetch_by_stage")

    assert waiting == value(fleet, "decode-0", "num_requests_waiting_by_reason")
    assert waiting >= stages > 0
