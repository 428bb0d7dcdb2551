"""Lost GPUs, hung calls, upgraded drivers and dead children."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys

import pytest

from pdwatch.host.collector import CollectError
from pdwatch.host.nvml.backoff import Backoff
from pdwatch.host.nvml.supervisor import Patience
from pdwatch.model.gpu import GpuState

LOST_UUID = "GPU-00000000-0000-0000-0000-000000000003"


def is_fresh(reading):
    return reading.stale_reason == ""


def is_stale(reading):
    return reading.stale_reason != ""


@pytest.fixture
def eight(state):
    """The fake driver with eight H200."""
    state.set("system", count="8")
    return state


def test_a_lost_gpu_is_marked_and_the_others_are_kept(collector, eight):
    """The lost one keeps its identity, has no values, and says which call told."""
    collector.collect()
    eight.update("3", {"fail.*": "15"})

    reading = collector.collect()

    lost = reading.gpus[3]
    assert [GpuState.OK] * 3 + [GpuState.LOST] + [GpuState.OK] * 4 == [gpu.state for gpu in reading.gpus]
    assert (LOST_UUID, "NVIDIA H200", "0000:1b:00.0") == (lost.uuid, lost.name, lost.pci_bus_id)
    assert "nvmlDeviceGetFieldValues: GPU is lost (15)" == lost.state_reason
    assert (None, None, None) == (lost.power_watts, lost.memory_used_bytes, lost.processes)
    assert 612.5 == reading.gpus[7].power_watts


def test_a_gpu_that_wants_a_reset_says_so(collector, eight):
    """Code 16 is another state than lost."""
    eight.update("5", {"fail.nvmlDeviceGetUtilizationRates": "16"})

    assert GpuState.RESET_REQUIRED == collector.collect().gpus[5].state


def test_a_gpu_lost_before_the_start_is_told_by_its_index(collector, eight):
    """Nobody knows its UUID yet, and that is no reason to hide it."""
    eight.update("3", {"fail.*": "15"})

    reading = collector.collect()

    assert (3, None, GpuState.LOST) == (reading.gpus[3].index, reading.gpus[3].uuid, reading.gpus[3].state)
    assert 8 == len(reading.gpus)


def test_a_gpu_whose_field_batch_says_lost_is_lost(collector, eight):
    """The batch may succeed while every value in it carries the code."""
    eight.set("2", field__185="error 15")

    assert GpuState.LOST == collector.collect().gpus[2].state


def test_a_gpu_that_may_not_be_opened_points_to_its_device_files(collector, eight):
    """Without permission there is no handle; the others go on."""
    eight.set("6", fail__nvmlDeviceGetHandleByIndex_v2="4")

    reading = collector.collect()

    assert "GPU 6 cannot be opened; look at /dev/nvidia*" == reading.gpus[6].state_reason
    assert GpuState.OK == reading.gpus[7].state


def test_a_gpu_that_vanishes_with_a_driver_restart_is_still_told(collector, eight, clock, collect_until):
    """After the child's restart the driver lists seven GPUs; the eighth is not forgotten."""
    collector.collect()
    eight.set("system", generation="after the reload", count="7")
    clock.advance(5.0)
    collect_until(collector, is_stale)
    clock.advance(5.0)

    reading = collect_until(collector, is_fresh)

    gone = reading.gpus[7]
    assert (GpuState.LOST, "no longer listed by the driver") == (gone.state, gone.state_reason)
    assert ("GPU-00000000-0000-0000-0000-000000000007", "NVIDIA H200") == (gone.uuid, gone.name)


def test_a_driver_upgrade_restarts_the_child_and_the_values_come_back(collector, state, clock, collect_until):
    """A process keeps the old library for ever, so the child ends at the mismatch and its successor fits."""
    first = collector.collect()
    state.set("system", generation="upgraded", driver="590.10")

    stale = collector.collect()
    clock.advance(2.0)
    fresh = collect_until(collector, is_fresh)

    assert (first.gpus, first.at) == (stale.gpus, stale.at)
    assert "mismatch" in stale.stale_reason
    assert ("580.65.06", "590.10") == (first.driver_version, fresh.driver_version)


def test_a_storm_of_unknown_errors_restarts_the_child(collector, state, clock, collect_until):
    """A container that lost its device permissions gets 999 from everything until its process is new."""
    collector.collect()
    state.update("*", {"fail.*": "999"})
    stale = collector.collect()
    state.update("*", {"fail.*": ""})
    clock.advance(2.0)

    assert "calls ended in an unknown error" in stale.stale_reason
    assert 612.5 == collect_until(collector, is_fresh).gpus[0].power_watts


def test_a_few_unknown_errors_are_no_storm(collector, state):
    """One odd call costs one value."""
    state.set("0", fail__nvmlDeviceGetUtilizationRates="999", fail__nvmlDeviceGetClockInfo="999")

    reading = collector.collect()

    assert "" == reading.stale_reason
    assert (None, None, 58) == (
        reading.gpus[0].utilization_ratio,
        reading.gpus[0].clock_sm_hertz,
        reading.gpus[0].temperature_celsius,
    )


