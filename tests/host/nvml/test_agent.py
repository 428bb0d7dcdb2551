"""`pdwatch agent` as a process: a fake driver, trees instead of /sys and /proc, a log file."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest

from pdwatch.host.adapters import read, wants
from pdwatch.model.port import PortCounter
from pdwatch.scrape.exposition import PageParser

DUMPS = Path(__file__).parents[1] / "fabric" / "sys"
SEVEN = ("bnxt_re0", "irdma0", "mlx5_0", "mlx5_1", "mlx5_2", "mlx5_bond_0", "rdmap16s27")
GENEROUS = 60.0
STEP = (
    "(EngineCore_DP0 pid=110) INFO 11-21 09:00:00 [eplb_state.py:500] EPLB step: 2999 for model m: avg_tokens=84.00, "
    "max_tokens=100, balancedness=0.8400, steps until the next rearrangement: 1"
)

pytestmark = pytest.mark.live


class Agent:
    """A running agent."""

    def __init__(self, url: str) -> None:
        self.client = httpx.Client(base_url=url, trust_env=False, timeout=30.0)

    def until(self, path: str, wanted: Callable[[str], Any]) -> str:
        """Ask for *path* again and again until its text is as wanted."""
        end = time.monotonic() + GENEROUS
        text = ""
        while time.monotonic() < end:
            text = self.client.get(path).text
            if wanted(text):
                return text
            time.sleep(0.05)
        return pytest.fail(f"{path} never became as wanted: {text[:2000]}")


@pytest.fixture
def agent(environment: dict[str, str]) -> Iterator[Callable[..., Agent]]:
    """Start an agent on a free port; it must end with 0 and without a traceback."""
    with ExitStack() as stack:

        def start(*arguments: str) -> Agent:
            command = [sys.executable, "-m", "pdwatch", "agent", "--listen", "127.0.0.1:0", "--interval", "1s"]
            clean = {name: value for name, value in environment.items() if not name.startswith("PDWATCH_")}
            process = subprocess.Popen([*command, *arguments], stderr=subprocess.PIPE, text=True, env=clean)
            stack.callback(stop, process)
            announced = re.search(r"http://\S+/", process.stderr.readline())
            made = Agent(announced.group())
            stack.callback(made.client.close)
            return made

        yield start


def stop(process: subprocess.Popen[str]) -> None:
    process.terminate()
    _, narration = process.communicate(timeout=GENEROUS)

    assert (0, False) == (process.returncode, "Traceback" in narration)


@pytest.fixture
def sysfs(tmp_path: Path) -> Path:
    """A tree like /sys with seven devices of five drivers."""
    root = tmp_path / "sys"
    for device in SEVEN:
        for line in (DUMPS / f"{device}.txt").read_text().splitlines():
            file, _, text = line.partition(": ")
            path = root / "class/infiniband" / device / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text.replace("\\n", "\n") + "\n")
    return root


@pytest.fixture
def procfs(tmp_path: Path) -> Path:
    """A tree like /proc with a decode engine and its worker process."""
    root = tmp_path / "proc"
    config = json.dumps({"kv_connector": "NixlConnector", "kv_role": "kv_consumer"})
    serve = ["python3", "/opt/venv/bin/vllm", "serve", "m", "--port", "8000", "--kv-transfer-config", config]
    processes = {100: (1, serve), 111: (100, ["VLLM::Worker_DP0_TP0_EP0"])}
    for pid, (parent, argv) in processes.items():
        (root / str(pid)).mkdir(parents=True)
        (root / str(pid) / "cmdline").write_bytes(b"".join(word.encode() + b"\0" for word in argv))
        (root / str(pid) / "status").write_text(f"Name:\tpython3\nNSpid:\t{pid}\nVmRSS:\t2048 kB\n")
        zeros = " ".join(["0"] * 12)
        (root / str(pid) / "stat").write_text(f"{pid} (python3) S {parent} 1 1 0 -1 4194304 {zeros} 500 0 0\n")
    (root / "stat").write_text("btime 1700000000\n")
    return root


def test_an_agent_shows_the_host_whole(agent, sysfs, procfs, state, tmp_path):
    """GPUs, seven devices, an engine group and its log are on the page, which reads back as a host."""
    state.set("*", processes="111:120259084288")
    log = tmp_path / "decode.log"
    log.write_text("")
    running = agent("--path.sysfs", str(sysfs), "--path.procfs", str(procfs), "--log", str(log), "--host", "node0")
    running.until("/metrics", lambda text: "pdwatch_gpu_info{" in text and "pdwatch_engine_log_behind_bytes{" in text)
    with log.open("a") as writer:
        writer.write(STEP + "\n")
    text = running.until("/metrics", lambda text: "pdwatch_engine_log_expert_balancedness_ratio{" in text)

    host = read(PageParser(wants).parse(text), "node0", 1.0)
    assert set(SEVEN) == {device.name for device in host.fabric.devices}
    assert 7 == len(host.fabric.ports)
    assert all(PortCounter.RX_BYTES in port.counters for port in host.fabric.ports if port.device == "mlx5_0")
    assert ["NVIDIA H200"] == [gpu.name for gpu in host.gpus.gpus]
    (group,) = host.processes.groups
    assert ("NixlConnector", 8000, "decode") == (group.config.kv.connector, group.config.port, group.config.role)
    assert [100, 111] == [process.pid for process in group.processes]
    (balance,) = host.logs.balancedness
    assert (str(log), "m", 0.84) == (balance.source, balance.model, balance.ratio)
    assert {} == host.failed


def test_an_agent_answers_as_serve_does(agent, sysfs, procfs):
    """The same paths: for people, for probes and as JSON."""
    running = agent("--path.sysfs", str(sysfs), "--path.procfs", str(procfs), "--host", "node0")
    running.until("/-/ready", lambda text: "is ready" in text)
    page = running.until("/", lambda text: "NVIDIA H200" in text)
    snapshot = running.client.get("/api/v1/snapshot").json()

    assert all(device in page for device in SEVEN)
    assert "NixlConnector" in page
    assert 200 == running.client.get("/-/healthy").status_code
    assert ["local"] == snapshot["hosts"]["node0"]["origins"]
    assert {} == snapshot["services"]
    assert [] == running.client.get("/sd/workers").json()


def test_an_agent_on_a_bare_host_says_what_it_looked_for(agent, tmp_path, environment):
    """Without driver, devices, engines and logs there is still a page, and it says why it is empty."""
    environment["LD_LIBRARY_PATH"] = str(tmp_path)
    (tmp_path / "sys").mkdir()
    (tmp_path / "proc" / "1").mkdir(parents=True)
    (tmp_path / "proc" / "1" / "cmdline").write_bytes(b"/sbin/init\0")
    (tmp_path / "proc" / "1" / "stat").write_text(f"1 (init) S 0 1 1 0 -1 0 {' '.join(['0'] * 12)} 1 0 0\n")
    running = agent("--path.sysfs", str(tmp_path / "sys"), "--path.procfs", str(tmp_path / "proc"), "--host", "bare")
    page = running.until("/", lambda text: "Host bare" in text and "nvml" in text)
    text = running.until("/metrics", lambda text: 'collector="nvml"' in text)

    assert "no RDMA device" in page
    assert "no log is configured" in page
    assert "no engine or router process" in page
    assert 4 == len(re.findall(r"^pdwatch_host_collector_absent_info\{", text, re.MULTILINE))
    assert 'pdwatch_host_up{host="bare"} 1.0' in text
