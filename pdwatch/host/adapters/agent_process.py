"""Engine processes and what logs tell, on a page of `pdwatch agent`."""

from __future__ import annotations

from collections import defaultdict

from pdwatch.host.adapters.samples import Facts, Labels, Samples, told
from pdwatch.model.logline import Balancedness, HostLogs, SourceLog
from pdwatch.model.process import EngineGroup, HostProcesses
from pdwatch.model.records import nested, read_record

_PROCESS = "pdwatch_engine_process_"
_LOG = "pdwatch_engine_log_"
_BALANCE = f"{_LOG}expert_balancedness_"


def host_processes(samples: Samples) -> HostProcesses | None:
    """Return the engine groups of the page; `None` where it tells of none. Raises `ValueError`."""
    unreadable = samples.value("pdwatch_host_unreadable_processes")
    if unreadable is None:
        return None
    said: defaultdict[str, dict[str, str]] = defaultdict(dict)
    for labels, _ in samples.of("pdwatch_engine_config_info"):
        said[labels["group"]][labels["key"]] = labels["value"]
    processes = _processes(samples)
    groups = [
        nested(said[labels["group"]])
        | {"pid": labels["group"], "family": labels["family"], "processes": processes[labels["group"]]}
        for labels, _ in samples.of("pdwatch_engine_group_info")
    ]
    return HostProcesses(tuple(read_record(EngineGroup, group) for group in groups), int(unreadable))


def _processes(samples: Samples) -> defaultdict[str, list[Facts]]:
    found: dict[tuple[str, str], Facts] = {}
    for labels, _ in samples.of(f"{_PROCESS}info"):
        facts = told(labels, "pid", "parent", "kind", "index", "namespace_pid")
        found[_key(labels)] = facts | {"ranks": told(labels, "dp", "pp", "tp", "ep")}
    for labels, _ in samples.of(f"{_PROCESS}state_info"):
        found[_key(labels)]["state"] = labels["state"]
    for name, field in (("start_timestamp_seconds", "started"), ("resident_memory_bytes", "resident_bytes")):
        for labels, value in samples.of(f"{_PROCESS}{name}"):
            found[_key(labels)][field] = value
    by_group: defaultdict[str, list[Facts]] = defaultdict(list)
    for (group, _), facts in found.items():
        by_group[group].append(facts)
    return by_group


def _key(labels: Labels) -> tuple[str, str]:
    return labels["group"], labels["pid"]


def host_logs(samples: Samples, at: float) -> HostLogs | None:
    """Return what the logs of the page tell as of *at*; `None` where it tells of none. Raises `ValueError`."""
    behind = samples.value(f"{_LOG}behind_bytes")
    if behind is None:
        return None
    return HostLogs(
        sources=_sources(samples),
        balancedness=_balancedness(samples, at),
        behind_bytes=int(behind),
        notes=tuple(labels["note"] for labels, _ in samples.of(f"{_LOG}note_info")),
    )


def _sources(samples: Samples) -> tuple[SourceLog, ...]:
    logs: defaultdict[str, Facts] = defaultdict(dict)
    for name, field in (
        ("lines_total", "lines"),
        ("last_timestamp_seconds", "at"),
        ("expired_requests_total", "expired"),
        ("rearrangements_total", "rearrangements"),
        ("rearrangement_seconds", "rearrangement_seconds"),
    ):
        for labels, value in samples.of(_LOG + name):
            logs[labels["source"]][field] = value
    for labels, _ in samples.of(f"{_LOG}info"):
        logs[labels["source"]] |= told(labels, "version", "stats_disabled")
    for name, field in (("faults_total", "faults"), ("fault_timestamp_seconds", "fault_at")):
        for labels, value in samples.of(_LOG + name):
            logs[labels["source"]].setdefault(field, {})[labels["fault"]] = value
    return tuple(read_record(SourceLog, {"source": source} | facts) for source, facts in logs.items())


def _balancedness(samples: Samples, at: float) -> tuple[Balancedness, ...]:
    found: defaultdict[tuple[str, str], Facts] = defaultdict(dict)
    for name, field in (("ratio", "ratio"), ("usable", "usable"), ("timestamp_seconds", "at"), ("step", "step")):
        for labels, value in samples.of(_BALANCE + name):
            found[labels["source"], labels["model"]][field] = value
    return tuple(
        read_record(
            Balancedness,
            {"source": source, "model": model, "age_seconds": max(0.0, at - facts["at"])} | facts,
        )
        for (source, model), facts in found.items()
        if "at" in facts
    )
