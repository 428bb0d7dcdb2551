"""List and watch against an API server that speaks the real protocol, and all the ways in which it breaks off."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from pdwatch.discover.kubernetes.access import Cluster
from pdwatch.discover.kubernetes.client import Patience
from pdwatch.discover.source import Found
from pdwatch.model.target import Role


def test_pods_come_and_go_without_another_list(watching: Any, server: Any, pod: Any) -> None:
    """A pod that is created, changed or deleted is known by the watch alone."""

    async def scenario(watched: Any) -> None:
        await server.put(pod("a"), pod("b"))
        await watched.until_named("a", "b")
        await server.put(pod("c", labels={"llm-d.ai/role": "decode"}))
        added = await watched.until_named("a", "b", "c")
        await server.delete("a")
        await watched.until_named("b", "c")

        assert [Role.DECODE] == [target.role for target in added.targets if target.worker == "c"]
        assert 1 == len(server.asked("list"))
        assert 1 == len(server.asked("watch"))

    watching(scenario)


def test_a_list_comes_in_pages(watching: Any, server: Any, pod: Any) -> None:
    """A long list is read page by page before the watch begins."""
    server.page = 2

    async def scenario(watched: Any) -> None:
        await server.put(*(pod(f"p{number}") for number in range(5)))
        await watched.until_named(*(f"p{number}" for number in range(5)))
        await watched.until(lambda _: server.watches)

        assert [False, True, True] == ["continue" in parameters for parameters in server.asked("list")]
        assert {"105"} == {parameters["resourceVersion"] for parameters in server.asked("watch")}

    watching(scenario)


def test_a_watch_that_is_cut_is_taken_up_where_it_was(watching: Any, server: Any, pod: Any) -> None:
    """After a disconnection the watch goes on at the last version that was seen, and no change is lost."""

    async def scenario(watched: Any) -> None:
        await server.put(pod("a"))
        await watched.until_named("a")
        await server.put(pod("b"))
        await watched.until_named("a", "b")
        await server.cut()
        await server.put(pod("c"))
        found = await watched.until_named("a", "b", "c")

        assert 1 == len(server.asked("list"))
        assert ["101", "102"] == [parameters["resourceVersion"] for parameters in server.asked("watch")]
        assert None is found.problem

    watching(scenario)


def test_a_bookmark_moves_the_version_on(watching: Any, server: Any, pod: Any) -> None:
    """Where nothing of the pods changes for long, bookmarks keep the version young enough to go on from."""

    async def scenario(watched: Any) -> None:
        await server.put(pod("a"))
        await watched.until_named("a")
        await server.bookmark()
        await server.put(pod("b"))
        await watched.until_named("a", "b")
        await server.bookmark()
        await watched.until(lambda _: server.version == 122)
        await asyncio.sleep(0.05)  # the bookmark is on its way
        await server.forget()
        await server.cut()
        await server.put(pod("c"))
        await watched.until_named("a", "b", "c")

        assert 1 == len(server.asked("list"))
        assert "122" == server.asked("watch")[-1]["resourceVersion"]

    watching(scenario)


@pytest.mark.parametrize("as_status", [False, True])
def test_a_version_that_is_gone_means_a_new_list(watching: Any, server: Any, pod: Any, as_status: bool) -> None:
    """410, as an event or as a status, is answered by a list; what went away in between is gone."""
    server.gone_as_status = as_status

    async def scenario(watched: Any) -> None:
        await server.put(pod("a"), pod("b"))
        await watched.until_named("a", "b")
        await server.cut()
        await server.delete("a")
        await server.put(pod("c"))
        await server.forget()
        found = await watched.until_named("b", "c")

        assert 2 <= len(server.asked("list"))
        assert None is found.problem

    watching(scenario)


def test_a_pod_that_falls_ill_stays_and_one_that_terminates_goes(watching: Any, server: Any, pod: Any) -> None:
    """Not yet ready is no worker yet; no longer ready is one with a fault; terminating is one that drains."""

    async def scenario(watched: Any) -> None:
        await server.put(pod("a"), pod("starting", ready=False), pod("pending", phase="Pending"))
        await watched.until_named("a")
        await server.put(pod("starting"))
        await watched.until_named("a", "starting")
        await server.put(pod("a", ready=False), pod("b"))
        await watched.until_named("a", "b", "starting")
        draining = pod("b")
        draining["metadata"]["deletionTimestamp"] = "2026-11-21T15:00:00Z"
        await server.put(draining, pod("starting", phase="Failed"))
        await watched.until_named("a")
        await server.forget()
        await server.cut()
        await server.put(pod("c"))
        await watched.until_named("a", "c")

    watching(scenario)


def test_a_selector_chooses_and_a_pod_that_no_longer_fits_goes(watching: Any, server: Any, pod: Any) -> None:
    """The selector goes with list and watch."""

    async def scenario(watched: Any) -> None:
        await server.put(pod("a", labels={"x": "1"}), pod("other"))
        await watched.until_named("a")
        await server.put(pod("other", labels={"x": "1"}))
        await watched.until_named("a", "other")
        await server.put(pod("a", labels={"x": "2"}))
        await watched.until_named("other")

        assert {"x=1"} == {parameters["labelSelector"] for _, parameters in server.requests}

    watching(scenario, selector="x=1")


def test_all_namespaces_are_one_question(watching: Any, server: Any, pod: Any) -> None:
    """Without namespaces the pods of the whole cluster are watched."""

    async def scenario(watched: Any) -> None:
        await server.put(pod("a"), pod("b", namespace="other"))
        found = await watched.until_named("a", "b")

        assert {"/api/v1/pods"} == {path for path, _ in server.requests}
        assert ["llm", "other"] == sorted(target.labels["namespace"] for target in found.targets)

    watching(scenario, namespaces=())


def test_a_forbidden_namespace_takes_no_other_down(watching: Any, server: Any, pod: Any) -> None:
    """What may be read is watched; what may not is named with the server's own words and what to grant."""
    server.forbidden = {"secret"}

    async def scenario(watched: Any) -> None:
        await server.put(pod("a"))
        found = await watched.until_named("a")

        assert "/api/v1/namespaces/secret/pods: answers 403 (pods is forbidden: User" in found.problem
        assert found.problem.endswith("; let it list and watch pods, docs/discovery.md has the Role")

        server.forbidden = set()
        await server.put(pod("b", namespace="secret"))
        await watched.until(lambda seen: isinstance(seen, Found) and seen.problem is None and len(seen.targets) == 2)

    watching(scenario, namespaces=("llm", "secret"))


