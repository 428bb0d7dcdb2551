"""The last hour of snapshots, kept for screens that look back; thinned where a snapshot is large."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

from pdwatch.model.history import History
from pdwatch.model.snapshot import Snapshot

SMALL_FLEET = 64
"""Workers up to which every snapshot is kept."""
LARGE_STEP_SECONDS = 60.0
"""Between two kept snapshots of a larger fleet: packing one costs as much as judging it."""


class Past:
    """What a serve remembers of its snapshots. Large ones are packed on a thread, so that nobody waits for that."""

    def __init__(self, history: History | None = None) -> None:
        self._history = history if history is not None else History()
        self._packer = ThreadPoolExecutor(1, "past")
        self._packing: Future[None] | None = None
        self._kept_at: float | None = None

    def keep(self, snapshot: Snapshot) -> None:
        """Keep a snapshot, if its turn has come."""
        large = snapshot.self_state.workers > SMALL_FLEET
        if large and self._kept_at is not None and 0 <= snapshot.t - self._kept_at < LARGE_STEP_SECONDS:
            return
        self._kept_at = snapshot.t
        self._settle()
        if large:
            self._packing = self._packer.submit(self._history.append, snapshot)
        else:
            self._history.append(snapshot)

    def lines(self) -> Iterator[bytes]:
        """Return what is kept now as lines of JSON, oldest first."""
        self._settle()
        return self._history.lines()

    def _settle(self) -> None:
        """Wait until the last snapshot is packed; raises what went wrong with it."""
        packing, self._packing = self._packing, None
        if packing is not None:
            packing.result()
