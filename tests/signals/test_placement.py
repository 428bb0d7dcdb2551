"""Which worker lives on which host, and what there is its own."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pdwatch.model.gpu import GpuProcess, GpuReading, NvmlReading
from pdwatch.model.host import HostOrigin, HostReading, HostState
from pdwatch.model.logline import Balancedness, HostLogs
from pdwatch.model.placement import Placement
from pdwatch.model.port import FabricReading, PortReading
from pdwatch.model.process import (
    Container,
    EngineConfig,
    EngineFamily,
    EngineGroup,
    EngineProcess,
    HostProcesses,
    ProcessKind,
    ProcessState,
)
from pdwatch.model.snapshot import WorkerState
from pdwatch.model.target import Role, RoleSource
from pdwatch.signals.expert_logs import expert_balance
from pdwatch.signals.placement import placements, visible_gpus

GPUS = tuple(GpuReading(index, uuid=f"GPU-{index}{index}") for index in range(4))
PORTS = (PortReading("mlx5_0", 1), PortReading("mlx5_1", 1))


def worker(name: str = "w", url: str = "http://10.0.0.1:8000/metrics", host: str | None = None) -> WorkerState:
    return WorkerState(name, url, Role.DECODE, RoleSource.DECLARED, "r", host, True, 1.0)


def group(pid: int, port: int, **facts: object) -> EngineGroup:
    process = EngineProcess(pid + 1, pid, ProcessKind.WORKER, ProcessState.RUNNING)
    made = EngineGroup(pid, EngineFamily.VLLM, EngineConfig(EngineFamily.VLLM, port=port), (process,))
    return replace(made, **facts)  # type: ignore[arg-type]


def host(name: str, *groups: EngineGroup, address: str = "", gpus: tuple[GpuReading, ...] = GPUS) -> HostState:
    reading = HostReading(
        name,
        HostOrigin.AGENT,
        1.0,
        gpus=NvmlReading(1.0, gpus),
        fabric=FabricReading(1.0, (), PORTS),
        processes=HostProcesses(groups),
        nearest={0: ("mlx5_0",), 1: ("mlx5_1",)},
    )
    return HostState(name, (HostOrigin.AGENT,), True, 1.0, reading=reading, addresses=(address,) if address else ())


def place(one: WorkerState, *hosts: HostState) -> Placement | None:
    found = placements([one], {state.host: state for state in hosts})
    return found[0] if found else None


def test_the_label_tells_the_host():
    """It wins over an address that another host has."""
    placement = place(worker(host="node1"), host("node0", address="10.0.0.1"), host("node1"))

    assert placement is not None
    assert "node1" == placement.host


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://10.0.0.1:8000/metrics", "node0"),
        ("http://node0:8000/metrics", "node0"),
        ("http://10.0.0.3:8000/metrics", None),
        ("http://10.1.0.7:8000/metrics", "node0"),
        ("http://127.0.0.1:8000/metrics", None),
    ],
    ids=["address of its page", "name", "unknown address", "address of its pod", "loopback of somebody"],
)
def test_else_the_address_tells_the_host(url, expected):
    """That of the host's page, its name, or one that an engine on it has in its own network."""
    pod = group(100, 8000, addresses=("127.0.0.1", "10.1.0.7"))
    placement = place(worker(url=url), host("node0", pod, address="10.0.0.1"))

    assert expected == (placement.host if placement else None)


def test_an_address_of_two_hosts_tells_nothing():
    """Rather nowhere than on the wrong machine."""
    assert None is place(worker(), host("a", address="10.0.0.1"), host("b", address="10.0.0.1"))


def test_the_port_tells_the_engine_group():
    """Two engines on one host are told apart."""
    placement = place(worker(host="n"), host("n", group(100, 8000), group(200, 8001)))

    assert 100 == placement.group


