"""Where snapshots come from. All sources yield the same type; the screen cannot tell which one it shows."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Protocol

from pdwatch.model.decode import snapshot_from_json
from pdwatch.model.snapshot import Snapshot
from pdwatch.top.connection import Connection

RETRY_SECONDS = (1.0, 2.0, 5.0)
SILENCE_SECONDS = 45.0
"""Without even a heartbeat for this long, a stream is taken for dead."""


class Source(Protocol):
    """Yields snapshots until it is exhausted or closed."""

    name: str
    """For people: `127.0.0.1:10077`, `fleet.jsonl.zst`."""
    replay: bool
    """Whether its snapshots are of the past and can be read faster than time."""
    trouble: str | None
    """Why nothing arrives, `None` while all is well."""

    def backlog(self) -> AsyncIterator[Snapshot]:
        """Yield the snapshots that were there before this screen, oldest first."""
        ...

    def snapshots(self) -> AsyncIterator[Snapshot]:
        """Yield each snapshot as it comes."""
        ...


class Handed:
    """Snapshots that someone else makes: by scraping, or of a simulated fleet."""

    def __init__(self, name: str, iterator: AsyncIterator[Snapshot]) -> None:
        self.name = name
        self.replay = False
        self.trouble: str | None = None
        self._iterator = iterator

    def backlog(self) -> AsyncIterator[Snapshot]:
        """Yield nothing: it begins with the screen."""
        return _nothing()

    def snapshots(self) -> AsyncIterator[Snapshot]:
        """Yield what was handed in."""
        return self._iterator


class Played:
    """A recording as snapshots, read in a thread as far as the screen wants to see."""

    def __init__(self, name: str, snapshots: Iterator[Snapshot]) -> None:
        self.name = name
        self.replay = True
        self.trouble: str | None = None
        self._snapshots = snapshots

    def backlog(self) -> AsyncIterator[Snapshot]:
        """Yield nothing: a replay begins at its first snapshot."""
        return _nothing()

    async def snapshots(self) -> AsyncIterator[Snapshot]:
        """Yield every snapshot of the recording."""
        while (snapshot := await asyncio.to_thread(next, self._snapshots, None)) is not None:
            yield snapshot


async def _nothing() -> AsyncIterator[Snapshot]:
    none: tuple[Snapshot, ...] = ()
    for snapshot in none:
        yield snapshot


class Attached:
    """The stream of a running serve. Viewers cost it no scrape; it is asked again when it goes away."""

    def __init__(self, connection: Connection, retries: Sequence[float] = RETRY_SECONDS) -> None:
        self.name = connection.name
        self.replay = False
        self.trouble: str | None = None
        self._connection = connection
        self._retries = retries

    async def backlog(self) -> AsyncIterator[Snapshot]:
        """Yield what the serve still holds in memory, as far as it can be read; nothing where it does not answer."""
        import httpx  # noqa: PLC0415

        try:
            async with self._connection.client() as client, client.stream("GET", "/api/v1/history") as answer:
                answer.raise_for_status()
                async for line in answer.aiter_lines():
                    yield await asyncio.to_thread(_read, line)
        except (httpx.HTTPError, OSError, ValueError):
            return

    async def snapshots(self) -> AsyncIterator[Snapshot]:
        """Yield each snapshot of the stream, for ever."""
        import httpx  # noqa: PLC0415

        failures = 0
        while True:
            try:
                async for snapshot in self._stream():
                    self.trouble, failures = None, 0
                    yield snapshot
                self.trouble = "the stream ended"
            except (httpx.HTTPError, OSError, ValueError) as error:
                self.trouble = self._connection.failure(error).reason
            wait = self._retries[min(failures, len(self._retries) - 1)]
            failures += 1
            await asyncio.sleep(wait)

    async def _stream(self) -> AsyncIterator[Snapshot]:
        client = self._connection.client(SILENCE_SECONDS)
        async with client, client.stream("GET", "/api/v1/stream") as answer:
            answer.raise_for_status()
            async for line in answer.aiter_lines():
                if line.startswith("data:"):
                    yield _read(line[5:])


def _read(line: str) -> Snapshot:
    return snapshot_from_json(json.loads(line))
