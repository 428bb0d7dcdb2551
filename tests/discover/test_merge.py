"""Many answers, one list."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from pdwatch.discover.merge import merged
from pdwatch.model.target import Role, RoleSource, Target, worker_name


def target(url: str, **fields: object) -> Target:
    """Return a target called by its address unless told otherwise."""
    return Target(**{"url": url, "worker": worker_name(url), **fields})  # type: ignore[arg-type]


A = "http://a:1/metrics"
B = "http://b:1/metrics"


def test_same_url_is_one_target() -> None:
    """A worker that two sources name is scraped once."""
    assert [A, B] == [one.url for one in merged([target(A), target(B), target(A)])]


def test_declared_role_beats_the_router() -> None:
    """What the operator wrote wins over what the router says, whoever speaks first."""
    declared = target(A, role=Role.PREFILL, role_source=RoleSource.DECLARED)
    routed = target(A, role=Role.DECODE, role_source=RoleSource.ROUTER)

    for order in itertools.permutations([declared, routed]):
        (one,) = merged(order)
        assert (Role.PREFILL, RoleSource.DECLARED) == (one.role, one.role_source)


def test_router_gives_the_role_that_nobody_declared() -> None:
    """A static target without a role learns it from the router and keeps the rest."""
    static = target(A, service="s", replica="p0", source="file")
    routed = target(A, role=Role.PREFILL, role_source=RoleSource.ROUTER, source="router")

    (one,) = merged([static, routed])

    assert (Role.PREFILL, "s", "p0", "file") == (one.role, one.service, one.replica, one.source)


def test_first_wins_and_gaps_are_filled() -> None:
    """Of two that contradict each other the first holds; what it left open comes from the second."""
    first = target(A, worker="w", labels={"rack": "1"})
    later = target(A, worker="v", service="s", host="node0", labels={"rack": "2", "zone": "z"})

    (one,) = merged([first, later])

    assert ("w", "s", "node0") == (one.worker, one.service, one.host)
    assert {"rack": "1", "zone": "z"} == one.labels


def test_same_name_of_two_workers_is_told_apart() -> None:
    """Two workers that are called alike are called by their addresses, in whatever order they come."""
    pair = [target(A, worker="w"), target(B, worker="w")]

    assert ["a:1", "b:1"] == [one.worker for one in merged(pair)]
    assert ["b:1", "a:1"] == [one.worker for one in merged(reversed(pair))]


def test_paths_of_one_address_are_two_targets() -> None:
    """Two pages behind one address are told apart by their paths."""
    pair = [target("http://a:1/metrics"), target("http://a:1/engine")]

    assert ["a:1/metrics", "a:1/engine"] == [one.worker for one in merged(pair)]


def test_lone_names_stay() -> None:
    """A name that only one worker has is not touched."""
    one = target(A, worker="prefill-0")

    assert (one,) == merged([one])


urls = st.builds(
    "{}://{}:{}/{}".format,
    st.sampled_from(["http", "https"]),
    st.sampled_from("ab"),
    st.sampled_from("12"),
    st.sampled_from("mn"),
)
names = st.sampled_from(["w", "a:1", "b:2", "a:1/m", "http://a:1/m"])


@given(st.lists(st.tuples(urls, names), max_size=12))
def test_no_two_workers_share_a_name(pairs: list[tuple[str, str]]) -> None:
    """Whatever the sources call them, every URL is there once and every name once."""
    found = merged(target(url, worker=name) for url, name in pairs)

    assert len({url for url, _ in pairs}) == len(found)
    assert len(found) == len({one.worker for one in found})


def test_two_services_may_use_the_same_name() -> None:
    """Every series carries its service, so that each may have its decode-0."""
    found = merged(
        [
            Target("http://a:1/metrics", "decode-0", service="small"),
            Target("http://b:1/metrics", "decode-0", service="large"),
        ]
    )

    assert ["decode-0", "decode-0"] == [target.worker for target in found]


def test_a_worker_that_is_asked_is_not_told_by_another() -> None:
    """Its own page is the nearer one; a worker that only another tells stays."""
    told = [target(A).behind("prometheus:9090"), target(B).behind("prometheus:9090")]

    for order in itertools.permutations([target(A), *told]):
        assert [A, f"{B}#prometheus:9090"] == sorted(one.url for one in merged(order))