def test_gpus_are_those_that_its_processes_compute_on():
    """By pid, whatever its environment says."""
    used = (GPUS[0], replace(GPUS[1], processes=(GpuProcess(101),)), *GPUS[2:])
    one = group(100, 8000, environment={"CUDA_VISIBLE_DEVICES": "3"})

    assert (1,) == place(worker(host="n"), host("n", one, gpus=used)).gpus


def test_ports_are_those_nearest_to_its_gpus():
    """Of two cards on two switches, the one below the same switch."""
    one = group(100, 8000, environment={"CUDA_VISIBLE_DEVICES": "1"})
    placement = place(worker(host="n"), host("n", one))

    assert ((1,), (("mlx5_1", 1),)) == (placement.gpus, placement.ports)


def test_without_known_gpus_all_ports_of_the_host_may_be_its_own():
    """A host of one engine is the common case."""
    placement = place(worker(host="n"), host("n", group(100, 8000)))

    assert ((), (("mlx5_0", 1), ("mlx5_1", 1))) == (placement.gpus, placement.ports)


def test_a_host_that_never_answered_holds_its_workers_all_the_same():
    """What is on it is not known."""
    bare = HostState("n", (), False, None, stale=True)

    assert Placement("w", "n") == place(worker(host="n"), bare)


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, ()),
        ({"CUDA_VISIBLE_DEVICES": "2,0"}, (2, 0)),
        ({"CUDA_VISIBLE_DEVICES": "GPU-33"}, (3,)),
        ({"CUDA_VISIBLE_DEVICES": ""}, ()),
        ({"CUDA_VISIBLE_DEVICES": "1,-1,2"}, (1,)),
        ({"CUDA_VISIBLE_DEVICES": "1,9,2"}, (1,)),
        ({"NVIDIA_VISIBLE_DEVICES": "all"}, (0, 1, 2, 3)),
        ({"NVIDIA_VISIBLE_DEVICES": "void"}, ()),
        ({"NVIDIA_VISIBLE_DEVICES": "GPU-22,GPU-33", "CUDA_VISIBLE_DEVICES": "1"}, (3,)),
    ],
)
def test_the_environment_tells_which_gpus_are_visible(environment, expected):
    """Positions within positions: those of CUDA count what the container has."""
    assert expected == visible_gpus(environment, GPUS)


def balanced(*balances: Balancedness, groups: tuple[EngineGroup, ...]) -> dict[str, float]:
    state = host("n", *groups)
    reading = replace(state.reading, logs=HostLogs((), balances))
    hosts = {"n": replace(state, reading=reading)}
    workers = [worker(host="n")]
    return expert_balance(workers, placements(workers, hosts), hosts)


def balance(source: str, ratio: float, age: float = 1.0, usable: bool | None = True) -> Balancedness:
    return Balancedness(source, "m", ratio, usable, 99.0, age)


def test_the_only_engine_of_a_host_wrote_its_logs():
    """Of several ranks and models, the least even one counts."""
    assert {"r": 0.6} == balanced(balance("a.log", 0.9), balance("b.log", 0.6), groups=(group(100, 8000),))


@pytest.mark.parametrize(
    ("source", "container"),
    [
        ("vllm-a.service", Container(unit="vllm-a.service")),
        ("/var/log/containers/decode_llm_f00d.log", Container(container_id="f00d")),
        ("/var/log/pods/llm_decode_1a-2b/0.log", Container(pod_uid="1a_2b")),
    ],
)
def test_of_several_engines_the_unit_container_or_pod_tells_whose_log_it_is(source, container):
    """What no name connects with the worker's engine is not its own."""
    groups = (group(100, 8000, container=container), group(200, 8001))

    assert {"r": 0.8} == balanced(balance(source, 0.8), balance("other.log", 0.1), groups=groups)


@pytest.mark.parametrize("odd", [balance("a.log", 0.2, age=301.0), balance("a.log", 0.2, usable=False)])
def test_an_old_or_meaningless_balance_is_none(odd):
    """An idle engine prints nothing, and some versions print a number over something else."""
    assert {} == balanced(odd, groups=(group(100, 8000),))
