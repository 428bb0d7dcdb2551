"""Events of one log folded into what is known of it."""

from __future__ import annotations

from collections import Counter

from pdwatch.model.logline import (
    EngineFault,
    EngineStats,
    EplbRearrangement,
    EventBody,
    FaultKind,
    KvExpired,
    RearrangementPhase,
    SourceLog,
    StatsDisabled,
    TransferSummaries,
    TransferSummary,
    VersionBanner,
)

_MOST_ENGINES = 1024


class LogFold:
    """Everything one log has told; counts only rise."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.lines = 0
        self.version: str | None = None
        self._at: float | None = None
        self._stats_disabled = False
        self._faults: Counter[FaultKind] = Counter()
        self._fault_at: dict[FaultKind, float] = {}
        self._expired = 0
        self._rearrangements = 0
        self._rearrangement_seconds: float | None = None
        self._engines: dict[str, EngineStats] = {}
        self._transfer: tuple[TransferSummary, ...] = ()

    def add(self, event: EventBody, at: float) -> None:
        """Take an event that was read at *at*, Unix seconds. Steps of EPLB are kept elsewhere."""
        self._at = at
        match event:
            case EngineFault(kind):
                self._faults[kind] += 1
                self._fault_at[kind] = at
            case KvExpired():
                self._expired += 1
            case EplbRearrangement():
                self._rearrange(event)
            case EngineStats():
                if len(self._engines) < _MOST_ENGINES or (event.engine or "") in self._engines:
                    self._engines[event.engine or ""] = event
            case TransferSummaries(summaries):
                self._transfer = summaries
            case StatsDisabled():
                self._stats_disabled = True
            case VersionBanner(version):
                self._restart(version)

    def state(self) -> SourceLog:
        """Return what is known, frozen."""
        return SourceLog(
            source=self.source,
            at=self._at,
            lines=self.lines,
            version=self.version,
            stats_disabled=self._stats_disabled,
            faults=dict(self._faults),
            fault_at=dict(self._fault_at),
            expired=self._expired,
            rearrangements=self._rearrangements,
            rearrangement_seconds=self._rearrangement_seconds,
            engines=dict(self._engines),
            transfer=self._transfer,
        )

    def _rearrange(self, event: EplbRearrangement) -> None:
        if event.profile:
            return
        if event.phase is RearrangementPhase.STARTED:
            self._rearrangements += 1
        elif event.phase is RearrangementPhase.FINISHED:
            self._rearrangement_seconds = event.seconds

    def _restart(self, version: str) -> None:
        """An engine that names its version has just started: what it printed before describes another process."""
        self.version = version
        self._stats_disabled = False
        self._engines.clear()
        self._transfer = ()
