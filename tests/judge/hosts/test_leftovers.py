"""Engine processes that outlived their server."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from pdwatch.judge.definition import Hit
from pdwatch.model.gpu import GpuProcess, GpuReading
from pdwatch.model.process import EngineGroup

Named = Callable[..., list[Hit]]
MakeGroup = Callable[..., EngineGroup]


def test_a_killed_server_leaves_its_engine(named: Named, group: MakeGroup) -> None:
    """Nobody can ask it, and it keeps its GPU memory."""
    left = replace(group(), config=None)
    gpu = GpuReading(0, processes=(GpuProcess(left.processes[0].pid, 70_000_000_000),))

    pid = left.processes[0].pid

    assert [f"On node1, engine processes outlived their server (pid {pid}); left are 70 GB of GPU memory in use."] == [
        hit.summary for hit in named("engine_orphaned", group=left, gpus=(gpu,))
    ]


def test_an_engine_with_its_server_is_none(named: Named, group: MakeGroup) -> None:
    """It has a launcher."""
    assert [] == named("engine_orphaned", group=group())


def test_a_host_without_processes_to_read_has_none(named: Named) -> None:
    """Unreadable is not left behind."""
    assert [] == named("engine_orphaned")
