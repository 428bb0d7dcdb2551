"""The way KV takes: over the fabric or not, as fast as usual or not, through which memory, to which address."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from pdwatch.judge.definition import Hit
from pdwatch.model.gpu import FabricState, GpuFabric, GpuReading
from pdwatch.model.hostsignals import HostSignals, PortSignals, TransferPathSignals
from pdwatch.model.judgement import Severity
from pdwatch.model.port import PortCounter as C
from pdwatch.model.process import EngineFamily, KvTransfer
from pdwatch.model.snapshot import ServiceSignals, WorkerState
from pdwatch.model.target import Role

Named = Callable[..., list[Hit]]
Make = Callable[..., Any]
NIXL = KvTransfer("NixlConnector", role="kv_both")
FAST = TransferPathSignals(
    transfers=100.0,
    bytes_per_second=1e9,
    bandwidth_bytes_per_second=8e9,
    bytes_mean=5e8,
    baseline_bandwidth=8e9,
    baseline_bytes_mean=5e8,
    baseline_bytes_per_second=1e9,
)


def _carried(rate: float | None) -> HostSignals:
    rates = {} if rate is None else {C.RX_BYTES: rate, C.TX_BYTES: rate / 100}
    return HostSignals(ports={("mlx5_0", 1): PortSignals(60.0, rates)})


def _paths(**changed: Any) -> dict[str, Any]:
    return {"transfer_paths": {"decode-0": replace(FAST, **changed)}}


@pytest.mark.parametrize(
    ("carried", "moved", "fires"),
    [(1e6, 1e9, True), (1e8, 1e9, False), (1.1e9, 1e9, False), (None, 1e9, False), (0.0, 9e6, False)],
    ids=["another way", "edge", "healthy", "ports do not count", "idle"],
)
def test_kv_off_the_fabric(carried: float | None, moved: float, fires: bool, named: Named) -> None:
    """KV moves, the RDMA counters of the host do not."""
    found = named("kv_transfer_off_fabric", signals=_carried(carried), service_signals=_paths(bytes_per_second=moved))

    assert ([{"role": "decode", "worker": "decode-0", "host": "node1"}] if fires else []) == [h.scope for h in found]


def test_a_host_without_ports_has_no_fabric_to_be_off(named: Named) -> None:
    """TCP is all it has."""
    assert [] == named("kv_transfer_off_fabric", service_signals=_paths())


def test_workers_of_one_host_need_no_fabric(named: Named, worker: Make, house: Make) -> None:
    """Prefill next door hands its KV over inside the host."""
    near = worker(Role.PREFILL, "prefill-1"), "node1", house(signals=_carried(0.0))

    assert [] == named("kv_transfer_off_fabric", signals=_carried(0.0), more=[near], service_signals=_paths())


def test_one_nvlink_domain_needs_no_ports(named: Named, house: Make) -> None:
    """Racks move KV between hosts over NVLink."""
    domain = GpuReading(0, fabric=GpuFabric(FabricState.COMPLETED, cluster_uuid="c", clique_id=1))
    found = named(
        "kv_transfer_off_fabric",
        gpus=[domain],
        signals=_carried(0.0),
        prefill=house(gpus=[domain]),
        service_signals=_paths(),
    )

    assert [] == found


@pytest.mark.parametrize(
    ("changed", "fires"),
    [
        ({}, False),
        ({"bandwidth_bytes_per_second": 3e9}, True),
        ({"bandwidth_bytes_per_second": 4e9}, False),
        ({"bandwidth_bytes_per_second": 3e9, "transfers": 4.0}, False),
        ({"bandwidth_bytes_per_second": 3e9, "baseline_bandwidth": None}, False),
        ({"bandwidth_bytes_per_second": 3e9, "bytes_mean": 2e8}, False),
        ({"bandwidth_bytes_per_second": 3e9, "bytes_per_second": 5e9}, False),
        ({"bandwidth_bytes_per_second": 3e9, "bytes_per_second": 1.9e9}, True),
    ],
    ids=["healthy", "slow", "edge", "too few", "still learning", "smaller", "crowded", "some more load"],
)
def test_a_transfer_slower_than_its_own_baseline(changed: dict[str, Any], fires: bool, named: Named) -> None:
    """Less than half of the usual, at like size and load."""
    assert fires == bool(named("kv_transfer_slow", service_signals=_paths(**changed)))


@pytest.mark.parametrize(
    ("own", "peer", "severity"),
    [(3e9, 8e9, None), (3e9, 3e9, Severity.INFO), (1.9e9, 1.9e9, None)],
    ids=["only this one", "all alike", "all by far"],
)
def test_a_slowdown_of_all_may_be_load(
    *, own: float, peer: float, severity: Severity | None, named: Named, worker: Make, house: Make
) -> None:
    """A prefill worker that all fetch from slows all of them, though never to a quarter."""
    paths = {
        "decode-0": replace(FAST, bandwidth_bytes_per_second=own),
        "decode-1": replace(FAST, bandwidth_bytes_per_second=peer),
    }
    other = worker(Role.DECODE, "decode-1"), "node2", house()
    found = named("kv_transfer_slow", more=[other], service_signals={"transfer_paths": paths})

    assert [severity] == [hit.severity for hit in found if hit.scope["worker"] == "decode-0"]


def test_a_slow_transfer_names_worker_host_and_numbers(named: Named) -> None:
    """Without any reading of the host."""
    found = named("kv_transfer_slow", service_signals=_paths(bandwidth_bytes_per_second=1.6e9))

    assert [{"role": "decode", "worker": "decode-0", "host": "node1"}] == [hit.scope for hit in found]
    assert "A KV transfer of decode-0 gets 1.6 GB/s, 20 % of its usual 8.0 GB/s." == found[0].summary


def test_a_worker_that_was_born_slow_is_compared_with_its_peers(named: Named, worker: Make, house: Make) -> None:
    """Its own baseline is slow too; two peers do better."""
    born_slow = replace(FAST, bandwidth_bytes_per_second=2e9, baseline_bandwidth=2e9)
    peers = [(worker(Role.DECODE, f"decode-{n}"), f"node{n + 1}", house()) for n in (1, 2)]
    paths = {"decode-0": born_slow, "decode-1": FAST, "decode-2": FAST}
    found = named("kv_transfer_slow", more=peers, service_signals={"transfer_paths": paths})

    assert ["A KV transfer of decode-0 gets 2.0 GB/s, 25 % of its peers' 8.0 GB/s."] == [hit.summary for hit in found]


@pytest.mark.parametrize(("moved", "severity"), [(1.9, None), (2.0, Severity.INFO)])
def test_a_worker_that_moves_far_more_than_its_peers_is_busy_and_not_broken(
    moved: float, severity: Severity | None, named: Named, worker: Make, house: Make
) -> None:
    """A router that sends it several times its share: more bandwidth is gone than it had to itself."""
    paths = {
        "decode-0": replace(FAST, bandwidth_bytes_per_second=1e9, bytes_per_second=moved * FAST.bytes_per_second),
        "decode-1": FAST,
    }
    other = worker(Role.DECODE, "decode-1"), "node2", house()
    found = named("kv_transfer_slow", more=[other], service_signals={"transfer_paths": paths})

    assert [severity] == [hit.severity for hit in found]


@pytest.mark.parametrize(
    ("kv", "fires"),
    [
        (replace(NIXL, buffer_device="cpu"), True),
        (KvTransfer("MultiConnector", children=(replace(NIXL, buffer_device="cpu"),)), True),
        (replace(NIXL, buffer_device="cuda"), False),
        (NIXL, False),
        (KvTransfer("OffloadingConnector", buffer_device="cpu"), False),
        (None, False),
    ],
)
def test_kv_staged_in_cpu_memory(kv: KvTransfer | None, fires: bool, named: Named, group: Make) -> None:
    """Of connectors that carry KV between workers, also inside another."""
    assert fires == bool(named("kv_buffer_on_cpu", group=group(kv=kv)))


@pytest.mark.parametrize(
    ("environment", "severity"),
    [
        ({}, Severity.WARNING),
        ({"VLLM_NIXL_SIDE_CHANNEL_HOST": "localhost"}, Severity.WARNING),
        ({"VLLM_NIXL_SIDE_CHANNEL_HOST": "127.0.0.1"}, Severity.WARNING),
        ({"VLLM_NIXL_SIDE_CHANNEL_HOST": "10.0.0.2"}, None),
    ],
)
def test_a_side_channel_that_peers_cannot_reach(
    environment: dict[str, str], severity: Severity | None, named: Named, group: Make
) -> None:
    """On decode it matters less, which fetches."""
    found = named("side_channel_local", group=group(environment, kv=NIXL))

    assert ([] if severity is None else [severity]) == [hit.severity for hit in found]


def test_a_local_side_channel_of_prefill_is_critical(named: Named, house: Make, group: Make) -> None:
    """Nobody can fetch from it."""
    found = named("side_channel_local", prefill=house(group=group(kv=NIXL)))

    assert [("prefill-0", None)] == [(hit.scope["worker"], hit.severity) for hit in found]
    assert "is not set, so localhost holds" in found[0].summary


@pytest.mark.parametrize(
    "group_of",
    [
        lambda group: group(kv=NIXL, notes=("environment not readable: needs the same user or root",)),
        lambda group: group(kv=KvTransfer("MooncakeConnector")),
        lambda group: group(kv=KvTransfer("nixl"), family=EngineFamily.SGLANG),
        lambda group: None,
    ],
    ids=["environment unreadable", "another connector", "another engine", "process unknown"],
)
def test_what_is_not_known_to_use_the_side_channel_is_left_alone(
    group_of: Callable[[Make], Any], named: Named, group: Make
) -> None:
    """Unreadable is not unset."""
    assert [] == named("side_channel_local", group=group_of(group))


def test_localhost_is_right_where_all_live_on_one_host(
    hits: Callable[[str, ServiceSignals], list[Hit]], service: Make, worker: Make, house: Make, group: Make
) -> None:
    """One machine, one prefill and one decode worker."""
    home = house(group=group(kv=NIXL))
    workers: list[WorkerState] = [worker(Role.PREFILL), worker(Role.DECODE)]
    signals = replace(
        service(workers),
        hosts={"node0": home.state("node0")},
        placements=tuple(home.placement(each.worker, "node0") for each in workers),
    )

    assert [] == hits("side_channel_local", signals)
