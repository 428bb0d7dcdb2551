"""Processes that outlived what started them and hold what others need."""

from __future__ import annotations

from collections.abc import Iterator

from pdwatch.judge.definition import FindingDef, Hit, View
from pdwatch.judge.homes import by_host
from pdwatch.judge.words import size
from pdwatch.model.host import HostReading
from pdwatch.model.judgement import Evidence, Severity
from pdwatch.model.process import ROUTER_FAMILIES, EngineGroup

_SHOWN = 4


def _orphaned(view: View) -> Iterator[Hit]:
    for host, living in by_host(view).items():
        reading = living[0].reading
        left = [group for group in _groups(reading) if group.orphaned and group.family not in ROUTER_FAMILIES]
        if left:
            scope = {"host": host}
            pids = sorted(process.pid for group in left for process in group.processes)
            held = _held(reading, pids)
            evidence = (
                Evidence("orphaned_processes", len(pids), "processes", 0.0, scope),
                Evidence("gpu_memory_held_bytes", held, "bytes", None, scope),
            )
            names = ", ".join(map(str, pids[:_SHOWN])) + (", ..." if len(pids) > _SHOWN else "")
            gpus = f"; left are {size(held)} of GPU memory in use" if held else ""
            text = f"On {host}, engine processes outlived their server (pid {names}){gpus}."
            yield Hit(scope, text, evidence)


def _groups(reading: HostReading) -> tuple[EngineGroup, ...]:
    return reading.processes.groups if reading.processes is not None else ()


def _held(reading: HostReading, pids: list[int]) -> float | None:
    """Return the GPU memory that these processes hold; `None` where nothing tells."""
    gpus = reading.gpus.gpus if reading.gpus is not None else ()
    used = [
        process.used_bytes
        for gpu in gpus
        for process in gpu.processes or ()
        if process.pid in pids and process.used_bytes is not None
    ]
    return float(sum(used)) if used else None


FINDINGS = (
    FindingDef(
        id="engine_orphaned",
        severity=Severity.WARNING,
        title="Engine processes left behind",
        meaning="The API server of an engine is gone and its engine processes live on: nobody can ask them, and they keep "
        "their GPU memory. A worker started in its place runs out of memory, or waits for the port.",
        confirm="`ps -eo pid,ppid,args | grep VLLM::` shows engine processes whose parent is 1; `nvidia-smi` shows what "
        "they hold.",
        fix="End the named processes (TERM first, KILL after half a minute), check with nvidia-smi that the memory is free, "
        "then start the worker. Start workers under an init or a container that takes its children along.",
        confused_with="An engine that is just shutting down, which takes seconds.",
        detect=_orphaned,
        onset_seconds=15.0,
        not_capacity=True,
        explains=("worker_not_ready",),
    ),
)
