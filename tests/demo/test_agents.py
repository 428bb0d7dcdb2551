"""The pages about the hosts of a simulated fleet."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import httpx

from pdwatch.catalog.metrics import METRICS
from pdwatch.demo import SCENARIOS, start_fleet
from pdwatch.demo.agent_page import AgentHost, Sickness, agent_page
from pdwatch.host.adapters import read, wants
from pdwatch.model.host import HostOrigin
from pdwatch.scrape.exposition import PageParser

HOST = AgentHost("h0", "http://127.0.0.1:8000", "kv_consumer", 1000.0, 50.0, 0.5)


def reading_of(host):
    return read(PageParser(wants).parse(agent_page(host)), host.name, 1000.0)


def test_the_page_is_that_of_an_agent():
    """The product reads it as it reads a real one: GPUs, ports and an engine group, all healthy."""
    found = reading_of(HOST)

    assert HostOrigin.AGENT is found.origin
    assert [0, 1, 2, 3] == [gpu.index for gpu in found.gpus.gpus]
    assert all(port.active and not port.slower_than_siblings for port in found.fabric.ports)
    assert ((),) * 4 == tuple(gpu.clocks_event_reasons for gpu in found.gpus.gpus)
    (group,) = found.processes.groups
    assert (8000, "NixlConnector", "kv_consumer") == (
        group.config.port,
        group.config.kv.connector,
        group.config.kv.role,
    )
    assert {} == found.failed


def test_every_name_on_the_page_is_one_of_the_products():
    """The page cannot drift from what the product exports."""
    names = {line.partition("{")[0] for line in agent_page(HOST).splitlines()}

    assert names <= {metric.name for metric in METRICS}


def test_a_throttled_gpu_is_slow_cool_and_says_why():
    """Its brake holds it down all the time; the others are untouched."""
    gpus = reading_of(replace(HOST, sickness=Sickness("w", throttled_gpu=2))).gpus.gpus

    assert [(), (), ("hw_power_brake_slowdown",), ()] == [gpu.clocks_event_reasons for gpu in gpus]
    assert gpus[2].clock_sm_hertz < gpus[1].clock_sm_hertz
    assert 50.0 == gpus[2].throttled_seconds["hw_power_brake_slowdown"]


def test_a_degraded_link_is_slower_than_its_siblings():
    """Half its lanes, half its rate."""
    ports = reading_of(replace(HOST, sickness=Sickness("w", half_rate_port=0))).fabric.ports

    assert [True, False, False, False] == [port.slower_than_siblings for port in ports]


def test_each_workers_host_has_a_page_where_the_scenario_has_agents():
    """The sick ones show it; a scenario without agents has none."""

    async def visit(name):
        fleet = await start_fleet(SCENARIOS[name], speed=10.0)
        try:
            async with httpx.AsyncClient(trust_env=False) as client:
                return {place.host: (await client.get(f"{place.agent_url}/metrics")).text for place in fleet.places}
        finally:
            await fleet.aclose()

    sick, healthy = asyncio.run(visit("sick_hosts")), asyncio.run(visit("healthy"))

    assert {"host-prefill-0", "host-prefill-1", "host-decode-0", "host-decode-1"} == set(sick)
    assert ["host-decode-1"] == [host for host, page in sick.items() if "gpu_clocks_event_reason_info" in page]
    assert {} == healthy
