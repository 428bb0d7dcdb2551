"""Nodes of Ray by the answer of its dashboard, recorded from 2.60 with two Prefill replicas and one Decode replica."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pdwatch.config.places import RaySource
from pdwatch.discover.http import JsonClient
from pdwatch.discover.ray import RayDiscovery, _nodes
from pdwatch.discover.source import DiscoveryError, Found
from pdwatch.model.target import Role


@pytest.fixture
def recorded(pages: Path) -> Any:
    """The recorded answer, to change."""
    return json.loads((pages / "ray_2.60.0_applications.json").read_text())


@pytest.fixture
def ask(serve: Any, answer: Any) -> Any:
    """Return what a dashboard that answers so gives, or its error without the URL."""

    def once(body: Any, **entry: Any) -> Found | str:
        answer.body = body if isinstance(body, str) else json.dumps(body)

        async def within() -> Found | str:
            async with serve(answer) as url:
                source = RaySource(url=url, **entry)
                discovery = RayDiscovery(source, JsonClient(source))
                try:
                    return await discovery.find()
                except DiscoveryError as error:
                    return str(error).removeprefix(url)
                finally:
                    await discovery.aclose()

        return asyncio.run(within())

    return once


def replicas(recorded: Any) -> list[Any]:
    """Return all replicas of the recorded application."""
    deployments = recorded["applications"]["default"]["deployments"].values()
    return [replica for deployment in deployments for replica in deployment["replicas"]]


def test_a_node_is_one_page(ask: Any, recorded: Any, answer: Any) -> None:
    """Replicas of one node share the page of its agent; which they are and their roles is on the page."""
    found = ask(recorded, service="chat")

    assert ["/api/serve/applications/"] == [request.path for request in answer.requests]
    assert [("http://192.0.2.2:8080/metrics", "chat", "192.0.2.2", Role.UNKNOWN)] == [
        (target.url, target.service, target.host, target.role) for target in found.targets
    ]


def test_nodes_with_replicas_that_serve(ask: Any, recorded: Any) -> None:
    """Each node with a replica that takes requests counts, one whose replicas start or stop does not."""
    for replica, (state, node) in zip(
        replicas(recorded),
        [("RUNNING", "10.0.0.3"), ("STARTING", "10.0.0.4"), ("UPDATING", "10.0.0.2"), ("STOPPING", "10.0.0.5")],
        strict=True,
    ):
        replica |= {"state": state, "node_ip": node}

    assert ["10.0.0.2:9000", "10.0.0.3:9000"] == [target.worker for target in ask(recorded, port=9000).targets]


def test_some_applications(ask: Any, recorded: Any) -> None:
    """The entry may choose; an application that is not there is named."""
    other = json.loads(json.dumps(recorded["applications"]["default"]).replace("192.0.2.2", "10.0.0.9"))
    recorded["applications"]["other"] = other
    found = ask(recorded, applications=("other", "away"))

    assert ["10.0.0.9"] == [target.host for target in found.targets]
    assert "has no application 'away'; correct applications" in found.problem


def test_serve_does_not_run(ask: Any) -> None:
    """A cluster without applications is an empty fleet."""
    assert Found(()) == ask({"applications": {}, "proxies": {}})


@pytest.mark.parametrize("body", ["<html>", "[]", "{}", '{"applications": []}'])
def test_what_is_no_dashboard(ask: Any, body: str) -> None:
    """Anything else that answers there is named."""
    assert "/api/serve/applications/: tells of no applications; name the address of Ray's dashboard" == ask(body)


JSON = st.recursive(
    st.none() | st.integers() | st.text(max_size=5) | st.just("RUNNING"),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["deployments", "replicas", "state", "node_ip", "x"]), inner, max_size=4)
    ),
    max_leaves=15,
)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(JSON)
def test_any_application_is_read_without_a_fault(application: Any) -> None:
    """What is not in the known shape names no nodes."""
    assert all(isinstance(node, str) and node for node in _nodes(application))
