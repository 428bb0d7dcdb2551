"""The tree of engine processes of a host."""

from __future__ import annotations

import math
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pdwatch.host.collector import CollectError, NothingHere
from pdwatch.host.processes import ProcessCollector, ProcFs
from pdwatch.host.processes.collector import take_census
from pdwatch.model.process import EngineFamily, EngineGroup, ProcessKind, ProcessState, Ranks
from pdwatch.model.target import Role

POD = (
    "0::/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod1b2c3d4e_1111_2222_3333_444455556666.slice"
    "/cri-containerd-{}.scope\n"
)


def only_group(tree: Any) -> EngineGroup:
    groups = ProcessCollector(tree.procfs).collect().groups
    assert 1 == len(groups)
    return groups[0]


def test_a_launcher_and_everything_below_it_is_one_group(wide_ep: Any) -> None:
    """Cores, workers with their ranks, the coordinator and children that do not say what they are."""
    group = only_group(wide_ep)

    assert (100, EngineFamily.VLLM, False) == (group.pid, group.family, group.orphaned)
    assert group.config is not None
    assert Role.DECODE is group.config.role
    assert [100] == [process.pid for process in group.of_kind(ProcessKind.LAUNCHER)]
    assert [105] == [process.pid for process in group.of_kind(ProcessKind.COORDINATOR)]
    assert [0, 1] == [process.ranks.dp for process in group.of_kind(ProcessKind.ENGINE_CORE)]
    assert [Ranks(0, None, 0, 0), Ranks(0, None, 1, 1)] == [p.ranks for p in group.of_kind(ProcessKind.WORKER)]
    assert [130] == [process.pid for process in group.of_kind(ProcessKind.OTHER)]


def test_facts_of_the_launcher(wide_ep: Any) -> None:
    """Start, memory, limits, environment, sockets."""
    group = only_group(wide_ep)
    launcher = group.processes[0]

    assert (1700000050.0, 2048 * 1024) == (launcher.started, launcher.resident_bytes)
    assert (65536.0, 65536.0) == (group.limits.locked_memory_bytes, group.limits.open_files)
    assert {"UCX_TLS": "rc,cuda_copy"} == group.environment
    assert (("0.0.0.0", 8000),) == group.listens


def test_unlimited_locked_memory_is_infinite(proc: Any) -> None:
    """A limit compares as a number."""
    proc.add(100, ["vllm", "serve", "m"])

    assert math.inf == only_group(proc).limits.locked_memory_bytes


def test_container_pod_and_pid_inside(proc: Any) -> None:
    """The pid that the engine's log lines carry is the one inside its container."""
    proc.add(100, ["vllm", "serve", "m"], cgroup=POD.format("ab" * 32), nspid="100\t7")
    group = only_group(proc)

    assert "ab" * 32 == group.container.container_id
    assert "1b2c3d4e-1111-2222-3333-444455556666" == group.container.pod_uid
    assert 7 == group.processes[0].namespace_pid


def test_a_systemd_unit_is_named(proc: Any) -> None:
    """The unit is where the journal of the engine is."""
    proc.add(100, ["vllm", "serve", "m"], cgroup="0::/system.slice/vllm-decode.service\n")

    assert "vllm-decode.service" == only_group(proc).container.unit


def test_several_api_servers(proc: Any) -> None:
    """Each has its number."""
    proc.add(100, ["vllm", "serve", "m", "--api-server-count", "2"])
    proc.add(101, ["VLLM::APIServer_0"], parent=100)
    proc.add(102, ["VLLM::APIServer_1   "], parent=100)

    assert [0, 1] == [process.index for process in only_group(proc).of_kind(ProcessKind.API_SERVER)]


def test_sglang_processes(proc: Any) -> None:
    """A scheduler is what runs one rank."""
    proc.add(100, ["python3", "-m", "sglang.launch_server", "--model-path", "m", "--tp", "2"])
    proc.add(101, ["sglang::scheduler_DP1_TP0"], parent=100)
    proc.add(102, ["sglang::detokenizer"], parent=100)
    group = only_group(proc)

    assert [Ranks(dp=1, tp=0)] == [process.ranks for process in group.of_kind(ProcessKind.ENGINE_CORE)]
    assert [102] == [process.pid for process in group.of_kind(ProcessKind.OTHER)]


def test_a_fork_with_its_parents_arguments_is_no_second_engine(proc: Any) -> None:
    """Engines that fork before they set a title look like their launcher for ever."""
    proc.add(100, ["vllm", "serve", "m"])
    proc.add(101, ["vllm", "serve", "m"], parent=100)

    assert [ProcessKind.LAUNCHER, ProcessKind.OTHER] == [process.kind for process in only_group(proc).processes]


def test_engines_of_one_supervisor_are_apart(proc: Any) -> None:
    """A launcher below another program is its own group."""
    proc.add(90, ["bash", "start.sh"])
    proc.add(100, ["vllm", "serve", "m", "--port", "8100"], parent=90)
    proc.add(101, ["vllm", "serve", "m", "--port", "8200"], parent=90)

    assert [8100, 8200] == [g.config and g.config.port for g in ProcessCollector(proc.procfs).collect().groups]


def test_engine_processes_that_outlived_their_launcher(proc: Any) -> None:
    """A killed API server leaves its engine core behind; it still holds the GPU."""
    proc.add(110, ["VLLM::EngineCore_DP0"], parent=1)
    proc.add(111, ["VLLM::Worker_DP0_TP0"], parent=110)
    group = only_group(proc)

    assert group.orphaned
    assert [110, 111] == [process.pid for process in group.processes]


