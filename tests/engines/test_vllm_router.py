"""vllm-router's page tells about the workers behind it."""

from __future__ import annotations

from collections.abc import Callable

from pdwatch.model.reading import PageReading

ReadingOf = Callable[[str], PageReading]


def test_roles_requests_and_errors_by_worker(reading_of: ReadingOf) -> None:
    """The counter that carries a worker's URL tells its role."""
    page = reading_of("routers/vllm_router_0.1.17_pd_traffic.metrics.txt")
    routed = {worker.url: worker for worker in page.routed}

    assert "vllm-router" == page.family
    assert ("prefill", 5.0, 1.0) == (
        routed["http://127.0.0.1:39011"].role,
        routed["http://127.0.0.1:39011"].requests,
        routed["http://127.0.0.1:39011"].errors,
    )
    assert ("decode", True) == (routed["http://127.0.0.1:39021"].role, routed["http://127.0.0.1:39021"].healthy)


def test_ranks_of_one_worker_are_one_worker(reading_of: ReadingOf) -> None:
    """A URL that ends in a rank is counted with the other ranks of its endpoint."""
    page = (
        "# TYPE vllm_router_pd_decode_requests_total counter\n"
        'vllm_router_pd_decode_requests_total{worker="http://d:8000@0"} 2\n'
        'vllm_router_pd_decode_requests_total{worker="http://d:8000@1"} 3\n'
    )

    assert [("http://d:8000", 5.0)] == [(worker.url, worker.requests) for worker in reading_of(page).routed]


def test_a_router_before_traffic_is_still_a_router(reading_of: ReadingOf) -> None:
    """Series exist only after the first use; nothing is told and nothing fails."""
    page = reading_of("routers/vllm_router_0.1.17_pd_idle.metrics.txt")

    assert "vllm-router" == page.family
    assert all(worker.role is None for worker in page.routed)
