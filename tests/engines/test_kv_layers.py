"""KV layers tell transfers where an engine does not: on its page, or on a page of their own."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from synthetic import SGLang, nixl, tent, trtllm

from pdwatch.model.reading import PageReading
from pdwatch.model.reading import Quantity as Q

ReadingOf = Callable[[str], PageReading]


def _transfer(reading: PageReading) -> tuple[float | None, float, float | None, float | None]:
    """Return mean seconds and number of transfers, bytes and failures."""
    engine = reading.engines[0]
    times, moved = engine.histogram(Q.TRANSFER_TIME), engine.histogram(Q.TRANSFER_BYTES)
    assert times is not None
    return times.mean, times.count, moved.sum if moved is not None else None, engine.value(Q.TRANSFER_FAILURES)


def test_nixl_counts_what_an_agent_reads_and_writes(reading_of: ReadingOf) -> None:
    """30 reads and 10 writes of 1 MB at 2 ms; a peer that left is a failure, a caller's mistake is none."""
    reading = reading_of(nixl(reads=30, writes=10, errors=2))

    assert ("nixl", "router", frozenset({"nixl"})) == (
        reading.family,
        reading.told.role,
        reading.facts["0"].connectors,
    )
    assert (pytest.approx(0.002), 40.0, 40e6, 2.0) == _transfer(reading)
    times = reading.engines[0].histogram(Q.TRANSFER_TIME)
    assert times is not None
    assert (0.00001, 0.0001, 0.001, 0.005) == times.bounds[:4]


def test_agents_of_all_ranks_add_up(reading_of: ReadingOf) -> None:
    """Each moves its own share."""
    assert (pytest.approx(0.002), 80.0, 80e6, 0.0) == _transfer(reading_of(nixl(reads=10, ranks=8)))


def test_nixl_fills_in_for_an_engine_that_tells_no_transfer(reading_of: ReadingOf) -> None:
    """TensorRT-LLM moves KV by NIXL and says nothing of it."""
    reading = reading_of(trtllm(5, 1, running=2) + nixl(writes=5))

    assert ("trtllm", 2.0) == (reading.family, reading.engines[0].value(Q.REQUESTS_RUNNING))
    assert (pytest.approx(0.002), 5.0, 5e6, 0.0) == _transfer(reading)
    assert "agent_xfer_time_us" == reading.told.sources[Q.TRANSFER_TIME]


def test_an_engine_that_tells_transfers_itself_is_believed(
    reading_of: ReadingOf, page_text: Callable[[str], str]
) -> None:
    """vLLM's own counts and NIXL's are of the same transfers, and not added."""
    own = page_text("vllm/vllm-0.33.0-decode.txt")

    assert _transfer(reading_of(own)) == _transfer(reading_of(own + nixl(reads=1000, errors=7)))


def test_the_last_chunk_gives_way_to_a_layer_that_times_all(reading_of: ReadingOf) -> None:
    """SGLang tells the tail of its transfers; NIXL beside it tells the whole."""
    reading = reading_of(str(SGLang(requests=4)) + nixl(writes=4))
    tail = reading.engines[0].histogram(Q.TRANSFER_TAIL_TIME)

    assert tail is not None
    assert pytest.approx(0.02) == tail.mean
    assert pytest.approx(0.002) == _transfer(reading)[0]


def test_tent_reads_and_writes_are_transfers(reading_of: ReadingOf) -> None:
    """6 reads at 4 ms and 2 writes at 8 ms: 5 ms in the mean."""
    reading = reading_of(tent(reads=6, writes=2, failures=3))

    assert ("mooncake", "router") == (reading.family, reading.told.role)
    assert (pytest.approx(0.005), 8.0, 8e6, 3.0) == _transfer(reading)


def test_a_mooncake_stores_client_tells_what_it_gets(reading_of: ReadingOf) -> None:
    """Bytes read over the gets that were timed."""
    page = (
        'mooncake_transfer_get_latency_bucket{le="1000"} 3\n'
        'mooncake_transfer_get_latency_bucket{le="+Inf"} 5\n'
        "mooncake_transfer_get_latency_sum 10000\n"
        "mooncake_transfer_get_latency_count 5\n"
        "mooncake_transfer_read_bytes 7e6\n"
    )

    assert (pytest.approx(0.002), 5.0, 7e6, None) == _transfer(reading_of(page))


