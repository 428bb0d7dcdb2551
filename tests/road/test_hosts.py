"""Hosts on the road: sources in, one state per host out, joined with workers."""

from __future__ import annotations

import pytest

from pdwatch.model.gpu import GpuReading, NvmlReading
from pdwatch.model.host import HostOrigin, HostReading
from pdwatch.model.logline import Balancedness, HostLogs
from pdwatch.model.page import Scrape
from pdwatch.model.port import FabricReading
from pdwatch.model.process import (
    EngineConfig,
    EngineFamily,
    EngineGroup,
    EngineProcess,
    HostProcesses,
    ProcessKind,
    ProcessState,
)
from pdwatch.model.target import Role, RoleSource, Target
from pdwatch.road.hosts import HostRoad, merge
from pdwatch.road.road import Road, RoadSettings
from pdwatch.scrape.series import DEFAULT_LIMITS

AGENT = 'pdwatch_host_up{host="whatever"} 1\npdwatch_gpu_reading_timestamp_seconds{host="whatever"} 5\n'
AGENT += 'pdwatch_gpu_info{host="whatever",gpu="0",uuid="GPU-1"} 1\n'
NODE = 'node_infiniband_info{device="mlx5_0",board_id="b"} 1\nnode_infiniband_state_id{device="mlx5_0",port="1"} 4\n'
PAGE = 'vllm:num_requests_running{engine="0",model_name="m"} 1\nvllm:kv_cache_usage_perc{engine="0",model_name="m"} 0\n'
STALE_AFTER = 15.0


def page_of(url: str, body: str | None, at: float, host: str | None = None) -> Scrape:
    worker = url.removeprefix("http://").removesuffix("/metrics")
    error = None if body is not None else "connection refused"
    return Scrape(Target(url, worker, host=host), at, 0.1, 200 if body else None, body, error)


@pytest.fixture
def hosts() -> HostRoad:
    """Nothing is known."""
    return HostRoad(DEFAULT_LIMITS)


def test_a_host_is_named_by_its_label_else_by_its_address(hosts):
    """What the page calls its host is its own affair."""
    hosts.scraped(page_of("http://10.0.0.1:10078/metrics", AGENT, 100.0, "node0"))
    hosts.scraped(page_of("http://10.0.0.2:10078/metrics", AGENT, 100.0))

    assert {"node0": ("10.0.0.1",), "10.0.0.2": ("10.0.0.2",)} == {
        name: state.addresses for name, state in hosts.states(101.0, STALE_AFTER).items()
    }


def test_sources_of_one_host_make_one_state(hosts):
    """GPUs from the one, ports from the other."""
    hosts.scraped(page_of("http://node0:9400/metrics", AGENT, 100.0, "node0"))
    hosts.scraped(page_of("http://node0:9100/metrics", NODE, 98.0, "node0"))
    state = hosts.states(101.0, STALE_AFTER)["node0"]

    assert {HostOrigin.AGENT, HostOrigin.NODE_EXPORTER} == set(state.origins)
    assert ["GPU-1"] == [gpu.uuid for gpu in state.reading.gpus.gpus]
    assert ["mlx5_0"] == [port.device for port in state.reading.fabric.ports]
    assert (True, 1.0, False, None) == (state.up, state.age_seconds, state.stale, state.error)


def test_a_source_that_fails_keeps_what_it_told_until_that_is_stale(hosts):
    """As with workers: the last good values with their age, then nothing to judge by."""
    url = "http://node0:10078/metrics"
    hosts.scraped(page_of(url, AGENT, 100.0))
    hosts.scraped(page_of(url, None, 105.0))
    soon, late = hosts.states(106.0, STALE_AFTER)["node0"], hosts.states(116.0, STALE_AFTER)["node0"]

    assert (False, "connection refused", False, 6.0) == (soon.up, soon.error, soon.stale, soon.age_seconds)
    assert (False, True, 16.0) == (late.up, late.stale, late.age_seconds)


def test_a_source_that_never_answered_is_a_host_all_the_same(hosts):
    """Somebody named it, so its absence is shown."""
    hosts.scraped(page_of("http://node0:10078/metrics", None, 100.0))
    state = hosts.states(101.0, STALE_AFTER)["node0"]

    assert (False, True, None, None) == (state.up, state.stale, state.age_seconds, state.reading)


