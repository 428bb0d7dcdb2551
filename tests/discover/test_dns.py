"""Workers by DNS, asked of a real name server on loopback."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from pdwatch.config.places import DnsSource
from pdwatch.discover.dns_records import DnsDiscovery
from pdwatch.discover.source import DiscoveryError, Found
from pdwatch.model.target import Role, RoleSource

sys.path.insert(0, str(Path(__file__).parent))
from nameserver import NameServer

NAME = "_http._tcp.vllm.llm.svc.cluster.local"


@pytest.fixture
def server() -> NameServer:
    """A name server without names."""
    return NameServer()


@pytest.fixture
def asking(server: NameServer) -> Callable[..., None]:
    """Run a scenario with discovery that asks the server."""

    def run(scenario: Callable[[Any], Awaitable[None]], timeout: float = 5.0, **entry: Any) -> None:
        async def within() -> None:
            async with server.serve() as address:
                await scenario(DnsDiscovery(DnsSource(servers=(address,), **{"names": (NAME,), **entry}), timeout))

        asyncio.run(within())

    return run


def urls(found: Found) -> list[str]:
    """Return the pages."""
    return [target.url for target in found.targets]


def test_srv_brings_host_and_port(server: NameServer, asking: Any) -> None:
    """Each record is a worker; the entry gives role and service."""
    server.records["SRV", f"{NAME}."] = ["0 10 8000 b.llm.svc.", "0 10 8001 A.llm.svc.", "0 0 0 ."]

    async def scenario(source: DnsDiscovery) -> None:
        found = await source.find()

        assert ["http://a.llm.svc:8001/metrics", "http://b.llm.svc:8000/metrics"] == urls(found)
        assert {(Role.DECODE, RoleSource.DECLARED, "chat")} == {
            (target.role, target.role_source, target.service) for target in found.targets
        }
        assert None is found.problem

    asking(scenario, role="decode", service="chat")


@pytest.mark.parametrize(
    ("kind", "records", "expected"),
    [
        ("A", ["10.0.0.2", "10.0.0.1"], ["http://10.0.0.1:8000/metrics", "http://10.0.0.2:8000/metrics"]),
        ("AAAA", ["fd00::1"], ["http://[fd00::1]:8000/metrics"]),
    ],
)
def test_addresses_take_the_port_of_the_entry(
    server: NameServer, asking: Any, kind: str, records: list[str], expected: list[str]
) -> None:
    """A and AAAA records name hosts alone."""
    server.records[kind, f"{NAME}."] = records

    async def scenario(source: DnsDiscovery) -> None:
        assert expected == urls(await source.find())

    asking(scenario, type=kind, port=8000)


def test_records_that_change_are_followed(server: NameServer, asking: Any) -> None:
    """Each look-up is the state of the moment; a name without records of the type has no workers and is no error."""
    server.records["A", f"{NAME}."] = ["10.0.0.1"]

    async def scenario(source: DnsDiscovery) -> None:
        await source.find()
        server.records["A", f"{NAME}."] = ["10.0.0.2", "10.0.0.3"]
        changed = await source.find()
        server.records["A", f"{NAME}."] = []
        server.records["TXT", f"{NAME}."] = ['"v"']
        empty = await source.find()

        assert ["http://10.0.0.2:80/metrics", "http://10.0.0.3:80/metrics"] == urls(changed)
        assert Found(()) == empty

    asking(scenario, type="A", port=80)


def test_a_name_that_fails_keeps_its_workers_and_takes_no_other_down(server: NameServer, asking: Any) -> None:
    """Names are looked up each for itself."""
    server.records["A", "a.local."] = ["10.0.0.1"]
    server.records["A", "b.local."] = ["10.0.0.2"]

    async def scenario(source: DnsDiscovery) -> None:
        await source.find()
        del server.records["A", "a.local."]
        server.records["A", "b.local."] = ["10.0.0.3"]
        found = await source.find()

        assert ["http://10.0.0.1:80/metrics", "http://10.0.0.3:80/metrics"] == urls(found)
        assert "a.local: no such name in DNS; see whether it is spelled right" == found.problem

    asking(scenario, names=("a.local", "b.local"), type="A", port=80)


@pytest.mark.parametrize(
    ("fault", "problem"),
    [
        ({}, f"{NAME}: no such name in DNS; see whether it is spelled right"),
        ({"failing": True}, f"{NAME}: the name servers fail to answer; see their logs"),
        ({"silent": True}, f"{NAME}: no name server answers within 0.3s; see whether DNS is up"),
    ],
)
def test_a_failure_from_the_start_is_named(server: NameServer, asking: Any, fault: Any, problem: str) -> None:
    """A name that was never found is an error of one line with the name and what to look at."""
    for name, value in fault.items():
        setattr(server, name, value)

    async def scenario(source: DnsDiscovery) -> None:
        with pytest.raises(DiscoveryError) as caught:
            await source.find()
        assert problem == str(caught.value)

    asking(scenario, timeout=0.3)


@pytest.mark.parametrize("name", ["a..b", "x" * 64, "."])
def test_what_is_no_name_is_told(asking: Any, name: str) -> None:
    """Text that cannot be a name is one line too."""

    async def scenario(source: DnsDiscovery) -> None:
        with pytest.raises(DiscoveryError) as caught:
            await source.find()
        assert str(caught.value).startswith(f"{name}: ")
        assert 1 == len(str(caught.value).splitlines())

    asking(scenario, names=(name,))


def test_many_records_come_by_tcp(server: NameServer, asking: Any) -> None:
    """An answer that does not fit into a datagram is asked for again."""
    server.truncating = True
    server.records["SRV", f"{NAME}."] = [f"0 10 8000 worker-{number}.llm.svc." for number in range(200)]

    async def scenario(source: DnsDiscovery) -> None:
        assert 200 == len(urls(await source.find()))
        assert ["udp", "tcp"] == server.asked

    asking(scenario)


def test_a_reload_keeps_the_addresses_of_a_name_that_fails(server: NameServer, asking: Any) -> None:
    """A new configuration begins with what the old one knew of the same names."""
    server.records["SRV", f"{NAME}."] = ["0 10 8000 a.local."]

    async def scenario(source: DnsDiscovery) -> None:
        await source.find()
        server.failing = True
        fresh = DnsDiscovery(DnsSource(names=(NAME, "other.local"), servers=source._entry.servers))
        fresh.inherit(source)

        assert ["http://a.local:8000/metrics"] == urls(await fresh.find())

    asking(scenario)
