"""What a session does as time passes: lost GPUs are looked for again, handles checked, slow values renewed."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from pdwatch.host.nvml.codec import decode
from pdwatch.model.gpu import GpuState

DRIVER = Path(__file__).parent / "fake" / "drive_session.py"


@pytest.fixture
def after(environment):
    """Return the reading that a session gives after so many more seconds."""
    command = [sys.executable, str(DRIVER)]
    root = str(Path(__file__).parents[3])
    with subprocess.Popen(
        command, env=environment | {"PYTHONPATH": root}, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:

        def collect(seconds):
            process.stdin.write(f"{seconds}\n")
            process.stdin.flush()
            return decode(json.loads(process.stdout.readline()))

        yield collect
        process.stdin.close()


def test_a_lost_gpu_is_left_alone_for_a_minute_and_then_found_again(after, state):
    """The minute spares the driver, which may take long over a dead GPU."""
    state.set("system", count="2")
    after(0)
    state.update("1", {"fail.*": "15"})
    lost = after(1)
    state.update("1", {"fail.*": ""})

    still, found = after(58), after(2)

    assert [GpuState.LOST, GpuState.LOST] == [lost.gpus[1].state, still.gpus[1].state]
    assert (GpuState.OK, 612.5, "") == (found.gpus[1].state, found.gpus[1].power_watts, found.gpus[1].state_reason)


def test_a_gpu_that_comes_back_elsewhere_is_found_by_its_uuid(after, state):
    """After a reset the GPUs may have changed places behind their handles; the readings follow the UUID."""
    state.set("system", count="2")
    state.set("0", uuid="GPU-aaaaaaaa-0000-0000-0000-000000000000", temperature="30")
    state.set("1", uuid="GPU-bbbbbbbb-0000-0000-0000-000000000000", temperature="60")
    after(0)
    state.set("0", uuid="GPU-bbbbbbbb-0000-0000-0000-000000000000", temperature="61")
    state.set("1", uuid="GPU-aaaaaaaa-0000-0000-0000-000000000000", temperature="31")

    swapped = after(61)

    assert {"GPU-aaaaaaaa": 31, "GPU-bbbbbbbb": 61} == {gpu.uuid[:12]: gpu.temperature_celsius for gpu in swapped.gpus}


def test_slow_values_are_renewed_after_ten_seconds(after, state):
    """Nine seconds later the ECC count and the PCIe width are the old ones, eleven later the new ones."""
    after(0)
    state.set("0", field__4="q 5", pcie_width="8", temperature="70")

    early, late = after(9).gpus[0], after(2).gpus[0]

    assert (0, 16, 70) == (early.ecc_uncorrected_volatile_total, early.pcie_width, early.temperature_celsius)
    assert (5, 8, 70) == (late.ecc_uncorrected_volatile_total, late.pcie_width, late.temperature_celsius)


def test_mig_devices_that_are_made_later_appear(after, state):
    """MIG can be turned on and carved up while the process runs."""
    before = after(0).gpus[0]
    state.set("0", mig_mode="1", mig_max="7")
    state.set("0/2", gpu_instance="3", compute_instance="0")

    later = after(11).gpus[0]

    assert (False, ()) == (before.mig_enabled, before.mig_instances)
    assert (True, [3]) == (later.mig_enabled, [mig.gpu_instance for mig in later.mig_instances])
