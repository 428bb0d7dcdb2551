"""Snapshots as server-sent events (WHATWG HTML, 9.2)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from starlette.concurrency import run_in_threadpool

from pdwatch.export.hub import Publication, SnapshotHub

HEARTBEAT = b": still here\n\n"


async def events(hub: SnapshotHub, heartbeat_seconds: float, retry_seconds: float = 3.0) -> AsyncIterator[bytes]:
    """Yield the newest snapshot, then each that the reader is in time for; a comment when nothing comes for long.

    Ends when the hub is closed.
    """
    yield f"retry: {1000 * retry_seconds:.0f}\n\n".encode()
    serial = 0
    while True:
        try:
            publication = await asyncio.wait_for(hub.after(serial), heartbeat_seconds)
        except TimeoutError:
            yield HEARTBEAT
            continue
        if publication is None:
            return
        serial = publication.serial
        yield await _event(publication)


async def _event(publication: Publication) -> bytes:
    body = await run_in_threadpool(publication.json)
    return b"event: snapshot\nid: %d\ndata: %b\n\n" % (publication.serial, body)
