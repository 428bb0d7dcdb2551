"""The newest snapshot and those who wait for it. Used from one event loop."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator

from pdwatch.export.dialect import Dialect
from pdwatch.export.exposition import Body, body_of
from pdwatch.export.past import Past
from pdwatch.model.encode import to_bytes
from pdwatch.model.snapshot import Snapshot


class Publication:
    """One snapshot and its encodings, each made once, when first asked for; any thread may ask."""

    def __init__(self, snapshot: Snapshot | None, serial: int) -> None:
        self.snapshot = snapshot
        self.serial = serial
        """Counts publications from 1; 0 is the one before the first, without a snapshot."""
        self._lock = threading.Lock()
        self._bodies: dict[Dialect, Body] = {}
        self._json: bytes | None = None

    def body(self, dialect: Dialect) -> Body:
        """Return the snapshot in the Prometheus text format or in OpenMetrics."""
        with self._lock:
            if dialect not in self._bodies:
                self._bodies[dialect] = body_of(self.snapshot, dialect)
            return self._bodies[dialect]

    def json(self) -> bytes:
        """Return the snapshot as one line of JSON, `null` without one."""
        with self._lock:
            if self._json is None:
                self._json = to_bytes(self.snapshot) if self.snapshot is not None else b"null"
            return self._json


class SnapshotHub:
    """Holds the newest snapshot. A reader that is slower than the publisher skips to the newest; nothing queues up."""

    def __init__(self) -> None:
        self._current = Publication(None, 0)
        self.past = Past()
        self._changed = asyncio.Event()
        self._closed = False

    @property
    def latest(self) -> Snapshot | None:
        """The newest snapshot; `None` before the first."""
        return self._current.snapshot

    @property
    def current(self) -> Publication:
        """The newest snapshot with its encodings."""
        return self._current

    def publish(self, snapshot: Snapshot) -> None:
        """Make *snapshot* the newest, keep it for those who look back, and wake whoever waits."""
        self.past.keep(snapshot)
        self._current = Publication(snapshot, self._current.serial + 1)
        self._wake()

    def close(self) -> None:
        """End every subscription."""
        self._closed = True
        self._wake()

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    async def after(self, serial: int) -> Publication | None:
        """Wait for a publication later than *serial* and return the newest; `None` once the hub is closed."""
        while not self._closed and self._current.serial <= serial:
            await self._changed.wait()
        return None if self._closed else self._current

    async def subscribe(self) -> AsyncIterator[Snapshot]:
        """Yield the newest snapshot and each later one that the reader is in time for, until the hub is closed."""
        publication = await self.after(0)
        while publication is not None and publication.snapshot is not None:
            yield publication.snapshot
            publication = await self.after(publication.serial)
