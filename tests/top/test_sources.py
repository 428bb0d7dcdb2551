"""Sources: a stream of a running serve, snapshots handed in, a recording; one screen cannot tell which."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from pdwatch.export.app import create_app
from pdwatch.export.hub import SnapshotHub
from pdwatch.export.server import Server
from pdwatch.model.encode import dumps, snapshot_from_json
from pdwatch.model.snapshot import Snapshot
from pdwatch.top import once
from pdwatch.top.connection import Connection
from pdwatch.top.sources import Attached, Handed, Played

DEADLINE = 20.0


@asynccontextmanager
async def _serve(hub: SnapshotHub, port: int = 0) -> AsyncIterator[Server]:
    server = Server(create_app(hub), on_stop=hub.close)
    await server.start("127.0.0.1", port)
    try:
        yield server
    finally:
        await server.stop()


async def _take(snapshots: AsyncIterator[Snapshot], count: int) -> list[Snapshot]:
    async with asyncio.timeout(DEADLINE):
        return [await anext(snapshots) for _ in range(count)]


async def _handed(snapshots: Sequence[Snapshot]) -> AsyncIterator[Snapshot]:
    for snapshot in snapshots:
        yield snapshot


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_every_source_yields_the_same_snapshots(states) -> None:
    """Attached, handed in, or played from a recording: equal values."""
    snapshots = states["decode"]

    async def attached() -> list[Snapshot]:
        hub = SnapshotHub()
        async with _serve(hub) as server:
            source = Attached(Connection(server.url))
            stream, found = source.snapshots(), []
            for snapshot in snapshots:
                hub.publish(snapshot)
                found += await _take(stream, 1)
            await stream.aclose()
            return found

    async def played() -> list[Snapshot]:
        return [snapshot async for snapshot in Played("f", iter(snapshots)).snapshots()]

    async def handed() -> list[Snapshot]:
        return [snapshot async for snapshot in Handed("d", _handed(snapshots)).snapshots()]

    assert [snapshots] * 3 == [asyncio.run(made()) for made in (attached, played, handed)]


def test_an_attached_screen_survives_the_serve(states) -> None:
    """While nothing answers, the reason is told; when it is back, so are the snapshots."""
    first, second = states["healthy"][:2]

    async def scenario() -> tuple[list[Snapshot], str | None, list[Snapshot], str | None]:
        port, source = _free_port(), None
        hub = SnapshotHub()
        hub.publish(first)
        async with _serve(hub, port) as server:
            source = Attached(Connection(server.url), retries=(0.02,))
            stream = source.snapshots()
            before = await _take(stream, 1)
        waiting = asyncio.create_task(_take(stream, 1))
        async with asyncio.timeout(DEADLINE):
            while source.trouble in (None, "the stream ended"):
                await asyncio.sleep(0.01)
        trouble, hub = source.trouble, SnapshotHub()
        hub.publish(second)
        async with _serve(hub, port):
            after = await waiting
        await stream.aclose()
        return before, trouble, after, source.trouble

    before, trouble, after, silent = asyncio.run(scenario())

    assert ([first], [second]) == (before, after)
    assert trouble
    assert "\n" not in trouble
    assert None is silent


def test_what_a_serve_still_holds_comes_before_the_present(states) -> None:
    """In order; the newest of it is also the first of the stream."""
    snapshots = states["decode"]

    async def scenario() -> tuple[list[Snapshot], list[Snapshot]]:
        hub = SnapshotHub()
        for snapshot in snapshots:
            hub.publish(snapshot)
        async with _serve(hub) as server:
            source = Attached(Connection(server.url))
            stream = source.snapshots()
            newest = await _take(stream, 1)
            await stream.aclose()
            return [snapshot async for snapshot in source.backlog()], newest

    past, newest = asyncio.run(scenario())

    assert snapshots == past
    assert snapshots[-1:] == newest


def test_what_is_no_serve_is_told(states) -> None:
    """A path that answers 404 is no stream; neither is a backlog, and that is no trouble."""

    async def scenario() -> tuple[str | None, Sequence[Snapshot]]:
        hub = SnapshotHub()
        async with _serve(hub) as server:
            source = Attached(Connection(f"{server.url}other"), retries=(0.02,))
            waiting = asyncio.create_task(_take(source.snapshots(), 1))
            async with asyncio.timeout(DEADLINE):
                while source.trouble is None:
                    await asyncio.sleep(0.01)
            waiting.cancel()
            await asyncio.gather(waiting, return_exceptions=True)
            return source.trouble, [snapshot async for snapshot in source.backlog()]

    assert ("it answers 404", []) == asyncio.run(scenario())


def test_a_password_in_the_url_is_not_shown() -> None:
    """The name for people has host and port only."""
    assert "monitor:10077" == Attached(Connection("http://user:secret@monitor:10077/")).name


def test_an_attached_screen_judges_by_the_thresholds_of_its_serve(session, service, worker, snapshot) -> None:
    """They come with the snapshot; one that this version does not know is skipped."""
    told = {"kv_usage_high": 0.5, "moon_phase_high": 1.0}
    line = dumps(snapshot(service([worker("d-01", engine={"kv_cache_usage_ratio": 0.6})]), thresholds=told))
    stricter = session([snapshot_from_json(json.loads(line))])
    usual = session([snapshot(service([worker("d-01", engine={"kv_cache_usage_ratio": 0.6})]))])

    assert ("KV full", "ok") == (stricter.scene(0.0).rows[0].word, usual.scene(0.0).rows[0].word)
    assert "KV full" in once(stricter.playhead.snapshot, "csv")


def test_an_attached_screen_tells_that_it_is_not_let_in(states) -> None:
    """Without what the serve asks for it says so; with it the stream comes, and the secret is read for each try."""
    asked: list[str] = []

    async def guard(scope, receive, send) -> None:
        if dict(scope["headers"]).get(b"authorization") == b"Bearer new":
            await app(scope, receive, send)
            return
        await send({"type": "http.response.start", "status": 401, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    def token() -> dict[str, str]:
        asked.append("old" if len(asked) < 2 else "new")
        return {"Authorization": f"Bearer {asked[-1]}"}

    async def scenario() -> tuple[str | None, list[Snapshot]]:
        server = Server(guard, on_stop=hub.close)
        await server.start("127.0.0.1", 0)
        source = Attached(Connection(server.url, token), retries=(0.02, 0.02, 0.02))
        waiting, refused = asyncio.create_task(_take(source.snapshots(), 1)), None
        async with asyncio.timeout(DEADLINE):
            while not waiting.done():
                refused = source.trouble or refused
                await asyncio.sleep(0.001)
        await server.stop()
        return refused, await waiting

    hub = SnapshotHub()
    hub.publish(states["healthy"][0])
    app = create_app(hub)

    assert ("it answers 401: it refuses what was sent", [states["healthy"][0]]) == asyncio.run(scenario())
