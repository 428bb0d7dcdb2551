"""Workers of a simulated fleet, found by `pdwatch serve` where such workers are registered."""

from __future__ import annotations

import base64
import json
import re
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import httpx
import pytest

pytestmark = pytest.mark.live


def watched(snapshot, service):
    """Return the workers of a service by name."""
    return {worker["worker"]: worker for worker in snapshot["services"].get(service, {}).get("workers", ())}


def listed(serve, service):
    """Return what /sd/workers tells of a service: address and role of each worker."""
    groups = serve.client.get("/sd/workers").json()
    return sorted(
        (group["targets"][0], group["labels"]["role"]) for group in groups if group["labels"]["service"] == service
    )


@pytest.fixture(scope="module")
def by_cluster(serve_of, cluster, fleet, write):
    """pdwatch that knows nothing but a cluster, in which the four workers run as pods of llm-d."""
    for name in fleet.workers:
        labels = {"llm-d.ai/role": name.partition("-")[0], "llm-d.ai/model": "qwen"}
        cluster.run(name, fleet.address(name), labels=labels, node=f"node-of-{name}")
    path = write({"discovery": [{"kubernetes": {"namespaces": ["llm"], "kubeconfig_file": "kube.conf"}}]})
    cluster.kubeconfig(path.parent)
    return serve_of("--config", str(path))


def test_pods_are_scraped_with_the_roles_of_their_labels(by_cluster, fleet):
    """Each pod that is ready is a worker: its page is read, its labels say the rest, and /sd/workers tells it."""
    last = by_cluster.wait_for(lambda one: one["self"]["up"] == 4, "the workers of the cluster")
    workers = watched(last, "qwen")

    assert {name: (name.partition("-")[0], "declared", name, f"node-of-{name}") for name in fleet.workers} == {
        name: (worker["role"], worker["role_source"], worker["replica"], worker["host"])
        for name, worker in workers.items()
    }
    assert all(worker["engines"] for worker in workers.values())
    assert sorted((fleet.address(name), name.partition("-")[0]) for name in fleet.workers) == listed(by_cluster, "qwen")


def test_a_pod_that_ends_leaves_without_a_finding(by_cluster, cluster, fleet):
    """A scale-in is no fault, a new pod is watched within a second or two."""
    cluster.delete("decode-1")
    gone = by_cluster.wait_for(lambda one: len(watched(one, "qwen")) == 3, "a worker less")
    cluster.run("decode-9", fleet.address("decode-1"), labels={"llm-d.ai/role": "decode", "llm-d.ai/model": "qwen"})
    back = by_cluster.wait_for(lambda one: one["self"]["up"] == 4, "the new worker", after=gone["t"])

    assert ["decode-0", "decode-9", "prefill-0", "prefill-1"] == sorted(watched(back, "qwen"))
    assert [] == [f for f in gone["services"]["qwen"]["findings"] if f["severity"] != "info"]


def test_an_api_server_that_ends_is_told_and_loses_no_worker(by_cluster, cluster):
    """The workers go on being scraped; the source is named in the metrics."""
    cluster.program.stop()
    told = by_cluster.wait_for(lambda one: one["self"]["discovery_errors"], "a word of the cluster")
    later = by_cluster.wait_for(lambda one: one["self"]["cycles"] > told["self"]["cycles"] + 2, "rounds after it")
    page = by_cluster.client.get("/metrics").text

    assert 4 == later["self"]["up"]
    assert re.search(r'^pdwatch_discovery_up\{source="kubernetes pods in llm"\} 0\.0$', page, re.MULTILINE)
    assert re.search(r'^pdwatch_discovery_targets\{source="kubernetes pods in llm"\} 4\.0$', page, re.MULTILINE)


class _Dashboard(BaseHTTPRequestHandler):
    """Answers as Ray's dashboard does, of one replica on one node."""

    def do_GET(self):
        replica = {"node_ip": "localhost", "state": "RUNNING", "replica_id": "x"}
        deployments = {"Decode:m": {"name": "Decode:m", "replicas": [replica]}}
        body = json.dumps({"applications": {"app": {"deployments": deployments}}}).encode()
        self.send_response(200 if self.path == "/api/serve/applications/" else 404)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def by_ray(fleet):
    """An entry for a worker that a dashboard knows."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Dashboard)
    Thread(target=server.serve_forever).start()
    port = fleet.address("prefill-1").rpartition(":")[2]
    yield {"ray": {"url": f"http://127.0.0.1:{server.server_port}", "port": port, "service": "by-ray"}}
    server.shutdown()
    server.server_close()


def text(value: bytes) -> str:
    """Return a key or a value as etcd's gateway takes it."""
    return base64.b64encode(value).decode()


