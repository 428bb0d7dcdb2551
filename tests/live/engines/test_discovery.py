"""Real workers of Dynamo, found where they register: in files, and in a real etcd."""

from __future__ import annotations

import shutil

import pytest

pytestmark = pytest.mark.live

ROLES = ("prefill", "decode")
BLOCKS = ("--block-size", "16", "--num-gpu-blocks-override", "600", "--max-num-seqs", "8")


@pytest.fixture(scope="module")
def etcd(start, free_port, tmp_path_factory):
    """A real etcd."""
    program = shutil.which("etcd")
    if program is None:
        pytest.skip("etcd is not installed; `make services` installs it")
    client, peer = (f"http://127.0.0.1:{free_port()}" for _ in range(2))
    flags = ("--listen-client-urls", client, "--advertise-client-urls", client, "--initial-cluster", f"default={peer}")
    peers = ("--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer)
    etcd = start(program, "--data-dir", str(tmp_path_factory.mktemp("etcd")), *flags, *peers)
    etcd.line("ready to serve client requests")
    return client


@pytest.fixture(scope="module")
def workers_of(start, programs, free_port, model):
    """Start a worker of each role that registers with a backend; return the ports of their pages by role."""

    def begin(**backend):
        ports = {role: free_port() for role in ROLES}
        plane = {"DYN_REQUEST_PLANE": "tcp", "DYN_EVENT_PLANE": "zmq", **backend}
        for role, port in ports.items():
            settings = [f"{name}={value}" for name, value in (plane | {"DYN_SYSTEM_PORT": port}).items()]
            flags = ("--model-path", str(model), "--model-name", "tiny", "--disaggregation-mode", role, *BLOCKS)
            start("env", *settings, str(programs / "python"), "-m", "dynamo.mocker", *flags)
        return ports

    return begin


def _found(snapshot):
    """Return port and role of each worker that is up."""
    workers = snapshot["services"].get("tiny", {}).get("workers", ())
    return {(int(w["url"].split(":")[2].partition("/")[0]), w["role"], w["role_source"]) for w in workers if w["up"]}


def _wait(serve, ports):
    expected = {(port, role, "router") for role, port in ports.items()}
    serve.wait_for(lambda one: _found(one) == expected, "both workers with their roles")


def test_workers_in_files(workers_of, serve_of, write, tmp_path):
    """The folder alone leads to pages and roles; the model is the service."""
    folder = tmp_path / "kv"
    ports = workers_of(DYN_DISCOVERY_BACKEND="file", DYN_FILE_KV=folder)

    _wait(serve_of("--config", str(write({"discovery": [{"dynamo": {"path": str(folder), "refresh": "1s"}}]}))), ports)


def test_workers_in_etcd(workers_of, serve_of, write, etcd):
    """So does etcd."""
    ports = workers_of(DYN_DISCOVERY_BACKEND="etcd", ETCD_ENDPOINTS=etcd)

    _wait(serve_of("--config", str(write({"discovery": [{"dynamo": {"etcd": etcd, "refresh": "1s"}}]}))), ports)
