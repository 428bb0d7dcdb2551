"""GPUs and fabric ports of the hosts, on pages of their own and beside the worker that they belong to."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pdwatch.model.gpu import GpuReading, GpuState, GpuXid, NvmlReading
from pdwatch.model.host import HostOrigin, HostReading, HostState
from pdwatch.model.judgement import Finding, Severity
from pdwatch.model.placement import Placement
from pdwatch.model.port import FabricReading, PortCounter, PortReading, PortState
from pdwatch.model.snapshot import Snapshot
from pdwatch.top.hardware import gpu_rows, port_rows
from pdwatch.top.status import Status
from pdwatch.top.view import Tab

T0 = 1_795_000_000.0
GIB = 2**30


def _gpu(index: int, **changed) -> GpuReading:
    fine = GpuReading(
        index, name="NVIDIA H200", utilization_ratio=0.98, memory_total_bytes=141 * GIB, memory_used_bytes=136 * GIB,
        power_watts=688.0, power_limit_watts=700.0, temperature_celsius=71.0, clock_sm_hertz=1.98e9, nvlinks=18,
        nvlinks_active=18, clocks_event_reasons=("sw_power_cap",), xids=(),
    )  # fmt: skip
    return replace(fine, **changed)


def _port(device: str, received: int, **changed) -> PortReading:
    counters = {PortCounter.RX_BYTES: received, PortCounter.TX_BYTES: 2 * received, PortCounter.SYMBOL_ERRORS: 3}
    fine = PortReading(device, 1, PortState.ACTIVE, rate_bits_per_second=400_000_000_000, counters=counters)
    return replace(fine, **changed)


def _host(t: float, *ports: PortReading) -> HostState:
    gpus = (
        _gpu(0),
        _gpu(1, clocks_event_reasons=("hw_thermal_slowdown",)),
        _gpu(2, state=GpuState.LOST),
        _gpu(3, xids=(GpuXid(79, 1, t),)),
    )
    reading = HostReading("gpu-14", HostOrigin.AGENT, t, NvmlReading(t, gpus), FabricReading(t, (), ports))
    return HostState("gpu-14", (HostOrigin.AGENT,), up=True, age_seconds=1.0, reading=reading)


@pytest.fixture
def fleet(worker, service, snapshot) -> list[Snapshot]:
    """Two snapshots, two seconds apart, of a worker on a host with four GPUs and three ports."""
    placement = Placement("d-14", "gpu-14", gpus=(0, 1), ports=(("mlx5_0", 1),))
    down = Finding("fabric_port_down", Severity.CRITICAL, {"host": "gpu-14", "port": "mlx5_2"}, T0, "says", "do")
    state = service([worker("d-14")], placements=(placement,), findings=(down,))
    found = []
    for t, received in ((T0, 10**12), (T0 + 10.0, 10**12 + 182 * 10**9)):
        slow = _port(
            "mlx5_1", received, rate_bits_per_second=200_000_000_000, sibling_rate_bits_per_second=400_000_000_000
        )
        ports = (
            _port("mlx5_0", received),
            slow,
            PortReading("mlx5_2", 1, PortState.DOWN),
            PortReading("mlx5_3", 1, PortState.DOWN),
        )
        gone = HostState("gpu-16", (HostOrigin.AGENT,), up=False, age_seconds=40.0, error="connection refused")
        found.append(replace(snapshot(state, t=t), hosts={"gpu-14": _host(t, *ports), "gpu-16": gone}))
    return found


def test_each_gpu_has_a_state_and_an_owner(fleet: list[Snapshot]) -> None:
    """At its power limit it is fine; slowed by heat or with an Xid it warns; lost it is bad."""
    rows = gpu_rows(fleet[-1], fleet[-1].services["prod-eu-1"])

    assert [
        (Status.OK, "", ("d-14",)),
        (Status.WARN, "hw thermal slowdown", ("d-14",)),
        (Status.BAD, "lost", ()),
        (Status.WARN, "Xid 79", ()),
    ] == [(row.status, row.trouble, row.workers) for row in rows]


def test_each_port_has_a_state(fleet: list[Snapshot]) -> None:
    """Slower than its siblings it warns; down it is nothing, unless a finding says so."""
    rows = port_rows(fleet[-1], fleet[-1].services["prod-eu-1"])

    assert [Status.OK, Status.WARN, Status.BAD, None] == [row.status for row in rows]


@pytest.mark.parametrize("tab", [Tab.GPU, Tab.FABRIC])
def test_pages(tab: Tab, fleet: list[Snapshot], session, golden) -> None:
    """With rates since the reading before; a host that is silent is named."""
    seen = session(fleet)
    seen.choose(tab=tab)

    golden.check(f"top/hosts-{tab.name.lower()}-120x40.txt", f"{seen.draw(120, 40, 10.0).text()}\n".encode())


def test_a_worker_shows_its_gpus_and_ports(fleet: list[Snapshot], session) -> None:
    """Those that discovery and the agent joined with it."""
    seen = session(fleet)
    seen.choose(drilled="http://d-14:8000/metrics")
    text = seen.draw(120, 40, 10.0).text()

    assert "gpu-14 mlx5_0/1" in text
    assert "▲ 1 NVIDIA H200  use 98 %  hw thermal slowdown" in text
    assert "2 NVIDIA" not in text


def test_a_counter_that_was_reset_is_no_rate(fleet: list[Snapshot], session) -> None:
    """A port that counts from zero again has no rate for one reading."""
    seen = session(fleet[::-1][:1])
    later = replace(fleet[0], t=T0 + 20.0)
    seen.arrive(later, 20.0)
    seen.choose(tab=Tab.FABRIC)

    assert "GB/s" not in seen.draw(120, 40, 20.0).text()


def test_hosts_without_gpus_say_so(fleet: list[Snapshot], session) -> None:
    """Known hosts that tell nothing of a kind are no missing configuration."""
    silent = {name: replace(host, reading=None) for name, host in fleet[0].hosts.items()}
    seen = session([replace(fleet[0], hosts=silent)])
    seen.choose(tab=Tab.GPU)
    text = seen.draw(120, 40, 0.0).text()

    assert "2 hosts are known; none tells of GPUs." in text
    assert "gpu-16: connection refused, last 40s ago" in text
