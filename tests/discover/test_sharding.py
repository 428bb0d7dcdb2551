"""What of a fleet falls to one shard: whole services, and the hosts that their workers live on."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pdwatch.config.load import from_mapping
from pdwatch.discover.build import worker_discovery
from pdwatch.discover.discovery import Discovery
from pdwatch.discover.sharding import Home, of_hosts, of_services
from pdwatch.discover.source import DiscoveryError, Found
from pdwatch.model.page import Scrape
from pdwatch.model.shard import Shard
from pdwatch.model.target import Role, Target

FIRST, SECOND = Shard(1, 2), Shard(2, 2)
BOTH = (FIRST, SECOND)
MINE, THEIRS = "code", "chat"
"""A service of the first shard, and one of the second."""


def worker(
    service: str, number: int = 0, role: Role = Role.DECODE, host: str | None = None, address: str = ""
) -> Target:
    """Return a worker."""
    url = f"http://{address or f'{service}-{role}-{number}'}:8000/metrics"
    return Target(url, f"{role}-{number}", service=service, role=role, host=host)


def page(host: str | None = None, address: str = "", port: int = 10078) -> Target:
    """Return a page about a host."""
    return Target(f"http://{address or host}:{port}/metrics", "agent", host=host)


def hosts_of(
    shard: Shard, pages: Sequence[Target], workers: Sequence[Target], seen: Sequence[Home] = ()
) -> list[Target]:
    """Return the pages about hosts that a shard watches."""
    return of_hosts(shard, lambda: workers, lambda: seen)(pages)


SERVICES = st.lists(st.text(max_size=8), max_size=12)


@given(SERVICES, st.integers(1, 9))
def test_shards_divide_the_workers_without_dividing_a_service(services: list[str], count: int) -> None:
    """Each worker is watched by exactly one shard, and all of a service, routers included, by the same."""
    roles = (Role.PREFILL, Role.DECODE, Role.ROUTER)
    fleet = [worker(name, number, role) for number, name in enumerate(services) for role in roles]
    parts = [of_services(Shard(number, count))(fleet) for number in range(1, count + 1)]
    watched = [{target.service for target in part} for part in parts]

    assert sorted(map(str, fleet)) == sorted(map(str, chain(*parts)))
    assert all(1 == times for times in Counter(chain(*watched)).values())


def test_a_shard_scrapes_its_own_services_only() -> None:
    """Whatever the sources list, targets of other services are not among its targets."""
    groups = [{"targets": [f"{name}:1"], "labels": {"service": name}} for name in (MINE, THEIRS)]
    values = {"discovery": [{"static": groups}], "prefill": ["d:1"]}

    def found(shard: str | None) -> list[str]:
        config = from_mapping(values | ({} if shard is None else {"shard": shard}), "test")
        return [target.worker for target in asyncio.run(worker_discovery(config).refresh(0))]

    assert ["d:1", "code:1", "chat:1"] == found(None) == found("1/1")
    assert (["d:1", "code:1"], ["chat:1"]) == (found("1/2"), found("2/2"))


def test_the_service_counts_that_all_sources_together_tell() -> None:
    """A router that knows no service does not bring a worker to the shard of the default service."""
    plain, labelled = worker("default", address="w"), worker(THEIRS, address="w")

    async def refreshed(shard: Shard) -> list[Target]:
        return await Discovery([Told(plain), Told(labelled)], of_services(shard)).refresh(0)

    assert [] == asyncio.run(refreshed(FIRST))
    assert [THEIRS] == [target.service for target in asyncio.run(refreshed(SECOND))]


class Told:
    """A source that tells of these workers, each with a page that it read."""

    name = "told"
    refresh = 60.0

    def __init__(self, *targets: Target) -> None:
        self.targets = targets

    async def find(self) -> Found:
        """Return them."""
        return Found(self.targets, None, tuple(Scrape(target, 1.0, 0.0, 200, "x 1") for target in self.targets))

    async def aclose(self) -> None:
        """Nothing is open."""


class Failing(Told):
    """A source that cannot be asked."""

    name = "failing"

    async def find(self) -> Found:
        """Fail."""
        raise DiscoveryError("failing: gone")


def test_pages_that_a_source_reads_of_other_services_are_not_taken() -> None:
    """They would bring the worker back."""

    async def taken() -> list[str]:
        discovery = Discovery([Told(worker(MINE), worker(THEIRS))], of_services(FIRST))
        await discovery.refresh(0)
        return [scrape.target.service for scrape in discovery.take_scrapes()]

    assert [MINE] == asyncio.run(taken())


@pytest.mark.parametrize("shard", BOTH)
def test_every_shard_tells_what_sources_yield_and_which_fail(shard: Shard) -> None:
    """Nobody knows whose the workers are that were not found; what a source lists is not a matter of shards."""

    async def states() -> tuple[list[int], dict[str, str]]:
        discovery = Discovery([Told(worker(MINE), worker(THEIRS)), Failing()], of_services(shard))
        await discovery.refresh(0)
        return [len(state.targets) for state in discovery.states], discovery.errors

    assert ([2, 0], {"failing": "failing: gone"}) == asyncio.run(states())


@pytest.mark.parametrize("by", ["label", "address"])
def test_a_host_is_watched_by_the_shard_whose_workers_live_there(by: str) -> None:
    """As the label `host` tells, or the address of the worker; all pages about it go together."""
    if by == "label":
        workers = [worker(MINE, host="node0"), worker(THEIRS, host="node1")]
        pages = [page("node0", "10.9.0.1"), page("node0", "10.9.0.1", 9400), page("node1", "10.9.0.2")]
    else:
        workers = [worker(MINE, address="10.0.0.1"), worker(THEIRS, address="10.0.0.2")]
        pages = [page(None, "10.0.0.1"), page(None, "10.0.0.1", 9400), page("node1", "10.0.0.2")]

    assert (pages[:2], pages[2:]) == (hosts_of(FIRST, pages, workers), hosts_of(SECOND, pages, workers))


def test_a_host_with_workers_of_two_shards_is_watched_by_both() -> None:
    """Each needs it to judge its own."""
    workers = [worker(MINE, host="node0"), worker(THEIRS, host="node0")]

    assert [[page("node0")]] * 2 == [hosts_of(shard, [page("node0")], workers) for shard in BOTH]


def test_a_host_without_workers_is_watched_by_one_shard() -> None:
    """A spare machine is not forgotten, and not scraped by all."""
    spare = [page(f"spare{number}") for number in range(20)]
    workers = [worker(MINE, host="node0"), worker(THEIRS, host="node1")]
    parts = [hosts_of(shard, [*spare, page("node0"), page("node1")], workers) for shard in BOTH]

    assert sorted(map(str, [*spare, page("node0"), page("node1")])) == sorted(map(str, chain(*parts)))
    assert all(len(part) > 20 // 4 for part in parts)


def test_hosts_are_divided_where_no_worker_is_found_yet() -> None:
    """Two shards without a service watch each its part of the machines."""
    pages = [page(f"node{number}") for number in range(20)]
    parts = [hosts_of(shard, pages, []) for shard in BOTH]

    assert sorted(map(str, pages)) == sorted(map(str, chain(*parts)))


def test_a_worker_that_names_no_host_may_live_on_any_that_nobody_names() -> None:
    """Only the page of the host may tell that it is there; a host of another worker it is not."""
    workers = [worker(MINE, address="10.0.0.7"), worker(THEIRS, host="node1")]
    pages = [page(f"node{number}") for number in range(20)]
    others = [one for one in pages if one.host != "node1"]

    assert others == hosts_of(FIRST, pages, workers)
    assert {"node1"} < {one.host for one in hosts_of(SECOND, pages, workers)} < {one.host for one in pages}


def test_workers_that_speak_through_a_page_elsewhere_keep_their_hosts() -> None:
    """Discovery knows the page alone; where the others live is seen once it was read."""
    gateway, behind = worker(MINE, host="node0"), (None, "http://10.0.0.2:8000/metrics#gateway")
    pages = [page("node0"), page("node1", "10.0.0.2"), page("node2")]
    workers = [gateway, worker(THEIRS, host="node1"), worker(THEIRS, 1, host="node2")]

    assert pages[:1] == hosts_of(FIRST, pages, workers)
    assert pages[:2] == hosts_of(FIRST, pages, workers, [behind])


def test_two_hosts_behind_one_address_are_the_home_of_nobody_without_a_label() -> None:
    """A guess would take the wrong one."""
    pages = [page("node0", "10.0.0.1", 1), page("node1", "10.0.0.1", 2)]

    assert pages == hosts_of(FIRST, pages, [worker(MINE, address="10.0.0.1")])


def test_hosts_follow_the_workers() -> None:
    """A worker that moved, or that is seen elsewhere, brings its new host at the next look."""
    pages = [page("node0"), page("node1")]
    found, seen = [worker(MINE, host="node0"), worker(THEIRS, host="node1")], ()
    choose = of_hosts(FIRST, lambda: found, lambda: seen)
    before = choose(pages)
    again = choose(pages)
    found = [worker(MINE, host="node1"), worker(THEIRS, host="node0")]
    moved = choose(pages)
    seen = (("node0", "http://w:8000/metrics"),)

    assert (pages[:1], pages[1:], pages) == (before, moved, choose(pages))
    assert again is before