def test_a_wrong_token_is_named_and_a_new_one_taken_up(watching: Any, server: Any, pod: Any, tmp_path: Any) -> None:
    """401 says what to look at; the token's file is read for each request, so a rotated one works at once."""
    server.token = "right"
    file = tmp_path / "token"
    file.write_text("hunter2\n")

    async def scenario(watched: Any) -> None:
        await server.put(pod("a"))
        refused = await watched.until(lambda seen: isinstance(seen, str))
        assert refused.endswith(
            "/api/v1/namespaces/llm/pods: answers 401 (Unauthorized); see whether its token or certificate is valid"
        )
        file.write_text("right\n")
        await watched.until_named("a")

    watching(scenario, cluster=lambda url: Cluster(url, token_file=file))


def test_while_the_server_is_away_the_pods_stay(server: Any, pod: Any, watching: Any) -> None:
    """A token that no longer holds when the watch is cut is an error; the pods that were known are still there."""

    async def scenario(watched: Any) -> None:
        await server.put(pod("a"))
        await watched.until_named("a")
        server.token = "another"
        await server.cut()
        found = await watched.until(lambda seen: isinstance(seen, Found) and seen.problem)

        assert ["a"] == [target.worker for target in found.targets]
        assert "answers 401" in found.problem

        server.token = None
        await watched.until(lambda seen: isinstance(seen, Found) and seen.problem is None)

    watching(scenario)


def test_nobody_listens(watching: Any) -> None:
    """A server that is down from the start is named."""

    async def scenario(watched: Any) -> None:
        refused = await watched.until(lambda seen: isinstance(seen, str))

        assert "http://127.0.0.1:9/api/v1/namespaces/llm/pods: cannot be reached; see whether it is up" == refused

    watching(scenario, cluster=lambda _: Cluster("http://127.0.0.1:9"))


