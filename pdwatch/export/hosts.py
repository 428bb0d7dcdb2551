"""Metrics of hosts as a whole, of engine processes and of engine logs."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from pdwatch.catalog import host as metrics
from pdwatch.export.view import Extractor, Sample, Table, View, each_reading, of_readings, text
from pdwatch.model.host import HostReading, HostState
from pdwatch.model.logline import Balancedness, SourceLog
from pdwatch.model.process import EngineGroup, EngineProcess
from pdwatch.model.records import flat

LONGEST_VALUE = 1024
"""Characters of one value of a configuration; readers of pages refuse longer labels than a few thousand."""

_OTHERWISE_TOLD = ("pid", "family", "processes")


def _of_hosts(pick: Callable[[HostState], float | None]) -> Extractor:
    return lambda view: ((labels, pick(state)) for labels, state in view.hosts)


def _origins(view: View) -> Iterable[Sample]:
    return (((*labels, origin.value), 1) for labels, state in view.hosts for origin in state.origins)


def _collectors(reading: HostReading) -> Iterable[Sample]:
    for collector in sorted({*reading.seconds, *reading.failed, *reading.absent}):
        yield (collector,), collector not in reading.failed


def _groups(rows: Callable[[EngineGroup], Iterable[Sample]]) -> Extractor:
    """Several samples per engine group; *rows* leaves out `host` and `group`."""

    def of_reading(reading: HostReading) -> Iterable[Sample]:
        for group in reading.processes.groups if reading.processes is not None else ():
            for more, value in rows(group):
                yield (str(group.pid), *more), value

    return each_reading(of_reading)


def _processes(rows: Callable[[EngineProcess], Sample]) -> Extractor:
    """One sample per process; *rows* leaves out `host`, `group` and `pid`."""

    def of_group(group: EngineGroup) -> Iterable[Sample]:
        for process in group.processes:
            more, value = rows(process)
            yield (str(process.pid), *more), value

    return _groups(of_group)


def _config(group: EngineGroup) -> Iterable[Sample]:
    for key, value in flat(group):
        if key.partition(".")[0] not in _OTHERWISE_TOLD:
            yield (key, value[:LONGEST_VALUE]), 1


def _process_info(process: EngineProcess) -> Sample:
    ranks = process.ranks
    facts = (ranks.dp, ranks.pp, ranks.tp, ranks.ep, process.index, process.namespace_pid)
    return (str(process.parent), process.kind.value, *map(text, facts)), 1


def _sources(rows: Callable[[SourceLog], Iterable[Sample]]) -> Extractor:
    """Several samples per log; *rows* leaves out `host` and `source`."""
    return each_reading(
        lambda reading: (
            ((source.source, *more), value)
            for source in (reading.logs.sources if reading.logs is not None else ())
            for more, value in rows(source)
        )
    )


def _of_sources(pick: Callable[[SourceLog], float | None]) -> Extractor:
    return _sources(lambda source: [((), pick(source))])


def _of_balance(pick: Callable[[Balancedness], float | None]) -> Extractor:
    return each_reading(
        lambda reading: (
            ((balance.source, balance.model), pick(balance))
            for balance in (reading.logs.balancedness if reading.logs is not None else ())
        )
    )


TABLE: Table = {
    metrics.UP: _of_hosts(lambda state: state.up),
    metrics.STALE: _of_hosts(lambda state: state.stale),
    metrics.AGE: _of_hosts(lambda state: state.age_seconds),
    metrics.ORIGIN: _origins,
    metrics.COLLECTOR_UP: each_reading(_collectors),
    metrics.COLLECTOR_SECONDS: each_reading(lambda reading: (((k,), v) for k, v in sorted(reading.seconds.items()))),
    metrics.COLLECTOR_ABSENT: each_reading(lambda reading: ((item, 1) for item in sorted(reading.absent.items()))),
    metrics.COLLECTOR_FAILED: each_reading(lambda reading: ((item, 1) for item in sorted(reading.failed.items()))),
    metrics.GROUP_INFO: _groups(lambda group: [((group.family.value, str(group.orphaned).lower()), 1)]),
    metrics.GROUP_CONFIG: _groups(_config),
    metrics.PROCESS_INFO: _processes(_process_info),
    metrics.PROCESS_STATE: _processes(lambda process: ((process.state.value,), 1)),
    metrics.PROCESS_START: _processes(lambda process: ((), process.started)),
    metrics.PROCESS_RESIDENT: _processes(lambda process: ((), process.resident_bytes)),
    metrics.UNREADABLE: of_readings(
        lambda reading: None if reading.processes is None else reading.processes.unreadable
    ),
    metrics.LOG_LINES: _of_sources(lambda source: source.lines),
    metrics.LOG_AT: _of_sources(lambda source: source.at),
    metrics.LOG_INFO: _sources(lambda log: [((text(log.version), str(log.stats_disabled).lower()), 1)]),
    metrics.LOG_FAULTS: _sources(lambda source: (((kind.value,), count) for kind, count in source.faults.items())),
    metrics.LOG_FAULT_AT: _sources(lambda source: (((kind.value,), at) for kind, at in source.fault_at.items())),
    metrics.LOG_EXPIRED: _of_sources(lambda source: source.expired),
    metrics.LOG_REARRANGEMENTS: _of_sources(lambda source: source.rearrangements),
    metrics.LOG_REARRANGEMENT: _of_sources(lambda source: source.rearrangement_seconds),
    metrics.BALANCEDNESS: _of_balance(lambda balance: balance.ratio),
    metrics.BALANCEDNESS_USABLE: _of_balance(lambda balance: balance.usable),
    metrics.BALANCEDNESS_AT: _of_balance(lambda balance: balance.at),
    metrics.BALANCEDNESS_STEP: _of_balance(lambda balance: balance.step),
    metrics.LOG_BEHIND: of_readings(lambda reading: None if reading.logs is None else reading.logs.behind_bytes),
    metrics.LOG_NOTE: each_reading(
        lambda reading: (((note,), 1) for note in (reading.logs.notes if reading.logs is not None else ()))
    ),
}