def test_a_mooncake_stores_master_tells_no_transfer(reading_of: ReadingOf) -> None:
    """It is known, and neither a worker nor an error."""
    reading = reading_of("# TYPE master_put_end_requests_total counter\nmaster_put_end_requests_total 5\n")

    assert ("mooncake", "router", ()) == (reading.family, reading.told.role, reading.engines)


def test_vllm_with_a_mooncake_store_tells_what_decode_loads(reading_of: ReadingOf) -> None:
    """Loads are the transfer; saves and look-ups are not."""
    own = 'engine="0",model_name="m"'
    page = f"vllm:num_requests_running{{{own}}} 1\n"
    for operation, count, seconds in (("load_get", 4, 0.4), ("save_put", 9, 9.0)):
        labels = f'{own},operation="{operation}",status="ok"'
        page += (
            f'vllm:mooncake_store_operation_time_seconds_bucket{{{labels},le="+Inf"}} {count}\n'
            f"vllm:mooncake_store_operation_time_seconds_sum{{{labels}}} {seconds}\n"
            f"vllm:mooncake_store_operation_time_seconds_count{{{labels}}} {count}\n"
            f"vllm:mooncake_store_operation_bytes_total{{{labels}}} {count * 1e6}\n"
            f"vllm:mooncake_store_operation_total{{{labels}}} {count}\n"
        )
    page += f'vllm:mooncake_store_operation_total{{{own},operation="load_get",status="error"}} 2\n'

    assert (pytest.approx(0.1), 4.0, 4e6, 2.0) == _transfer(reading_of(page))


def test_lmcache_in_an_engines_process_tells_seconds_and_no_bytes(reading_of: ReadingOf) -> None:
    """Its label `role` is a part of vLLM's connector, and no role of a worker."""
    labels = 'model_name="m",worker_id="0",role="worker",served_model_name="m"'
    page = (
        'vllm:num_requests_running{engine="0",model_name="m"} 1\n'
        f'lmcache:p2p_time_to_transfer_bucket{{{labels},le="+Inf"}} 4\n'
        f"lmcache:p2p_time_to_transfer_sum{{{labels}}} 0.2\n"
        f"lmcache:p2p_time_to_transfer_count{{{labels}}} 4\n"
    )
    reading = reading_of(page)

    assert ("vllm", None) == (reading.family, reading.told.role)
    assert (0.05, 4.0, None, None) == _transfer(reading)


def test_lmcaches_server_is_no_worker(reading_of: ReadingOf) -> None:
    """Its page is known; nothing on it is between two workers."""
    page = "# TYPE lmcache_mp_lookup_hit_tokens_total counter\nlmcache_mp_lookup_hit_tokens_total 5\n"

    assert ("lmcache", "router") == (reading_of(page).family, reading_of(page).told.role)


def test_offloading_moves_kv_within_a_worker_and_is_no_transfer(reading_of: ReadingOf) -> None:
    """It is told as a connector, beside the NIXL of the same MultiConnector."""
    page = (
        "# TYPE vllm:kv_offload_load_bytes_total counter\n"
        'vllm:kv_offload_load_bytes_total{engine="0"} 5e9\n'
        "# TYPE vllm:nixl_xfer_time_seconds histogram\n"
        'vllm:nixl_xfer_time_seconds_bucket{engine="0",le="+Inf"} 2\n'
        'vllm:nixl_xfer_time_seconds_sum{engine="0"} 0.1\n'
        'vllm:nixl_xfer_time_seconds_count{engine="0"} 2\n'
        "# TYPE vllm:nixl_bytes_transferred histogram\n"
        'vllm:nixl_bytes_transferred_sum{engine="0"} 3e6\n'
        'vllm:nixl_bytes_transferred_count{engine="0"} 2\n'
    )
    reading = reading_of(page)

    assert frozenset({"nixl", "offloading"}) == reading.facts["0"].connectors
    assert (0.05, 2.0, 3e6, None) == _transfer(reading)
