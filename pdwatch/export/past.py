"""The last hour of snapshots, kept for screens that look back; thinned where a snapshot is large."""

from __future__ import annotations

from collections.abc import Iterator

from pdwatch.model.history import History
from pdwatch.model.snapshot import Snapshot

SMALL_FLEET = 64
"""Workers up to which every snapshot is kept."""
LARGE_STEP_SECONDS = 60.0
"""Between two kept snapshots of a larger fleet: encoding one costs as much as judging it."""


class Past:
    """What a serve remembers of its snapshots."""

    def __init__(self, history: History | None = None) -> None:
        self._history = history if history is not None else History()

    def keep(self, snapshot: Snapshot) -> None:
        """Keep a snapshot, if its turn has come."""
        times = self._history.times
        large = snapshot.self_state.workers > SMALL_FLEET
        if large and times and 0 <= snapshot.t - times[-1] < LARGE_STEP_SECONDS:
            return
        self._history.append(snapshot)

    def lines(self) -> Iterator[bytes]:
        """Return what is kept now as lines of JSON, oldest first."""
        return self._history.lines()