@pytest.fixture(scope="module")
def by_name(name_server, fleet):
    """An entry for a worker by DNS."""
    port = fleet.address("decode-0").rpartition(":")[2]
    server = name_server(**{"SRV _http._tcp.vllm.local.": [f"0 10 {port} localhost."]})
    return {"dns": {"names": ["_http._tcp.vllm.local"], "servers": [server], "service": "by-dns", "role": "decode"}}


@pytest.fixture(scope="module")
def by_cards(card, fleet, etcd, tmp_path_factory):
    """Entries for a worker of Dynamo in files and one in etcd."""
    folder = tmp_path_factory.mktemp("kv")
    (folder / "v1/mdc").mkdir(parents=True)
    Path(folder, "v1/mdc", "dynamo%2Fprefill").write_bytes(card(fleet.address("prefill-0"), "prefill"))
    body = {"key": text(b"v1/mdc/dynamo/backend/7"), "value": text(card(fleet.address("decode-1"), "decode"))}
    httpx.post(f"{etcd}/v3/kv/put", json=body, trust_env=False).raise_for_status()
    return {"dynamo": {"path": str(folder), "service": "by-files"}}, {"dynamo": {"etcd": etcd}}


@pytest.fixture(scope="module")
def entries(by_name, by_cards, by_ray):
    """All of these in one configuration."""
    return [by_name, *by_cards, by_ray]


def test_every_other_place_in_one_configuration(serve_of, fleet, write, entries):
    """DNS, Dynamo in files and in etcd, and Ray, side by side: each worker by its place, with role and page."""
    ports = {name: fleet.address(name).rpartition(":")[2] for name in fleet.workers}
    serve = serve_of("--config", str(write({"discovery": entries})))
    last = serve.wait_for(lambda one: one["self"]["up"] == 4, "the workers of all places")

    assert {} == last["self"]["discovery_errors"]
    assert [(f"localhost:{ports['decode-0']}", "decode")] == listed(serve, "by-dns")
    assert [(fleet.address("prefill-0"), "prefill")] == listed(serve, "by-files")
    assert [(fleet.address("decode-1"), "decode")] == listed(serve, "tiny")
    assert [f"localhost:{ports['prefill-1']}"] == [address for address, _ in listed(serve, "by-ray")]


def test_a_user_of_etcd_logs_in(serve_of, fleet, write, card, etcd):
    """With authentication on, etcd gives cards to those who may read them alone."""

    def do(path, **body):
        httpx.post(f"{etcd}/v3/{path}", json=body, trust_env=False).raise_for_status()

    everything = base64.b64encode(b"\0").decode()
    do(
        "kv/put",
        key=base64.b64encode(b"v1/mdc/a").decode(),
        value=base64.b64encode(card("127.0.0.1:1", "decode")).decode(),
    )
    for name, password in (("root", "r"), ("watcher", "hunter2")):
        do("auth/user/add", name=name, password=password)
        do("auth/role/add", name=name)
        do("auth/user/grant", user=name, role=name)
    do("auth/role/grant", name="watcher", perm={"permType": "READ", "key": everything, "range_end": everything})
    do("auth/enable")
    path = write(
        {"discovery": [{"dynamo": {"etcd": etcd, "basic_auth": {"username": "watcher", "password_file": "p"}}}]}
    )
    path.with_name("p").write_text("hunter2\n")
    serve = serve_of("--config", str(path))
    without = serve_of("--config", str(write({"discovery": [{"dynamo": {"etcd": etcd}}]})))

    known = serve.wait_for(lambda one: watched(one, "tiny"), "the workers for one who may")
    refused = without.wait_for(lambda one: one["self"]["discovery_errors"], "a refusal")

    assert "127.0.0.1:1" in watched(known, "tiny")
    assert {} == known["self"]["discovery_errors"]
    assert "etcdserver: user name is empty" in next(iter(refused["self"]["discovery_errors"].values()))