def test_a_list_that_never_comes_is_given_up(watching: Any, server: Any, pod: Any) -> None:
    """A server that accepts and does not answer is named; once it answers, all is well."""
    server.stalled = True

    async def scenario(watched: Any) -> None:
        await server.put(pod("a"))
        refused = await watched.until(lambda seen: isinstance(seen, str))
        assert refused.endswith(": no answer in time; see whether it is up")
        server.stalled = False
        await watched.until_named("a")

    watching(scenario, patience=Patience(connect=0.2, answer=0.2, retries=(0.01,)))


def test_a_watch_that_falls_silent_is_taken_up_anew(watching: Any, server: Any, pod: Any) -> None:
    """A connection that is dead without a word is noticed, since a living one brings bookmarks."""
    server.silent = True

    async def scenario(watched: Any) -> None:
        await server.put(pod("a"))
        await watched.until_named("a")
        await watched.until(lambda _: server.watches)
        server.silent = False
        await server.put(pod("b"))
        await watched.until_named("a", "b")

        assert 2 <= len(server.asked("watch"))
        assert 1 == len(server.asked("list"))

    watching(scenario, patience=Patience(silence=0.2, retries=(0.01,)))


@pytest.mark.parametrize(
    ("told", "problem"),
    [
        ("<html>\n", "answers what is no JSON; see whether this is an API server"),
        ("[1]\n", "answers in a shape that is not known; see whether this is an API server"),
        ('{"type": "ADDED", "object": null}\n', "answers in a shape that is not known"),
        ('{"type": "ERROR", "object": {"code": 500, "message": "etcd is away"}}\n', "answers 500 (etcd is away); see"),
    ],
)
def test_nonsense_on_a_watch_is_named(watching: Any, server: Any, pod: Any, told: str, problem: str) -> None:
    """Whatever a watch brings, it is one line, and the pods of the list stay."""
    server.broken = told

    async def scenario(watched: Any) -> None:
        await server.put(pod("a"))
        found = await watched.until(lambda seen: isinstance(seen, Found) and seen.problem)

        assert problem in found.problem
        assert ["a"] == [target.worker for target in found.targets]

    watching(scenario)


def test_a_watch_that_always_breaks_off_is_told_and_not_stormed(watching: Any, server: Any, pod: Any) -> None:
    """A proxy that cuts each watch at once costs more and more patience, not a request after the other."""
    server.broken = ""

    async def scenario(watched: Any) -> None:
        await server.put(pod("a"))
        await watched.until_named("a")
        await asyncio.sleep(0.2)

        assert len(server.asked("watch")) <= 3

    watching(scenario, patience=Patience(retries=(0.01, 0.02, 5.0)))


def test_an_odd_pod_is_named_and_the_others_are_found(watching: Any, server: Any, pod: Any) -> None:
    """One pod in a shape that is not known is left out with its name."""
    odd = pod("odd")
    odd["spec"] = "none"

    async def scenario(watched: Any) -> None:
        await server.put(pod("a"), odd)
        found = await watched.until_named("a")

        assert "kubernetes: pod odd: spec: " in found.problem
        assert found.problem.endswith("; it is left out")

        await server.delete("odd")
        await watched.until(lambda seen: seen.problem is None)

    watching(scenario)


def test_a_reload_keeps_the_pods_of_a_namespace_that_fails(watching: Any, server: Any, pod: Any) -> None:
    """A new configuration begins with what the old one knew."""

    async def scenario(watched: Any) -> None:
        await server.put(pod("a"), pod("b", namespace="other"))
        await watched.until_named("a", "b")
        server.forbidden = {"other"}
        fresh = type(watched.source)(*watched.made)
        fresh.inherit(watched.source)
        found = await fresh.find()
        await fresh.aclose()

        assert ["a", "b"] == sorted(target.worker for target in found.targets)
        assert "answers 403" in (found.problem or "")

    watching(scenario, namespaces=("llm", "other"))
