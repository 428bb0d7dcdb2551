"""From readings of a host to a finding that names the worker who suffers, over the whole road."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from pdwatch.model.gpu import GpuReading, NvmlReading
from pdwatch.model.host import HostOrigin, HostReading
from pdwatch.model.judgement import Action, Severity
from pdwatch.model.page import Scrape
from pdwatch.model.port import FabricReading, PortCounter, PortReading, PortState
from pdwatch.model.snapshot import ServiceState
from pdwatch.model.target import Role, RoleSource, Target
from pdwatch.road.road import Road, RoadSettings

PAGE = """vllm:num_requests_running{engine="0",model_name="m"} 0
vllm:kv_cache_usage_perc{engine="0",model_name="m"} 0
vllm:nixl_xfer_time_seconds_bucket{engine="0",le="+Inf",model_name="m"} %(count)d
vllm:nixl_xfer_time_seconds_sum{engine="0",model_name="m"} %(seconds)f
vllm:nixl_xfer_time_seconds_count{engine="0",model_name="m"} %(count)d
vllm:nixl_bytes_transferred_bucket{engine="0",le="+Inf",model_name="m"} %(count)d
vllm:nixl_bytes_transferred_sum{engine="0",model_name="m"} %(bytes)f
vllm:nixl_bytes_transferred_count{engine="0",model_name="m"} %(count)d
"""
NAMES = {Role.PREFILL: "prefill-0", Role.DECODE: "decode-0"}


class Story:
    """A prefill worker somewhere and a decode worker on the own host, five seconds a step."""

    def __init__(self) -> None:
        self.road = Road(RoadSettings())
        self.at = 0.0
        self.transfers: dict[str, float] = {"count": 0, "seconds": 0.0, "bytes": 0.0}

    def step(
        self,
        gpu: GpuReading | None = None,
        state: PortState = PortState.ACTIVE,
        counters: Mapping[PortCounter, int] | None = None,
        moved: Sequence[float] = (0, 0.0, 0.0),
    ) -> ServiceState:
        """Let *moved* (transfers, seconds, bytes) happen on decode and close a round."""
        self.at += 5.0
        self.transfers = {name: value + more for (name, value), more in zip(self.transfers.items(), moved, strict=True)}
        self.road.observe_host(
            HostReading(
                "node1",
                HostOrigin.LOCAL,
                self.at,
                gpus=NvmlReading(self.at, (gpu or GpuReading(0),)),
                fabric=FabricReading(self.at, (), (PortReading("mlx5_0", 1, state, counters=counters or {}),)),
            )
        )
        for role, name in NAMES.items():
            host = "node1" if role is Role.DECODE else None
            target = Target(f"http://{name}:8000/metrics", name, "s", role, RoleSource.DECLARED, host=host)
            still = {"count": 0, "seconds": 0.0, "bytes": 0.0}
            body = PAGE % (self.transfers if role is Role.DECODE else still)
            self.road.observe(Scrape(target, self.at, 0.0, 200, body))
        return self.road.tick(self.at).services["s"]


@pytest.fixture
def story() -> Story:
    """Nothing has happened."""
    return Story()


def _named(state: ServiceState) -> dict[str, dict[str, str]]:
    return {finding.finding: dict(finding.scope) for finding in state.findings if finding.severity > Severity.INFO}


def test_a_port_that_goes_down_is_named_at_once(story: Story) -> None:
    """With the worker, and the advice is to mend it."""
    calm = [_named(story.step()) for _ in range(3)]
    down = story.step(state=PortState.DOWN)
    mended = [_named(story.step()) for _ in range(2)][-1]

    assert [{}] * 3 == calm
    assert {"fabric_port_down": {"role": "decode", "worker": "decode-0", "host": "node1", "port": "mlx5_0/1"}} == (
        _named(down)
    )
    assert Action.FIX is down.advice.action
    assert {} == mended


def test_a_hot_gpu_is_named_within_seconds(story: Story) -> None:
    """The driver's durations grow by half of the time."""
    for n in range(5):
        state = story.step(gpu=GpuReading(0, throttled_seconds={"hw_thermal_slowdown": 700.0 + 2.5 * n}))

    assert {"gpu_throttled": {"role": "decode", "worker": "decode-0", "host": "node1", "gpu": "0"}} == _named(state)


def test_kv_that_leaves_the_fabric_is_named(story: Story) -> None:
    """Ten transfers of 500 MB a step: first through the port, then around it, when each takes ten times as long."""
    fabric = 0
    for _ in range(14):
        fabric += 5_000_000_000
        healthy = story.step(counters={PortCounter.RX_BYTES: fabric}, moved=(10, 1.0, 5e9))
    for _ in range(20):
        fallen = story.step(counters={PortCounter.RX_BYTES: fabric}, moved=(10, 10.0, 5e9))

    assert {} == _named(healthy)
    assert {"kv_transfer_off_fabric", "kv_transfer_slow"} == set(_named(fallen))
    assert {"role": "decode", "worker": "decode-0", "host": "node1"} == _named(fallen)["kv_transfer_off_fabric"]


def test_a_collector_that_begins_anew_invents_no_errors(story: Story) -> None:
    """Its counters fall from what was extended over wraps to 32 bits."""
    for _ in range(4):
        story.step(counters={PortCounter.RETRIES_EXHAUSTED: 3 * 2**32 + 7})
    states = [story.step(counters={PortCounter.RETRIES_EXHAUSTED: 7}) for _ in range(4)]

    assert [{}] * 4 == [_named(state) for state in states]
