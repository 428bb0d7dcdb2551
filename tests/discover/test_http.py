"""Discovery over HTTP: http_sd and routers."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pdwatch.config.access import Authorization
from pdwatch.config.sources import HttpSource, RouterSource
from pdwatch.discover.http import JsonClient
from pdwatch.discover.http_sd import HttpDiscovery
from pdwatch.discover.router import RouterDiscovery
from pdwatch.discover.source import DiscoveryError, Found, Source
from pdwatch.model.target import Role, RoleSource


def ask(serve: Any, answer: Any, make: Callable[[str], Source]) -> tuple[str, Found | str]:
    """Return the URL of a server and what the source finds there, or the text of its error."""

    async def once() -> tuple[str, Found | str]:
        async with serve(answer) as url:
            source = make(url)
            try:
                return url, await source.find()
            except DiscoveryError as error:
                return url, str(error)
            finally:
                await source.aclose()

    return asyncio.run(once())


def http_sd(url: str, **limits: Any) -> HttpDiscovery:
    """Return the http_sd source of a server."""
    entry = HttpSource(url=f"{url}/targets")
    return HttpDiscovery(entry, JsonClient(entry, **limits))


def router(url: str) -> RouterDiscovery:
    """Return the router source of a server."""
    entry = RouterSource(url=url, service="chat")
    return RouterDiscovery(entry, JsonClient(entry))


def test_target_groups(serve: Any, answer: Any) -> None:
    """The answer of http_sd is read like a file of targets."""
    answer.body = json.dumps([{"targets": ["a:1", "b:1"], "labels": {"role": "decode", "service": "s"}}])

    url, found = ask(serve, answer, http_sd)

    assert isinstance(found, Found)
    assert [("a:1", Role.DECODE, "s"), ("b:1", Role.DECODE, "s")] == [
        (target.worker, target.role, target.service) for target in found.targets
    ]
    assert f"{url}/targets" == found.targets[0].source


def test_no_targets_are_an_answer(serve: Any, answer: Any) -> None:
    """A service that knows no targets has not failed."""
    assert Found(()) == ask(serve, answer, http_sd)[1]


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"status": 503}, ": answers 503 Service Unavailable; see whether the URL and the credentials are right"),
        ({"body": "<html>"}, ":1: is no JSON; write a list of target groups"),
        ({"body": "[" * 100_000}, ": is no JSON; write a list of target groups"),
        ({"body": '[{"labels": {}}]'}, ": [0].targets: is missing; add the key targets"),
        ({"body": '[{"targets": "a:1"}]'}, ": [0].targets: 'a:1' is no list; write [a, b], or each item"),
        ({"body": " " * 2000}, ": answers more than 1000 bytes; see whether the URL is right"),
    ],
)
def test_bad_answer_is_named(serve: Any, answer: Any, fields: dict[str, Any], problem: str) -> None:
    """Whatever a service answers, the error is one line with its URL."""
    for name, value in fields.items():
        setattr(answer, name, value)
    limit = 1000 if "more than" in problem else 10**6

    url, error = ask(serve, answer, lambda url: http_sd(url, max_body=limit))

    assert isinstance(error, str)
    assert error.startswith(f"{url}/targets{problem}")


def test_stalled_answer_is_given_up(serve: Any, answer: Any) -> None:
    """A service that begins an answer and never ends it does not hold discovery."""
    answer.stall = True

    url, error = ask(serve, answer, lambda url: http_sd(url, timeout=0.2))

    assert f"{url}/targets: no answer within 0.2s; see whether it is up" == error


def test_nobody_listens(serve: Any, answer: Any) -> None:
    """A service that is down is named."""

    async def once() -> str:
        async with serve(answer) as url:
            pass
        source = http_sd(url)
        with pytest.raises(DiscoveryError) as caught:
            await source.find()
        await source.aclose()
        return str(caught.value).removeprefix(url)

    assert "/targets: cannot be reached; see whether it is up and reachable" == asyncio.run(once())


def test_token_is_sent_and_never_shown(serve: Any, answer: Any, tmp_path: Path) -> None:
    """The entry's own credentials go with its requests; a broken token is refused without being shown."""
    token = tmp_path / "token"
    token.write_text("hunter2\n", encoding="utf-8")

    def make(url: str) -> HttpDiscovery:
        entry = HttpSource(url=url, authorization=Authorization(credentials_file=token))
        return HttpDiscovery(entry, JsonClient(entry))

    ask(serve, answer, make)
    token.write_text("hunter2\nhunter3\n", encoding="utf-8")
    url, error = ask(serve, answer, make)

    assert "Bearer hunter2" == answer.requests[0].headers["Authorization"]
    assert (
        f"{url}: its credentials cannot be used (the secret of {token} is not one line of ASCII); mend their file"
        == error
    )


@pytest.mark.parametrize(
    "page", ["vllm_router_0.1.17_workers_underload.json", "sglang_router_0.3.2_workers_underload.json"]
)
def test_workers_of_a_router(serve: Any, answer: Any, pages: Path, page: str) -> None:
    """Both routers name their workers and roles; the list is in order of the URLs."""
    answer.body = (pages / page).read_text(encoding="utf-8")

    url, found = ask(serve, answer, router)

    assert isinstance(found, Found)
    assert [
        ("http://127.0.0.1:39011/metrics", Role.PREFILL),
        ("http://127.0.0.1:39012/metrics", Role.PREFILL),
        ("http://127.0.0.1:39021/metrics", Role.DECODE),
        ("http://127.0.0.1:39022/metrics", Role.DECODE),
    ] == [(target.url, target.role) for target in found.targets]
    assert {(RoleSource.ROUTER, "chat", f"{url}/workers")} == {
        (target.role_source, target.service, target.source) for target in found.targets
    }
    assert "/workers" == answer.requests[0].path


def test_ranks_of_one_worker_are_one_target(serve: Any, answer: Any) -> None:
    """A router that lists each data-parallel rank names one page."""
    answer.body = json.dumps(
        {"workers": [{"url": f"http://a:8000@{rank}", "worker_type": "regular"} for rank in range(4)]}
    )

    _, found = ask(serve, answer, router)

    assert isinstance(found, Found)
    assert [("http://a:8000/metrics", Role.BOTH)] == [(target.url, target.role) for target in found.targets]


def test_worker_without_a_page_is_left_out(serve: Any, answer: Any) -> None:
    """A worker that speaks gRPC alone has no page; the others are found and it is told."""
    workers = [{"url": "grpc://a:1", "worker_type": "decode"}, {"url": "http://b:1", "worker_type": "new"}, {"id": "c"}]
    answer.body = json.dumps(workers)

    url, found = ask(serve, answer, router)

    assert isinstance(found, Found)
    assert [("b:1", Role.UNKNOWN, RoleSource.NONE)] == [
        (target.worker, target.role, target.role_source) for target in found.targets
    ]
    assert f"{url}/workers: 'grpc://a:1' has scheme 'grpc'; write http:// or https://" == found.problem


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ('{"workers": []}', "is an empty list; name workers that register over ZMQ as static targets"),
        ('{"status": "ok"}', "lists no workers; name the API address of vllm-router or sglang-router"),
        ("OK", "is no JSON; name the API address of vllm-router or sglang-router"),
    ],
)
def test_router_without_workers_has_failed(serve: Any, answer: Any, body: str, problem: str) -> None:
    """A router lists nothing while it starts and where workers register over ZMQ: that empties no fleet."""
    answer.body = body

    url, error = ask(serve, answer, router)

    assert f"{url}/workers: {problem}" == error
