"""A recording that the viewer starts and stops while watching."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Any

from pdwatch.model.page import Scrape
from pdwatch.model.snapshot import Snapshot
from pdwatch.record.errors import RecordingError
from pdwatch.record.recorder import Recorder


class Tape:
    """Writes what is scraped to *path* while it runs. Hears every scrape in any case."""

    def __init__(self, path: Path, clock: Callable[[], float], config: Mapping[str, Any] | None = None) -> None:
        self._path = path
        self._clock = clock
        self._config = config
        self._recorder: Recorder | None = None

    def toggle(self) -> str:
        """Start or stop, and say so in one line. Raises `ValueError` where it cannot start."""
        if self._recorder is not None:
            return f"recorded to {self._path}{self.close()}"
        try:
            self._recorder = Recorder(self._path, self._clock(), self._config)
        except RecordingError as error:
            raise ValueError(str(error)) from error
        return f"recording to {self._path}"

    def scrape(self, scrape: Scrape) -> None:
        """Take the outcome of one scrape."""
        if self._recorder is not None:
            self._recorder.scrape(scrape)

    async def rounds(self, snapshots: AsyncIterator[Snapshot]) -> AsyncIterator[Snapshot]:
        """Yield *snapshots*, closing a round at each."""
        async for snapshot in snapshots:
            if self._recorder is not None:
                self._recorder.judged(snapshot)
                self._recorder.tick(snapshot.t)
            yield snapshot

    def close(self) -> str:
        """Finish the file, if one is being written, and return what it lacks and why; nothing where it is whole."""
        recorder, self._recorder = self._recorder, None
        if recorder is None:
            return ""
        recorder.close()
        return recorder.lacking
