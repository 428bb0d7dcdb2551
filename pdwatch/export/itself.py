"""Metrics of pdwatch itself: those of the snapshot, and those known only when a page is asked for."""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from prometheus_client.process_collector import ProcessCollector

from pdwatch import __version__
from pdwatch.catalog import metrics
from pdwatch.catalog.metrics import MetricDef
from pdwatch.export.view import Sample, Table, View
from pdwatch.model.encode import public_url


@dataclass(frozen=True, slots=True)
class Instant:
    """What is known only when a page is asked for."""

    age_seconds: float | None = None
    """Age of the snapshot; `None` before the first."""
    reload_successful: bool | None = None
    """`None` where there is no configuration to load again."""
    loaded_at: float | None = None
    """Unix seconds."""
    duplicates: int = 0
    process: Mapping[str, float] = field(default_factory=dict)
    """Values of `process_*` by name."""
    version: str = __version__
    python: str = platform.python_version()


def process_values(proc: str = "/proc") -> Mapping[str, float]:
    """Return the standard `process_*` values of this process; none where there is no *proc*."""
    families = ProcessCollector(proc=proc, registry=None).collect()
    return {sample.name: sample.value for family in families for sample in family.samples}


def _discovery(view: View) -> Iterable[Sample]:
    told = view.snapshot.self_state
    sources = sorted({*told.discovery_targets, *told.discovery_errors})
    return (((public_url(source),), source not in told.discovery_errors) for source in sources)


def _shards(view: View) -> Iterable[Sample]:
    if (told := view.snapshot.self_state.shard) is not None:
        number, _, count = told.partition("/")
        yield (number,), float(count)


TABLE: Table = {
    metrics.CYCLE_SECONDS: lambda view: [((), view.snapshot.self_state.cycle_seconds)],
    metrics.CYCLES: lambda view: [((), view.snapshot.self_state.cycles)],
    metrics.DISCOVERY_TARGETS: lambda view: [
        ((public_url(source),), count) for source, count in view.snapshot.self_state.discovery_targets.items()
    ],
    metrics.DISCOVERY_UP: _discovery,
    metrics.SHARDS: _shards,
}


def _process(definition: MetricDef) -> Callable[[Instant], Iterable[Sample]]:
    return lambda instant: [((), instant.process.get(definition.name))]


INSTANT_TABLE: Mapping[MetricDef, Callable[[Instant], Iterable[Sample]]] = {
    metrics.BUILD_INFO: lambda instant: [((instant.version, instant.python), 1)],
    metrics.RELOAD_OK: lambda instant: [((), instant.reload_successful)],
    metrics.RELOAD_TIME: lambda instant: [((), instant.loaded_at)],
    metrics.SNAPSHOT_AGE: lambda instant: [((), instant.age_seconds)],
    metrics.DUPLICATES: lambda instant: [((), instant.duplicates)],
    metrics.PROCESS_CPU: _process(metrics.PROCESS_CPU),
    metrics.PROCESS_RESIDENT: _process(metrics.PROCESS_RESIDENT),
    metrics.PROCESS_VIRTUAL: _process(metrics.PROCESS_VIRTUAL),
    metrics.PROCESS_START: _process(metrics.PROCESS_START),
    metrics.PROCESS_FDS: _process(metrics.PROCESS_FDS),
    metrics.PROCESS_MAX_FDS: _process(metrics.PROCESS_MAX_FDS),
}
