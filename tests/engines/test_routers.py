"""Routers' own pages tell about the workers behind them: recorded from vllm-router and sglang-router."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from synthetic import SGLang

from pdwatch.model.reading import PageReading, RouterWorker
from pdwatch.model.reading import Quantity as Q

ReadingOf = Callable[[str], PageReading]
VLLM, SGL = "routers/vllm_router_0.1.17_pd_", "routers/sglang_router_0.3.2_pd_"


def _routed(reading: PageReading) -> dict[str, RouterWorker]:
    return {worker.url.rpartition(":")[2]: worker for worker in reading.routed}


def test_vllm_router_tells_roles_requests_and_errors_by_worker(reading_of: ReadingOf) -> None:
    """The counter that carries a worker's URL tells its role, and whom an error is of."""
    page = reading_of(f"{VLLM}traffic.metrics.txt")
    routed = _routed(page)

    assert ("vllm-router", "router") == (page.family, page.told.role)
    assert ("prefill", 5.0, 1.0) == (routed["39011"].role, routed["39011"].requests, routed["39011"].errors)
    assert ("decode", 5.0, True) == (routed["39021"].role, routed["39021"].requests, routed["39021"].healthy)
    assert 11.0 == page.engines[0].value(Q.FINISHED)


def test_ranks_of_one_worker_are_one_worker(reading_of: ReadingOf) -> None:
    """A URL that ends in a rank is counted with the other ranks of its endpoint."""
    page = (
        "# TYPE vllm_router_pd_decode_requests_total counter\n"
        'vllm_router_pd_decode_requests_total{worker="http://d:8000@0"} 2\n'
        'vllm_router_pd_decode_requests_total{worker="http://d:8000@1"} 3\n'
    )

    assert [("http://d:8000", 5.0)] == [(worker.url, worker.requests) for worker in reading_of(page).routed]


@pytest.mark.parametrize(("page", "name"), [(VLLM, "vllm-router"), (SGL, "sglang-router")])
def test_a_router_before_traffic_is_still_a_router(page: str, name: str, reading_of: ReadingOf) -> None:
    """Series exist only after the first use; nothing is told and nothing fails."""
    reading = reading_of(f"{page}idle.metrics.txt")

    assert (name, "router") == (reading.family, reading.told.role)
    assert all(worker.requests is None and worker.role is None for worker in reading.routed)


def test_sglang_router_counts_requests_and_blames_nobody(reading_of: ReadingOf) -> None:
    """One decode worker answered five times with an error, and both sides were booked for it."""
    routed = _routed(reading_of(f"{SGL}traffic.metrics.txt"))

    assert {"39011": 8.0, "39012": 8.0, "39021": 8.0, "39022": 8.0} == {
        port: worker.requests for port, worker in routed.items()
    }
    assert {None} == {worker.errors for worker in routed.values()}
    assert {None} == {worker.role for worker in routed.values()}


def test_a_worker_whose_address_cannot_be_scraped_spoils_nothing(reading_of: ReadingOf) -> None:
    """Over gRPC the router names its workers by another scheme; a label may hold anything."""
    page = "".join(
        f'smg_worker_health{{worker="{worker}"}} 1\n' for worker in ("grpc://w:1", "http://:x", "", "http://w:2")
    )

    assert ["http://w:2"] == [worker.url for worker in reading_of(page).routed]


def test_without_two_sides_an_error_is_the_workers(reading_of: ReadingOf) -> None:
    """Behind a router of aggregated workers there is only one to blame."""
    page = (
        'smg_worker_pool_size{worker_type="regular"} 1\n'
        'smg_worker_cb_outcomes_total{worker="http://w:1",outcome="success"} 6\n'
        'smg_worker_cb_outcomes_total{worker="http://w:1",outcome="failure"} 2\n'
    )

    assert [(8.0, 2.0)] == [(worker.requests, worker.errors) for worker in reading_of(page).routed]


def test_a_dead_worker_is_ill_and_a_removed_one_is_gone(reading_of: ReadingOf, page_text: Callable[[str], str]) -> None:
    """0 says dead; -1 says that it was taken out, which is not half alive."""
    down = page_text(f"{SGL}decode_down.metrics.txt")
    removed = down.replace(
        'smg_worker_health{worker="http://127.0.0.1:39022"} 0', 'smg_worker_health{worker="http://127.0.0.1:39022"} -1'
    )
    before, after = _routed(reading_of(down)), _routed(reading_of(removed))

    assert (False, True) == (before["39022"].healthy, before["39021"].healthy)
    assert {"39011", "39012", "39021"} == after.keys()


def test_times_to_a_first_token_come_from_grpc(reading_of: ReadingOf) -> None:
    """Over HTTP the router does not see them."""
    labels = 'router_type="grpc",backend_type="pd",model="m",endpoint="chat"'
    page = (
        f'smg_router_ttft_seconds_bucket{{{labels},le="0.5"}} 3\n'
        f'smg_router_ttft_seconds_bucket{{{labels},le="+Inf"}} 4\n'
        f"smg_router_ttft_seconds_sum{{{labels}}} 2\n"
        f"smg_router_ttft_seconds_count{{{labels}}} 4\n"
    )
    ttft = reading_of(page).engines[0].histogram(Q.TTFT)

    assert ttft is not None
    assert (0.5, (3.0, 4.0)) == (ttft.mean, ttft.buckets)


def test_a_joint_page_of_engines_is_taken_apart(reading_of: ReadingOf, page_text: Callable[[str], str]) -> None:
    """`/engine_metrics` prints all workers as one page, colons rewritten, with the address of each."""
    first = str(SGLang("prefill", requests=4, running=1)).replace("sglang:", "sglang_")
    second = page_text("vllm/vllm-0.33.0-decode.txt").replace("vllm:", "vllm_")
    joint = _addressed(first, "http://10.0.0.1:30000") + _addressed(second, "http://10.0.0.2:8000")
    reading = reading_of(joint)

    assert "router" == reading.told.role
    assert () == reading.engines
    assert [("10.0.0.1:30000", "sglang", "prefill", 1.0), ("10.0.0.2:8000", "vllm", None, 37.0)] == [
        (w.name, w.reading.family, w.reading.told.role, w.reading.engines[0].value(Q.REQUESTS_RUNNING))
        for w in reading.behind
    ]
    assert "http://10.0.0.1:30000/metrics" == reading.behind[0].url
    assert second.count("vllm_num_requests_running{") == 1
    assert reading_of(second).engines[0].values == reading.behind[1].reading.engines[0].values


def test_the_joint_page_of_a_real_router_is_taken_apart(reading_of: ReadingOf) -> None:
    """Recorded from sglang-router; the four workers behind it print synthetic pages and served two requests each."""
    reading = reading_of(f"{SGL.removesuffix('pd_')}engine_metrics.txt.gz")

    assert "router" == reading.told.role
    assert ["decode", "decode", "prefill", "prefill"] == sorted(str(w.reading.told.role) for w in reading.behind)
    assert {2.0} == {w.reading.engines[0].value(Q.FINISHED) for w in reading.behind}
    assert {0.25} == {w.reading.engines[0].value(Q.KV_CACHE_USAGE) for w in reading.behind}


def _addressed(text: str, address: str) -> str:
    """Return a page with the label that the router adds; series without labels and comments stay out."""
    lines = (line for line in text.splitlines() if "{" in line and not line.startswith("#"))
    return "".join(f"{line.replace('{', f'{{worker_addr={chr(34)}{address}{chr(34)},', 1)}\n" for line in lines)
