"""All sources together."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from pdwatch.config.errors import ConfigError
from pdwatch.config.load import Flag, from_mapping, load
from pdwatch.config.model import Config
from pdwatch.config.sources import FileSource, HttpSource, RouterSource, Source, StaticGroup
from pdwatch.discover.build import host_discovery, worker_discovery
from pdwatch.discover.discovery import Discovery
from pdwatch.discover.static import StaticSource
from pdwatch.model.target import Role, RoleSource, Target


def static(*addresses: str, **labels: str) -> Source:
    """Return a static entry."""
    return Source(static=(StaticGroup(targets=addresses, labels=labels),))


def names(targets: list[Target]) -> list[str]:
    """Return the names of the workers."""
    return [target.worker for target in targets]


def test_flags_are_declared_roles() -> None:
    """The URLs of the command line are workers with roles, of the service that it names."""
    flags = [Flag("--prefill", ("prefill",), ["p:1", "q:1"]), Flag("--decode", ("decode",), ["http://d:1"])]
    config = load(None, {}, [*flags, Flag("--service", ("service",), "chat")])

    targets = asyncio.run(worker_discovery(config).refresh(0))

    assert [
        ("p:1", Role.PREFILL, "--prefill"),
        ("q:1", Role.PREFILL, "--prefill"),
        ("d:1", Role.DECODE, "--decode"),
    ] == [(target.worker, target.role, target.source) for target in targets]
    assert {("chat", RoleSource.DECLARED)} == {(target.service, target.role_source) for target in targets}


def test_no_source_is_no_target() -> None:
    """A configuration without sources has an empty fleet and no error."""
    discovery = worker_discovery(Config())

    assert [] == asyncio.run(discovery.refresh(0))
    assert {} == discovery.errors


def test_hosts_are_apart_from_workers() -> None:
    """Pages about hosts are found by their own list."""
    config = Config(discovery=(static("a:1"),), hosts=(static("node0:10078"),))

    assert ["node0:10078"] == names(asyncio.run(host_discovery(config).refresh(0)))
    assert ["a:1"] == names(asyncio.run(worker_discovery(config).refresh(0)))


def test_prometheus_is_no_place_of_hosts() -> None:
    """What reads workers only is refused under hosts, with what to write there."""
    config = from_mapping({"hosts": [{"prometheus": {"url": "http://prometheus:9090"}}]}, "test")

    with pytest.raises(ConfigError) as caught:
        host_discovery(config)

    assert (
        "hosts[0].prometheus: is read for workers only; name dcgm-exporter, node_exporter or pdwatch agent themselves"
        == str(caught.value)
    )


def test_failing_source_touches_no_other(serve: Any, answer: Any, tmp_path: Path) -> None:
    """While a service is down its last targets stay, the other sources go on, and both are told apart."""
    path = tmp_path / "a.yaml"

    async def scenario() -> None:
        async with serve(answer) as url:
            entries = (
                Source(http=HttpSource(url=url, refresh=30.0)),
                Source(file=FileSource(paths=(path,), refresh=5.0)),
            )
            discovery = worker_discovery(Config(discovery=entries))
            answer.body = json.dumps([{"targets": ["a:1"]}])
            path.write_text("[{targets: ['f:1']}]", encoding="utf-8")
            assert ["a:1", "f:1"] == names(await discovery.refresh(100))
            assert {} == discovery.errors

            answer.status = 500
            path.write_text("[{targets: ['gg:1']}]", encoding="utf-8")
            assert ["a:1", "gg:1"] == names(await discovery.refresh(130))
            assert [url] == list(discovery.errors)
            assert [30.0, 0.0] == [state.age(130) for state in discovery.states]

            answer.status = 200
            answer.body = "[]"
            assert ["gg:1"] == names(await discovery.refresh(140))
            assert {} == discovery.errors
            await discovery.aclose()

    asyncio.run(scenario())


def test_source_that_never_answered_has_no_age(serve: Any, answer: Any) -> None:
    """A source that is down from the start has an error, no targets and no last success."""
    answer.status = 404

    async def scenario() -> None:
        async with serve(answer) as url:
            discovery = worker_discovery(Config(router=url))
            assert [] == await discovery.refresh(0)
            assert None is discovery.states[0].age(10)
            assert [f"{url}/workers"] == list(discovery.errors)
            await discovery.aclose()

    asyncio.run(scenario())


def test_a_source_that_hangs_holds_up_no_other(serve: Any, answer: Any, tmp_path: Path, monkeypatch: Any) -> None:
    """While one source is awaited the others are looked at again and again; its answer is taken in when it comes."""
    monkeypatch.setattr("pdwatch.discover.discovery.PATIENCE_SECONDS", 0.01)
    path = tmp_path / "a.yaml"

    async def scenario() -> None:
        async with serve(answer) as url:
            entries = (
                Source(http=HttpSource(url=url, refresh=1.0)),
                Source(file=FileSource(paths=(path,), refresh=1.0)),
            )
            discovery = worker_discovery(Config(discovery=entries))
            answer.body = json.dumps([{"targets": ["a:1"]}])
            path.write_text("[{targets: ['f:1']}]", encoding="utf-8")
            await discovery.refresh(0)
            answer.stall = True
            path.write_text("[{targets: ['gg:1']}]", encoding="utf-8")
            await discovery.refresh(1)
            path.write_text("[{targets: ['hhh:1']}]", encoding="utf-8")
            now = 2
            while "hhh:1" not in names(later := await discovery.refresh(now)):
                now += 1

            assert ["a:1", "hhh:1"] == names(later)
            assert 2 == len(answer.requests)
            await discovery.aclose()

    asyncio.run(scenario())


def test_a_source_with_a_fault_of_its_own_is_told_and_takes_no_other_down(caplog: Any) -> None:
    """Whatever a source raises, it is one line about this source."""

    class Faulty:
        name = "faulty"
        refresh = 1.0

        async def find(self) -> Any:
            raise KeyError("nobody thought of this")

        async def aclose(self) -> None:
            pass

    discovery = Discovery([Faulty(), StaticSource("static", (StaticGroup(targets=("a:1",)),))])

    assert ["a:1"] == names(asyncio.run(discovery.refresh(0)))
    assert {"faulty": "faulty: failed in a way that nobody foresaw; the log of pdwatch tells how"} == discovery.errors
    assert "nobody thought of this" in caplog.text


def test_sources_are_asked_when_their_answers_run_out(serve: Any, answer: Any) -> None:
    """An answer holds for the refresh of its entry; after a failure the next question comes sooner."""

    async def scenario() -> list[int]:
        async with serve(answer) as url:
            discovery = worker_discovery(Config(discovery=(Source(http=HttpSource(url=url, refresh=60.0)),)))
            counts = []
            for now, status in [
                (0, 200),
                (59, 200),
                (60, 500),
                (69, 200),
                (70, 200),
                (129, 200),
                (130, 200),
                (50, 200),
            ]:
                answer.status = status
                await discovery.refresh(now)
                counts.append(len(answer.requests))
            await discovery.aclose()
            return counts

    assert [1, 1, 2, 2, 3, 3, 4, 5] == asyncio.run(scenario())


def test_unchanged_answer_is_the_same_list(serve: Any, answer: Any) -> None:
    """Who holds the list sees by identity that nothing changed."""

    async def scenario() -> None:
        async with serve(answer) as url:
            discovery = worker_discovery(Config(discovery=(Source(http=HttpSource(url=url, refresh=1.0)),)))
            answer.body = json.dumps([{"targets": ["a:1"]}])
            first = await discovery.refresh(0)
            assert first is await discovery.refresh(10)
            answer.body = json.dumps([{"targets": ["a:1"], "labels": {"role": "decode"}}])
            assert first != await discovery.refresh(20)
            await discovery.aclose()

    asyncio.run(scenario())


def test_router_completes_a_static_fleet(serve: Any, answer: Any, pages: Path) -> None:
    """A declared worker keeps its labels, learns its role from the router, and the router is a page of its own."""
    answer.body = (pages / "vllm_router_0.1.17_workers_underload.json").read_text(encoding="utf-8")

    async def scenario() -> list[Target]:
        async with serve(answer) as url:
            entry = RouterSource(url=url, service="chat", metrics_url="http://127.0.0.1:29000")
            entries = (static("127.0.0.1:39011", replica="p0", host="node0"), Source(router=entry))
            discovery = worker_discovery(Config(discovery=entries))
            targets = await discovery.refresh(0)
            await discovery.aclose()
            assert {} == discovery.errors
            return targets

    targets = asyncio.run(scenario())

    assert ["127.0.0.1:39011", "127.0.0.1:29000", "127.0.0.1:39012", "127.0.0.1:39021", "127.0.0.1:39022"] == names(
        targets
    )
    assert (Role.PREFILL, "p0", "node0", "chat") == (
        targets[0].role,
        targets[0].replica,
        targets[0].host,
        targets[0].service,
    )
    assert (Role.ROUTER, "chat", "http://127.0.0.1:29000/metrics") == (
        targets[1].role,
        targets[1].service,
        targets[1].url,
    )
