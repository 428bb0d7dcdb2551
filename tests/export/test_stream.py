"""Snapshots as server-sent events, and the hub behind them."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace

import pytest

from pdwatch.export.hub import SnapshotHub
from pdwatch.model.encode import snapshot_to_json


def events(lines):
    """Split a stream into its blocks."""
    block = []
    for line in lines:
        if line:
            block.append(line)
        else:
            yield block
            block = []


def test_each_snapshot_is_an_event(site, fleet):
    """A reader gets the newest snapshot at once and every later one, each on one line."""
    site.publish(fleet)
    with site.client.stream("GET", "/api/v1/stream") as answer:
        blocks = (block for block in events(answer.iter_lines()) if not block[0].startswith(":"))
        retry, first = next(blocks), next(blocks)
        site.publish(replace(fleet, t=fleet.t + 5))
        second = next(blocks)

    assert "text/event-stream; charset=utf-8" == answer.headers["content-type"]
    assert ["retry: 3000"] == retry
    assert ["event: snapshot", "id: 1"] == first[:2]
    assert snapshot_to_json(fleet) == json.loads(first[2].removeprefix("data: "))
    assert ["event: snapshot", "id: 2"] == second[:2]
    assert 3 == len(second)


def test_a_quiet_stream_is_kept_alive_by_comments(site):
    """Proxies close what is silent; a comment is ignored by readers."""
    with site.client.stream("GET", "/api/v1/stream") as answer:
        blocks = events(answer.iter_lines())
        kept = [next(blocks) for _ in range(3)]

    assert [["retry: 3000"], [": still here"], [": still here"]] == kept


def test_the_stream_ends_when_the_server_stops(site, fleet):
    """A reader sees the end of the stream, and stopping does not wait for readers."""
    site.publish(fleet)
    with site.client.stream("GET", "/api/v1/stream") as answer:
        lines = answer.iter_lines()
        next(lines)
        site.stop()
        rest = list(lines)

    assert "" == rest[-1]


def test_readers_beyond_the_limit_are_turned_away(open_site):
    """Connections are bounded, so that a flood cannot take the exporter's memory."""
    site = open_site(connections=2)
    with site.client.stream("GET", "/api/v1/stream"):
        answer = site.client.get("/-/healthy")

    assert 503 == answer.status_code


def test_a_slow_reader_skips_to_the_newest(fleet):
    """Snapshots do not queue up behind a reader."""

    async def read() -> list[float]:
        hub = SnapshotHub()
        hub.publish(fleet)
        seen = []
        async for snapshot in hub.subscribe():
            seen.append(snapshot.t - fleet.t)
            if len(seen) == 1:
                for later in range(1, 100):
                    hub.publish(replace(fleet, t=fleet.t + later))
            else:
                hub.close()
        return seen

    assert [0.0, 99.0] == asyncio.run(read())


def test_a_reader_that_comes_first_waits(fleet):
    """Nothing is yielded before the first snapshot, and `latest` is none."""

    async def read() -> tuple[object, object]:
        hub = SnapshotHub()
        before = hub.latest
        reader = asyncio.ensure_future(anext(hub.subscribe()))
        await asyncio.sleep(0)
        assert not reader.done()
        hub.publish(fleet)
        return before, await reader

    assert (None, fleet) == asyncio.run(read())


def test_closing_ends_every_reader(fleet):
    """Readers that wait return instead of hanging."""

    async def read() -> list[list[float]]:
        hub = SnapshotHub()

        async def all_of() -> list[float]:
            return [snapshot.t async for snapshot in hub.subscribe()]

        readers = [asyncio.ensure_future(all_of()) for _ in range(3)]
        await asyncio.sleep(0)
        hub.close()
        return await asyncio.gather(*readers)

    assert [[], [], []] == asyncio.run(read())


@pytest.mark.parametrize("asked", [1, 2])
def test_a_snapshot_is_encoded_once(fleet, asked):
    """However many scrape and read, the work is done once per snapshot."""
    hub = SnapshotHub()
    hub.publish(fleet)

    assert 1 == len({id(hub.current.json()) for _ in range(asked)})