def test_unknown_errors_of_single_fields_are_no_storm(collector, state):
    """A batch with many odd fields is one call that worked."""
    state.update("*", {f"field.{number}": "error 999" for number in (*range(3, 7), *range(161, 166), 74, 83, 94)})

    reading = collector.collect()

    assert ("", 612.5, None) == (
        reading.stale_reason,
        reading.gpus[0].power_watts,
        reading.gpus[0].ecc_corrected_volatile_total,
    )


def test_a_hung_call_yields_the_last_good_values_with_age_and_reason(make_collector, state, clock, collect_until):
    """The parent waits as long as it was told, kills the child, and starts another after a pause."""
    collector = make_collector(patience=Patience(answer=0.5), backoff=Backoff(first=1000.0, most=1000.0))
    good = collect_until(collector, is_fresh)
    state.set("0", hang__nvmlDeviceGetUtilizationRates="1", util_gpu="5")
    clock.advance(3.0)

    stale = collect_until(collector, is_stale)
    waiting = collector.collect()
    state.set("0", hang__nvmlDeviceGetUtilizationRates="")
    clock.advance(1000.0)
    fresh = collect_until(collector, is_fresh)

    assert "NVML did not answer within 0.5 s" == stale.stale_reason
    assert re.fullmatch(r"NVML did not answer within 0\.5 s; next attempt in \d+ s", waiting.stale_reason)
    assert 3.0 < stale.age_seconds < waiting.age_seconds
    assert good.gpus[0].name == stale.gpus[0].name
    assert 0.05 == fresh.gpus[0].utilization_ratio


def test_a_hang_leaves_no_process_behind(make_collector, state, collect_until):
    """The hung child is dead when the stale values are returned."""
    collector = make_collector(patience=Patience(answer=0.5))
    collect_until(collector, is_fresh)
    pid = collector.child_pid
    state.set("0", hang__nvmlDeviceGetUtilizationRates="1")

    collect_until(collector, is_stale)

    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_values_are_not_kept_for_ever(make_collector, state, clock, collect_until):
    """Past the patience for old values the collection fails and says how old they are."""
    collector = make_collector(patience=Patience(answer=0.5, keep=60.0))
    collect_until(collector, is_fresh)
    state.set("0", hang__nvmlDeviceGetUtilizationRates="1")
    collect_until(collector, is_stale)
    clock.advance(61.0)

    with pytest.raises(CollectError, match=r"; the last values are \d+ s old$"):
        collector.collect()


def test_a_slow_start_is_no_hang(make_collector, state, clock, collect_until):
    """Until its first answer a child has more time; meanwhile the collection fails without killing it."""
    state.set("system", hang__nvmlInitWithFlags="1")
    collector = make_collector(patience=Patience(answer=0.05, start=600.0))
    with pytest.raises(CollectError, match=r"^NVML is starting$"):
        collector.collect()
    with pytest.raises(CollectError, match=r"^NVML is starting$"):
        collector.collect()
    clock.advance(601.0)

    with pytest.raises(CollectError, match=r"^NVML did not start within 600 s$"):
        collector.collect()


def test_a_crash_in_the_driver_library_is_told_by_its_signal(collector, state):
    """The daemon only reads that the child is gone."""
    collector.collect()
    state.set("0", crash__nvmlDeviceGetUtilizationRates="1")

    assert f"the NVML process was ended by signal {signal.SIGABRT.value}" == collector.collect().stale_reason


def test_restarts_come_ever_more_rarely(make_collector, state, clock):
    """Each wait is twice the one before: a driver that stays broken is not hammered."""
    state.set("system", fail__nvmlInitWithFlags="18")
    collector = make_collector(backoff=Backoff(first=1000.0, most=1e6))
    waits = []
    for pause in (0.0, 1000.0, 2000.0):
        clock.advance(pause)
        with pytest.raises(CollectError, match=r"reload its kernel module or reboot$"):
            collector.collect()
        with pytest.raises(CollectError, match=r"next attempt in") as waiting:
            collector.collect()
        waits.append(int(str(waiting.value).split()[-2]))

    assert [1000, 2000, 4000] == [pytest.approx(wait, abs=100) for wait in waits]


def test_waits_double_up_to_a_ceiling_and_start_over_after_a_steady_life():
    """The waits are a function of the failures in a row and of nothing else."""
    backoff = Backoff(first=1.0, most=60.0, steady=60.0)
    waits = []
    for _ in range(8):
        backoff.failed(now=100.0, lived=5.0)
        waits.append(backoff.remaining(100.0))
    backoff.failed(now=200.0, lived=61.0)

    assert [1, 2, 4, 8, 16, 32, 60, 60] == waits
    assert 1.0 == backoff.remaining(200.0)
    assert 0.0 == backoff.remaining(300.0)


def test_the_child_ends_with_its_parent_even_while_a_call_hangs(environment, state):
    """End of input is all it takes."""
    state.set("0", hang__nvmlDeviceGetUtilizationRates="1")
    command = [sys.executable, "-m", "pdwatch.host.nvml.child"]
    with subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        child.stdin.write(b'{"id": 1}\n')
        child.stdin.close()

        assert 0 == child.wait(30)


def test_closing_ends_the_child(collector):
    """After `close` no process is left, and a later collection starts afresh."""
    collector.collect()
    pid = collector.child_pid
    collector.close()

    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    assert 1 == len(collector.collect().gpus)