@pytest.mark.parametrize(
    ("body", "held"),
    [
        (PAGE, "vllm:num_requests_running, vllm:kv_cache_usage_perc"),
        ("a 1\nb 1\nc 1\nd 1\n", "a, b, c and more"),
    ],
)
def test_an_unknown_page_is_named_with_what_it_holds(hosts, body, held):
    """People see at once that they named the wrong port."""
    hosts.scraped(page_of("http://node0:8000/metrics", body, 100.0))

    assert (
        f"node0:8000 answers with {held}, which tells of no host; under hosts, "
        "name pdwatch agent, dcgm-exporter or node_exporter"
    ) == hosts.states(101.0, STALE_AFTER)["node0"].error


def test_what_is_no_page_at_all_is_an_error_of_its_host_only(hosts):
    """HTML, or nothing, costs nobody else anything."""
    hosts.scraped(page_of("http://node0:80/metrics", "<html>", 100.0))
    hosts.scraped(page_of("http://node1:10078/metrics", AGENT, 100.0))
    states = hosts.states(101.0, STALE_AFTER)

    assert "HTML" in states["node0"].error
    assert states["node1"].up


def test_hosts_that_are_no_longer_named_are_forgotten_and_the_own_one_stays(hosts):
    """The collectors of this process are no target."""
    hosts.observe(HostReading("here", HostOrigin.LOCAL, 100.0))
    hosts.scraped(page_of("http://node0:10078/metrics", AGENT, 100.0))
    hosts.keep([])

    assert ["here"] == list(hosts.states(101.0, STALE_AFTER))


def test_the_freshest_that_tells_wins_and_pdwatchs_own_before_others():
    """A dcgm-exporter is up to 30 s behind; where the agent tells of GPUs too, the agent is believed."""
    own = HostReading("n", HostOrigin.AGENT, 90.0, gpus=NvmlReading(90.0), absent={"fabric": "none", "logs": "none"})
    dcgm = HostReading("n", HostOrigin.DCGM_EXPORTER, 100.0, gpus=NvmlReading(100.0))
    old = HostReading("n", HostOrigin.NODE_EXPORTER, 80.0, fabric=FabricReading(80.0))
    new = HostReading("n", HostOrigin.NODE_EXPORTER, 95.0, fabric=FabricReading(95.0))
    merged = merge([own, dcgm, old, new])

    assert (90.0, 95.0, 100.0) == (merged.gpus.at, merged.fabric.at, merged.at)
    assert {"logs": "none"} == merged.absent


@pytest.fixture
def host() -> HostReading:
    """A host with a decode engine on port 8000, its GPU, and a log that tells of expert balance."""
    group = EngineGroup(
        pid=100,
        family=EngineFamily.VLLM,
        config=EngineConfig(EngineFamily.VLLM, role=Role.DECODE, port=8000),
        processes=(EngineProcess(111, 100, ProcessKind.WORKER, ProcessState.RUNNING),),
        environment={"CUDA_VISIBLE_DEVICES": "1"},
    )
    return HostReading(
        "node0",
        HostOrigin.LOCAL,
        100.0,
        gpus=NvmlReading(100.0, (GpuReading(0), GpuReading(1))),
        processes=HostProcesses((group,)),
        logs=HostLogs((), (Balancedness("decode.log", "m", 0.7, True, 99.0, 1.0),)),
    )


def worker_page(host: str | None) -> Scrape:
    target = Target(
        "http://10.0.0.9:8000/metrics",
        "decode-0",
        role=Role.DECODE,
        role_source=RoleSource.DECLARED,
        replica="d0",
        host=host,
    )
    return Scrape(target, 100.0, 0.1, 200, PAGE)


def test_a_worker_is_joined_with_its_host(host):
    """Its process by its port, its GPU by what its environment lets it see, its expert balance by its log."""
    road = Road(RoadSettings())
    road.observe(worker_page("node0"))
    road.observe_host(host)
    snapshot = road.tick(101.0)

    (placement,) = snapshot.services["default"].placements
    assert ("decode-0", "node0", 100, (1,)) == (placement.worker, placement.host, placement.group, placement.gpus)
    assert {"d0": 0.7} == snapshot.services["default"].experts
    assert ["node0"] == list(snapshot.hosts)


def test_without_hosts_nothing_is_joined():
    """The road of a fleet without hosts is as it was."""
    road = Road(RoadSettings())
    road.observe(worker_page("node0"))
    snapshot = road.tick(101.0)

    assert ((), {}, {}) == (
        snapshot.services["default"].placements,
        snapshot.services["default"].experts,
        snapshot.hosts,
    )
