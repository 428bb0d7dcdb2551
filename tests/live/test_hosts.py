"""`serve` over a fleet and the pages about its hosts."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.live

DUMPS = Path(__file__).parents[1] / "host" / "fabric" / "sys"


@pytest.fixture(scope="module")
def agent(pdwatch, fleet, tmp_path_factory) -> str:
    """An agent on a host with one card and a decode engine that listens where decode-0 of the fleet does."""
    root = tmp_path_factory.mktemp("host")
    for line in (DUMPS / "mlx5_0.txt").read_text().splitlines():
        file, _, text = line.partition(": ")
        path = root / "sys/class/infiniband/mlx5_0" / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.replace("\\n", "\n") + "\n")
    port = fleet.address("decode-0").rpartition(":")[2]
    process = root / "proc" / "100"
    process.mkdir(parents=True)
    config = json.dumps({"kv_connector": "NixlConnector", "kv_role": "kv_consumer"})
    argv = ["python3", "/opt/vllm", "serve", "m", "--port", port, "--kv-transfer-config", config]
    (process / "cmdline").write_bytes(b"".join(word.encode() + b"\0" for word in argv))
    (process / "status").write_text("Name:\tpython3\nNSpid:\t100\nVmRSS:\t2048 kB\n")
    (process / "stat").write_text(f"100 (python3) S 1 1 1 0 -1 4194304 {' '.join(['0'] * 12)} 500 0 0\n")
    trees = ("--path.sysfs", str(root / "sys"), "--path.procfs", str(root / "proc"))
    program = pdwatch("agent", "--listen", "127.0.0.1:0", "--interval", "1s", "--host", "its-own-name", *trees)
    return program.line(r"http://([0-9.:]+)/").group(1)


@pytest.fixture(scope="module")
def serve(serve_of: Callable[..., Any], fleet, agent, write) -> Any:
    """A serve that scrapes the fleet, the agent as node0, and an engine that was named as a host by mistake."""
    workers = [group | {"labels": group["labels"] | {"host": "node0"}} for group in fleet.groups()]
    hosts = [
        {"targets": [agent], "labels": {"host": "node0"}},
        {"targets": [fleet.address("prefill-0")], "labels": {"host": "node1"}},
        {"targets": ["127.0.0.1:1"], "labels": {"host": "node2"}},
    ]
    config = {"discovery": [{"static": workers}], "hosts": [{"static": hosts}], "agent": {"host": "here"}}
    return serve_of("--config", str(write(config)))


def test_serve_shows_hosts_beside_their_workers(serve):
    """The agent's host under the name that serve knows it by, its worker joined with process and port."""
    snapshot = serve.wait_for(
        lambda it: any(p["group"] for s in it["services"].values() for p in s.get("placements", ())), "a placement"
    )
    placed = {p["worker"]: p for p in snapshot["services"]["default"]["placements"]}

    assert ["agent"] == snapshot["hosts"]["node0"]["origins"]
    assert (100, [["mlx5_0", 1]]) == (placed["decode-0"]["group"], placed["decode-0"]["ports"])
    assert None is placed["prefill-0"]["group"]
    assert "node0" == placed["prefill-0"]["host"]


def test_a_page_that_is_none_of_a_host_is_named_with_what_it_answers(serve):
    """The other hosts are not touched."""
    snapshot = serve.wait_for(lambda it: {"node0", "node1"} <= set(it["hosts"]), "node0 and node1")
    hosts = snapshot["hosts"]

    assert "vllm:" in hosts["node1"]["error"]
    assert "name pdwatch agent, dcgm-exporter or node_exporter" in hosts["node1"]["error"]
    assert (False, True) == (hosts["node1"]["up"], hosts["node0"]["up"])


def test_a_host_that_does_not_answer_is_down(serve):
    """It is shown as down, with why."""
    host = serve.wait_for(lambda it: it["hosts"].get("node2", {}).get("error"), "node2's error")["hosts"]["node2"]

    assert (False, True, None) == (host["up"], host["stale"], host["reading"])


def test_the_page_has_the_host_in_prometheus_terms(serve):
    """Under the same names as on the agent's own page, labelled with the host."""
    text = serve.client.get("/metrics").text

    assert 'pdwatch_host_up{host="node0"} 1.0' in text
    assert 'pdwatch_fabric_port_rate_bytes_per_second{device="mlx5_0",host="node0",port="1"} 5e+10' in text
