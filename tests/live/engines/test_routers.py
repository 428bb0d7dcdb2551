"""The real routers, between clients and workers that answer without computing."""

from __future__ import annotations

import httpx
import pytest

pytestmark = pytest.mark.live

ROLES = ("prefill", "prefill", "decode", "decode")
COMPLETION = {"model": "m", "prompt": "hello", "max_tokens": 4}


def _service(snapshot):
    return snapshot["services"].get("default", {})


def _by_name(snapshot):
    return {worker["url"].split("/")[2]: worker for worker in _service(snapshot).get("workers", ())}


def _rate_of_all(snapshot):
    workers = _by_name(snapshot).values()
    return len(workers) == 4 and all((worker["routed_requests_per_second"] or 0) > 0 for worker in workers)


@pytest.fixture(scope="module")
def vllm_router(start, programs, free_port, worker_of, load_on):
    """A vllm-router before two workers of each role, under load: its URL and that of its page."""
    urls = [(role, worker_of("vllm", role)) for role in ROLES]
    port, page = free_port(), free_port()
    flags = [part for role, url in urls for part in (f"--{role}", url)]
    start(
        *(str(programs / "vllm-router"), "--host", "127.0.0.1", "--port", str(port), "--prometheus-port", str(page)),
        *("--vllm-pd-disaggregation", "--policy", "round_robin", *flags),
    )
    load_on(f"http://127.0.0.1:{port}/v1/completions", COMPLETION)
    return f"http://127.0.0.1:{port}", f"http://127.0.0.1:{page}"


@pytest.fixture(scope="module")
def sglang_router(start, programs, free_port, worker_of, load_on):
    """An sglang-router before two workers of each role, under load: its URL, that of its page, and the processes."""
    urls = [(role, worker_of("sglang", role)) for role in ROLES]
    port, page = free_port(), free_port()
    flags = [p for role, url in urls for p in ((f"--{role}", url, "8998") if role == "prefill" else (f"--{role}", url))]
    start(
        *(str(programs / "python"), "-m", "sglang_router.launch_router", "--host", "127.0.0.1", "--port", str(port)),
        *("--prometheus-host", "127.0.0.1", "--prometheus-port", str(page), "--pd-disaggregation"),
        *("--policy", "round_robin", *flags),
    )
    load_on(f"http://127.0.0.1:{port}/generate", {"text": "hello", "sampling_params": {"max_new_tokens": 4}})
    return f"http://127.0.0.1:{port}", f"http://127.0.0.1:{page}"


def _watch(serve_of, write, router, page):
    static = [{"targets": [page], "labels": {"worker": "page"}}]
    return serve_of("--config", str(write({"discovery": [{"router": {"url": router}}, {"static": static}]})))


@pytest.mark.parametrize("kind", ["vllm_router", "sglang_router"])
def test_a_real_router_names_its_workers_and_what_it_sends_them(kind, request, serve_of, write):
    """Roles by its list, requests a second by its page; the page itself is no worker."""
    router, page = request.getfixturevalue(kind)
    serve = _watch(serve_of, write, router, page)
    last = serve.wait_for(_rate_of_all, "requests to all four workers")

    assert sorted(ROLES) == sorted(worker["role"] for worker in _by_name(last).values())
    assert {True} == {worker["router_healthy"] for worker in _by_name(last).values()}
    assert {"router"} == {worker["role_source"] for worker in _by_name(last).values()}
    assert "page" in {router["worker"] for router in _service(last)["routers"]}


def test_the_joint_page_of_a_real_router_is_a_fleet(sglang_router, serve_of, write):
    """`/engine_metrics` alone: four workers with their roles, caches, latencies and transfers."""
    router, page = sglang_router
    static = [{"targets": [f"{router}/engine_metrics"]}, {"targets": [page]}]
    serve = serve_of("--config", str(write({"discovery": [{"static": static}]})))
    last = serve.wait_for(
        lambda one: _rate_of_all(one) and _service(one)["transfer"]["seconds_mean"], "a fleet that moves KV"
    )
    service = _service(last)

    assert {"prefill": 2, "decode": 2} == {role: pool["workers"] for role, pool in service["pools"].items()}
    assert [0.25, 0.25] == [service["pools"][role]["kv_cache_usage_ratio"] for role in ("prefill", "decode")]
    assert ("decode", 0.5) == (service["latency"]["ttft_source"], service["latency"]["ttft_seconds"]["mean"])
    assert pytest.approx(0.02) == service["transfer"]["seconds_mean"]
    assert {"labels"} == {worker["role_source"] for worker in service["workers"]}
    assert [] == [group["targets"] for group in httpx.get(f"{serve.url}sd/workers", trust_env=False).json()]