def test_a_zombie_is_known_by_its_short_name(proc: Any) -> None:
    """A dead worker has no arguments left, only the first 15 characters of its title."""
    proc.add(100, ["vllm", "serve", "m"])
    proc.add(110, [], parent=100, comm="VLLM::EngineCor", state="Z")
    core = only_group(proc).of_kind(ProcessKind.ENGINE_CORE)

    assert [ProcessState.ZOMBIE] == [process.state for process in core]


def test_a_name_with_brackets_and_blanks(proc: Any) -> None:
    """The kernel prints names as they are."""
    proc.add(100, ["vllm", "serve", "m"], comm=") Z 1 (x", state="D")

    assert ProcessState.BLOCKED is only_group(proc).processes[0].state


def test_arguments_that_are_no_utf8(proc: Any) -> None:
    """One strange argument costs itself only."""
    proc.add(100, ["vllm", "serve", "m", "--served-model-name", b"\xff\xfe", "--port", "8100"])
    config = only_group(proc).config

    assert config is not None
    assert (8100, None) == (config.port, config.served_model_name)


@pytest.mark.parametrize("missing", ["stat", "cmdline", "status"])
def test_a_process_that_ends_while_it_is_read(proc: Any, missing: str) -> None:
    """Whichever of its files is gone first, the others are still there."""
    proc.add(100, ["vllm", "serve", "m"])
    (proc.add(200, ["vllm", "serve", "n"]) / missing).unlink()

    assert 100 == only_group(proc).pid


def test_a_pid_that_was_given_to_another(proc: Any) -> None:
    """A process that started at another time is another process."""
    folder = proc.add(100, ["vllm", "serve", "m"])
    proc.add(101, ["vllm", "serve", "n"])
    census = take_census(proc.procfs)
    (folder / "stat").write_text((folder / "stat").read_text().replace(" 5000 ", " 9999 "))

    assert [101] == [group.pid for group in ProcessCollector(proc.procfs).groups(census)]


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_what_is_denied_is_said(proc: Any) -> None:
    """Arguments are open to all, the environment is not: the rest is still reported."""
    folder = proc.add(100, ["vllm", "serve", "m"])
    (folder / "environ").chmod(0)

    assert ("environment not readable: needs the same user or root",) == only_group(proc).notes


def test_unreadable_files_cost_only_themselves(proc: Any) -> None:
    """Whatever error the environment gives, the configuration stays."""
    folder = proc.add(100, ["vllm", "serve", "m"], environ={"UCX_TLS": "rc"})
    (folder / "environ").unlink()
    (folder / "environ").mkdir()
    group = only_group(proc)

    assert group.config is not None
    assert {} == group.environment
    assert ("environment not readable: needs the same user or root",) == group.notes


def test_hidden_arguments_are_counted(proc: Any) -> None:
    """Nobody can tell whether these are engines."""
    folder = proc.add(100)
    (folder / "cmdline").unlink()
    (folder / "cmdline").mkdir()

    with pytest.raises(NothingHere, match="1 processes could not be read"):
        ProcessCollector(proc.procfs).collect()


def test_a_host_without_engines_is_quiet(proc: Any) -> None:
    """Nothing here is no error."""
    with pytest.raises(NothingHere, match="no engine or router process"):
        ProcessCollector(proc.procfs).collect()


def test_a_wrong_root_is_an_error_with_its_mend(tmp_path: Path) -> None:
    """Both a missing folder and one without processes."""
    with pytest.raises(CollectError, match=r"missing cannot be listed \(No such file or directory\); .*--path\.procfs"):
        ProcessCollector(ProcFs(tmp_path / "missing")).collect()
    with pytest.raises(CollectError, match=r"holds no processes; .*--path\.procfs"):
        ProcessCollector(ProcFs(tmp_path)).collect()


@pytest.fixture
def running(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A real process that looks like `vllm serve`, with a child that looks like its engine core."""
    script = tmp_path / "vllm"
    core = ["VLLM::EngineCore_DP3", "-c", "import sys; sys.stdin.read()"]
    script.write_text(
        f"import subprocess, sys\nchild = subprocess.Popen({core!r}, executable=sys.executable, stdin=sys.stdin)\n"
        "print('up', flush=True)\nsys.exit(child.wait())\n"
    )
    arguments = ["serve", "real/model", "--port", "8999", "--api-key", "pl4nted"]
    command = [sys.executable, str(script), *arguments]
    environment = {**os.environ, "UCX_TLS": "tcp", "HF_TOKEN": "pl4nted"}
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment) as process:
        assert process.stdout is not None
        assert b"up\n" == process.stdout.readline()
        yield process
        process.communicate()


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="no /proc here")
def test_the_real_proc(running: subprocess.Popen[bytes]) -> None:
    """The kernel's own files are read as the fabricated ones."""
    found = ProcessCollector().collect()
    group = next(group for group in found.groups if group.pid == running.pid)

    assert group.config is not None
    assert ("real/model", 8999) == (group.config.model, group.config.port)
    assert "tcp" == group.environment["UCX_TLS"]
    assert [3] == [process.ranks.dp for process in group.of_kind(ProcessKind.ENGINE_CORE)]
    assert None is not group.limits.open_files
    assert None is not group.processes[0].started
    assert (group.processes[0].resident_bytes or 0) > 1_000_000
    assert "pl4nted" not in repr(found)
