"""Hosts without a driver, a GPU or the permission to see one, and how the command says so."""

from __future__ import annotations

import subprocess
import sys

import pytest

from pdwatch.host.collector import CollectError, NothingHere

LOST_UUID = "GPU-00000000-0000-0000-0000-000000000003"


def is_stale(reading):
    return reading.stale_reason != ""


@pytest.fixture
def no_library(environment, tmp_path):
    """Environment in which the dynamic loader cannot load the library, whatever this host has."""
    folder = tmp_path / "unloadable"
    folder.mkdir()
    (folder / "libnvidia-ml.so.1").write_text("not a library")
    return environment | {"LD_LIBRARY_PATH": str(folder)}


def test_a_host_without_the_library_has_nothing_here(make_collector, no_library):
    """Normal and quiet."""
    collector = make_collector(environment=no_library)

    with pytest.raises(NothingHere, match=r"^libnvidia-ml\.so\.1 is not among the libraries of this host$"):
        collector.collect()


def test_a_driver_that_is_not_loaded_is_nothing_here(collector, state):
    """The library without the kernel module is a host without GPUs."""
    state.set("system", fail__nvmlInitWithFlags="9")

    with pytest.raises(NothingHere, match=r"^the NVIDIA driver is not loaded$"):
        collector.collect()


def test_a_driver_without_gpus_is_nothing_here(collector, state):
    """A container that was given no GPU sees none."""
    state.set("system", count="0")

    with pytest.raises(NothingHere, match=r"^the NVIDIA driver is loaded and lists no GPU$"):
        collector.collect()


def test_a_missing_driver_is_looked_for_once_a_minute(collector, state, clock):
    """Until then no process is started, and one that comes is found."""
    state.set("system", fail__nvmlInitWithFlags="9")
    with pytest.raises(NothingHere):
        collector.collect()
    state.set("system", fail__nvmlInitWithFlags="")
    clock.advance(30.0)
    with pytest.raises(NothingHere):
        collector.collect()
    clock.advance(31.0)

    assert "NVIDIA H200" == collector.collect().gpus[0].name


def test_a_driver_that_went_away_is_a_fault(collector, state, clock, collect_until):
    """A host that had GPUs does not turn quiet when they are gone."""
    collector.collect()
    state.set("system", generation="unloaded", fail__nvmlInitWithFlags="9")
    collect_until(collector, is_stale)
    clock.advance(61.0)

    with pytest.raises(CollectError, match=r"the NVIDIA driver is not loaded"):
        collector.collect()


def test_no_permission_names_the_device_files(collector, state):
    """The message says what to mend."""
    state.set("system", fail__nvmlInitWithFlags="4")

    with pytest.raises(CollectError, match=r"Insufficient Permissions \(4\); let this user open /dev/nvidia\*$"):
        collector.collect()


def test_an_interpreter_that_is_not_there_is_a_failure_in_one_line(collector, monkeypatch):
    """A daemon whose environment was deleted under it says so."""
    monkeypatch.setattr(sys, "executable", "/nowhere/python")

    with pytest.raises(
        CollectError, match=r"^the NVML process does not start: /nowhere/python: No such file or directory$"
    ):
        collector.collect()


@pytest.mark.parametrize(("arguments", "code", "text"), [([], 3, "no GPU: "), (["--gpm"], 3, "no GPU: ")])
def test_the_command_says_why_there_is_nothing(no_library, arguments, code, text):
    """stdout stays empty, the reason goes to stderr, and the exit code tells it from a failure."""
    command = [sys.executable, "-m", "pdwatch.host.nvml", *arguments]
    result = subprocess.run(command, env=no_library, capture_output=True, text=True, check=False)

    assert (code, "") == (result.returncode, result.stdout)
    assert result.stderr.startswith(text)


def test_the_command_fails_in_one_line(environment, state):
    """A driver that does not fit is a failure, with the mend."""
    state.set("system", fail__nvmlInitWithFlags="18")
    command = [sys.executable, "-m", "pdwatch.host.nvml"]
    result = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)

    assert 1 == result.returncode
    assert 1 == result.stderr.count("\n")
