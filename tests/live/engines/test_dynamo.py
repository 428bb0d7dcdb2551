"""A real Dynamo on CPU: frontend, a prefill and two decode workers with mocked engines, no etcd and no NATS."""

from __future__ import annotations

import httpx
import pytest

pytestmark = pytest.mark.live

BLOCKS = ("--block-size", "16", "--num-gpu-blocks-override", "600", "--max-num-seqs", "8")
PROMPT = " ".join(f"w{number % 256}" for number in range(300))


@pytest.fixture(scope="module")
def run(start, programs, tmp_path_factory):
    """Start a module of Dynamo; what it needs of its peers lies in files."""
    plane = {
        "DYN_FILE_KV": str(tmp_path_factory.mktemp("kv")),
        "DYN_DISCOVERY_BACKEND": "file",
        "DYN_REQUEST_PLANE": "tcp",
        "DYN_EVENT_PLANE": "zmq",
    }

    def begin(module, *arguments, **more):
        settings = [f"{name}={value}" for name, value in (plane | more).items()]
        return start("env", *settings, str(programs / "python"), "-m", f"dynamo.{module}", *arguments)

    return begin


@pytest.fixture(scope="module")
def dynamo(run, free_port, model, load_on):
    """Dynamo under load: the URL of each of its pages by name, its processes, and the load."""
    ports = {name: free_port() for name in ("front", "p0", "d0", "d1")}
    processes = {"front": run("frontend", "--http-port", str(ports["front"]), "--router-mode", "kv")}
    for name, role, ranks in (("p0", "prefill", 1), ("d0", "decode", 1), ("d1", "decode", 2)):
        flags = ("--model-path", str(model), "--model-name", "tiny", "--disaggregation-mode", role, *BLOCKS)
        port = {"DYN_SYSTEM_PORT": str(ports[name])}
        processes[name] = run("mocker", *flags, "--data-parallel-size", str(ranks), **port)
    urls = {name: f"http://127.0.0.1:{port}" for name, port in ports.items()}
    body = {"model": "tiny", "messages": [{"role": "user", "content": PROMPT}], "max_tokens": 40, "stream": True}
    return urls, processes, load_on(f"{urls['front']}/v1/chat/completions", body)


@pytest.fixture(scope="module")
def serve(serve_of, write, dynamo):
    """pdwatch on all pages, which says nothing of roles."""
    static = [{"targets": [url], "labels": {"service": "dyn", "worker": name}} for name, url in dynamo[0].items()]
    serve = serve_of("--config", str(write({"discovery": [{"static": static}]})))
    serve.wait_for(lambda one: _service(one).get("latency", {}).get("ttft_source") == "router", "first tokens")
    return serve


def _service(snapshot):
    return snapshot["services"].get("dyn", {})


def _told(snapshot):
    service = _service(snapshot)
    used = service["pools"]["decode"]["kv_cache_usage_ratio"] if "decode" in service.get("pools", {}) else None
    return used and service["latency"]["ttft_source"] == "router" and service["latency"]["itl_seconds"]["p50"]


def test_roles_are_those_of_the_components(serve):
    """The frontend names the prefill worker by its number; backends are decode beside it; itself it is no worker."""
    last = serve.wait_for(lambda one: _service(one)["pools"].get("decode", {}).get("up") == 2, "both decode workers")
    workers = {worker["worker"]: (worker["role"], worker["role_source"]) for worker in _service(last)["workers"]}

    assert {"p0": ("prefill", "router"), "d0": ("decode", "labels"), "d1": ("decode", "labels")} == workers
    assert ["front"] == [router["worker"] for router in _service(last)["routers"]]
    assert (1, 3) == tuple(_service(last)["pools"][role]["engines"] for role in ("prefill", "decode"))


def test_queue_cache_and_latency_are_known(serve):
    """The engines tell cache and gaps, the frontend the first token."""
    last = serve.wait_for(_told, "KV in use and latencies")
    pools, latency = _service(last)["pools"], _service(last)["latency"]

    assert pools["prefill"]["requests_running"] is not None
    assert pools["decode"]["requests_waiting"] is not None
    assert 0 < latency["ttft_seconds"]["p50"] < 10
    assert 0 < latency["itl_seconds"]["p50"] < 1


def test_a_serving_fleet_is_not_called_unready(serve, dynamo):
    """`/health` of the workers answers 503 while they serve; nothing is made of it."""
    statuses = {httpx.get(f"{dynamo[0][name]}/health", trust_env=False).status_code for name in ("p0", "d0")}
    told = {finding["finding"] for finding in _service(serve.snapshots[-1])["findings"]}

    assert {503} == statuses
    assert not told & {"worker_not_ready", "worker_down", "role_empty", "role_mismatch"}


def test_prefill_that_dies_is_named_although_the_frontend_stays_healthy(serve, dynamo):
    """Every request fails from then on, and the frontend's own health does not say so."""
    urls, processes, load = dynamo
    before, at = load.failed, serve.snapshots[-1]["t"]
    processes["p0"].process.kill()
    told = serve.wait_for(
        lambda one: {"worker_down", "role_empty"} <= {finding["finding"] for finding in _service(one)["findings"]},
        "the dead worker and the empty role",
        after=at,
    )

    assert 200 == httpx.get(f"{urls['front']}/health", trust_env=False).status_code
    assert "fix" == _service(told)["advice"]["action"]
    assert load.failed >= before
