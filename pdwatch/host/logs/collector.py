"""The collector of engine logs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from pdwatch.host.collector import CollectError, NothingHere
from pdwatch.host.logs.balancedness import BalancednessFold
from pdwatch.host.logs.fold import LogFold
from pdwatch.host.logs.parse import parse_line
from pdwatch.host.logs.source import Batch, LogSource
from pdwatch.model.logline import EplbStep, HostLogs

MOST_SOURCES = 1024


class LogCollector:
    """Reads what came in since the last collection and answers with everything known since the first."""

    def __init__(
        self, sources: Sequence[LogSource], clock: Callable[[], float], versions: Mapping[str, str] | None = None
    ) -> None:
        """*clock* gives Unix seconds. *versions* are engine versions by source, where a log does not tell its own."""
        self._sources = tuple(sources)
        self._clock = clock
        self._versions = dict(versions or {})
        self._folds: dict[str, LogFold] = {}
        self._balancedness = BalancednessFold()

    @property
    def name(self) -> str:
        """Name in metrics and messages."""
        return "logs"

    def collect(self) -> HostLogs:
        """Poll every source once.

        Raises `NothingHere` without sources, `CollectError` when all of them failed; a single failure is a note.
        """
        if not self._sources:
            raise NothingHere("no log is configured on this host")
        now = self._clock()
        failures: list[str] = []
        for source in self._sources:
            try:
                for batch in source.poll():
                    self._take(batch, now)
            except CollectError as error:
                failures.append(str(error))
        if len(failures) == len(self._sources):
            raise CollectError("; ".join(failures))
        versions = {name: fold.version or self._versions.get(name) for name, fold in self._folds.items()}
        return HostLogs(
            sources=tuple(self._folds[name].state() for name in sorted(self._folds)),
            balancedness=self._balancedness.states(now, versions),
            behind_bytes=sum(source.behind_bytes for source in self._sources),
            notes=(*(note for source in self._sources for note in source.notes), *failures),
        )

    def close(self) -> None:
        """Close every source."""
        for source in self._sources:
            source.close()

    def _take(self, batch: Batch, at: float) -> None:
        fold = self._folds.pop(batch.source, None) or LogFold(batch.source)
        self._folds[batch.source] = fold
        self._forget_oldest()
        fold.lines += len(batch.lines)
        for line in batch.lines:
            event = parse_line(line)
            if event is None:
                continue
            fold.add(event.body, at)
            if isinstance(event.body, EplbStep):
                self._balancedness.add(batch.source, event.body, at)

    def _forget_oldest(self) -> None:
        """Keep memory flat where file names come and go: the log that has been silent for longest goes first."""
        if len(self._folds) > MOST_SOURCES:
            oldest = next(iter(self._folds))
            del self._folds[oldest]
            self._balancedness.forget(oldest)
