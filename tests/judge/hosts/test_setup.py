"""Processes set up wrongly for RDMA: limits, initialisation, interfaces."""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from typing import Any

import pytest

from pdwatch.judge.definition import Hit
from pdwatch.model.hostsignals import HostSignals
from pdwatch.model.judgement import Severity
from pdwatch.model.logline import FaultKind
from pdwatch.model.port import LinkLayer
from pdwatch.model.process import KvTransfer, Limits
from pdwatch.model.target import Role

Named = Callable[..., list[Hit]]
Make = Callable[..., Any]
NIXL = KvTransfer("NixlConnector")


@pytest.mark.parametrize(("limit", "fires"), [(8 * 1024 * 1024, True), (1e9, False), (inf, False), (None, False)])
def test_a_locked_memory_limit_too_small_for_rdma(
    limit: float | None, fires: bool, named: Named, port: Make, group: Make
) -> None:
    """Containers get 8 MiB unless told otherwise."""
    found = named("memlock_limited", ports=[port()], group=group(limits=Limits(limit), kv=NIXL))

    assert fires == bool(found)


def test_the_limit_does_not_matter_without_rdma(named: Named, port: Make, group: Make) -> None:
    """No port, or no KV transfer."""
    small = Limits(65536.0)

    assert [] == named("memlock_limited", group=group(limits=small, kv=NIXL))
    assert [] == named("memlock_limited", ports=[port()], group=group(limits=small))


def test_failed_registration_in_the_log_is_critical_and_told_once(named: Named, port: Make, group: Make) -> None:
    """With the limit that explains it."""
    signals = HostSignals(faults={FaultKind.LOCKED_MEMORY: {"vllm.log": 4.0}})
    found = named("memlock_limited", ports=[port()], group=group(limits=Limits(65536.0), kv=NIXL), signals=signals)

    assert [Severity.CRITICAL] == [hit.severity for hit in found]
    assert found[0].summary == (
        "decode-0 on node1 could not register memory for RDMA 4.0 s ago, says its log; its locked-memory limit is "
        "65.5 kB."
    )


def test_failed_initialisation_names_the_worker_of_the_only_group(named: Named, group: Make) -> None:
    """The log does not say whose it is; nobody else lives there."""
    signals = HostSignals(faults={FaultKind.RDMA_INIT_FAILED: {"/var/log/engine.log": 30.0}})
    found = named("rdma_init_failed", group=group(), signals=signals)

    assert [{"role": "decode", "worker": "decode-0", "host": "node1"}] == [hit.scope for hit in found]


@pytest.mark.parametrize(
    ("source", "scope"),
    [
        ("/var/log/decode-1.log", {"role": "decode", "worker": "decode-1", "host": "node1"}),
        ("/var/log/decode-10.log", {"host": "node1"}),
    ],
)
def test_a_log_on_a_shared_host_is_matched_by_name(
    *, source: str, scope: dict[str, str], named: Named, worker: Make, house: Make, group: Make
) -> None:
    """Where no name fits, the host is named alone, and once."""
    signals = HostSignals(faults={FaultKind.RDMA_INIT_FAILED: {source: 30.0}})
    neighbour = worker(Role.DECODE, "decode-1"), "node1", house(group=group(), signals=signals)
    found = named("rdma_init_failed", group=group(), more=[neighbour])

    assert [scope] == [hit.scope for hit in found]


def test_a_log_without_faults_is_quiet(named: Named, group: Make) -> None:
    """So is a host without logs."""
    assert [] == named("rdma_init_failed", group=group())
    assert [] == named("memlock_limited", group=group())


@pytest.mark.parametrize(
    ("environment", "config", "layer", "fires"),
    [
        ({}, {"nodes": 2}, LinkLayer.INFINIBAND, True),
        ({}, {"data_parallel": 16, "data_parallel_local": 8}, LinkLayer.INFINIBAND, True),
        ({"GLOO_SOCKET_IFNAME": "eth0"}, {"nodes": 2}, LinkLayer.INFINIBAND, False),
        ({}, {}, LinkLayer.INFINIBAND, False),
        ({}, {"nodes": 2}, LinkLayer.ETHERNET, False),
    ],
    ids=["two nodes", "ranks elsewhere", "set", "one host", "no InfiniBand"],
)
def test_gloo_needs_an_interface_on_infiniband(
    *,
    environment: dict[str, str],
    config: dict[str, Any],
    layer: LinkLayer,
    fires: bool,
    named: Named,
    port: Make,
    group: Make,
) -> None:
    """Of groups that span hosts."""
    found = named("socket_interface_unset", ports=[port(link_layer=layer)], group=group(environment, **config))

    assert fires == bool(found)


def test_a_missing_interface_is_a_warning_until_the_worker_serves(named: Named, port: Make, group: Make) -> None:
    """Once it is up, initialisation did not hang."""
    starting = {"decode-0": {"up": False, "engines": ()}}
    furnished = {"ports": [port()], "group": group(nodes=2)}

    assert [Severity.INFO] == [hit.severity for hit in named("socket_interface_unset", **furnished)]
    assert [None] == [hit.severity for hit in named("socket_interface_unset", changed=starting, **furnished)]
