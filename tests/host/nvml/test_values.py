"""What a reading says of a GPU: units, health, throttling, MIG devices and processes."""

from __future__ import annotations

import pytest

from pdwatch.host.nvml.calls import reason_names
from pdwatch.model.gpu import (
    FabricState,
    GpuFabric,
    GpuProcess,
    GpuState,
    MigInstance,
)


def test_eight_healthy_h200_are_read_in_base_units(collector, state):
    """Percent become ratios, milliwatts watts, millijoules joules, MHz hertz, KiB bytes, nanoseconds seconds."""
    state.set("system", count="8")
    state.set("7", pci="00000001:DB:00.0", minor="7")

    reading = collector.collect()

    gpu = reading.gpus[7]
    assert 8 == len({gpu.uuid for gpu in reading.gpus})
    assert ("580.65.06", "13.580.65.06", "13.0") == (reading.driver_version, reading.nvml_version, reading.cuda_version)
    assert (7, "NVIDIA H200", "1650024001234", 7, 1) == (gpu.index, gpu.name, gpu.serial, gpu.minor, gpu.numa_node)
    assert ("0000:1b:00.0", "0001:db:00.0") == (reading.gpus[0].pci_bus_id, gpu.pci_bus_id)
    assert (GpuState.OK, "") == (gpu.state, gpu.state_reason)
    assert (0.97, 0.41) == (gpu.utilization_ratio, gpu.memory_utilization_ratio)
    assert 150754820096 == gpu.memory_total_bytes
    assert 120259084288 == gpu.memory_used_bytes
    assert 645922816 == gpu.memory_reserved_bytes
    assert 29849812992 == gpu.memory_free_bytes
    assert (612.5, 700.0, 987654.321) == (gpu.power_watts, gpu.power_limit_watts, gpu.energy_joules_total)
    assert (58, 71, 29) == (gpu.temperature_celsius, gpu.memory_temperature_celsius, gpu.temperature_margin_celsius)
    assert (1755e6, 1980e6) == (gpu.clock_sm_hertz, gpu.clock_sm_max_hertz)
    assert (3201e6, 3201e6) == (gpu.clock_memory_hertz, gpu.clock_memory_max_hertz)
    assert (1024000, 2048000) == (gpu.nvlink_sent_bytes_total, gpu.nvlink_received_bytes_total)
    assert (123456789, 234567890) == (gpu.pcie_sent_bytes_total, gpu.pcie_received_bytes_total)
    assert (5, 5, 16, 16, 0) == (
        gpu.pcie_generation,
        gpu.pcie_generation_max,
        gpu.pcie_width,
        gpu.pcie_width_max,
        gpu.pcie_replays_total,
    )


def test_the_health_of_a_healthy_gpu_is_zeros_and_not_silence(collector):
    """Counters that the driver gives as 0 are 0, and a recovery action of 0 is `none`."""
    gpu = collector.collect().gpus[0]

    assert (0, 0, 12, 0) == (
        gpu.ecc_corrected_volatile_total,
        gpu.ecc_uncorrected_volatile_total,
        gpu.ecc_corrected_aggregate_total,
        gpu.ecc_uncorrected_aggregate_total,
    )
    assert (1, 0) == (gpu.remapped_rows_corrected_total, gpu.remapped_rows_uncorrected_total)
    assert (False, False) == (gpu.remapped_rows_pending, gpu.remapped_rows_failed)
    assert "none" == gpu.recovery_action
    assert () == gpu.xids
    assert () == gpu.processes
    assert () == gpu.clocks_event_reasons
    assert False is gpu.mig_enabled
    assert GpuFabric(state=FabricState.COMPLETED, clique_id=0) == gpu.fabric


def test_mig_devices_are_entries_of_their_own(collector, state):
    """Two of seven MIG slots are taken; the parent has no utilisation, and processes say which instance is theirs."""
    state.set(
        "0", mig_mode="1", mig_max="7", fail__nvmlDeviceGetUtilizationRates="3", processes="4711:-:1:0 4712:1048576:5:0"
    )
    state.set("+/+", memory_total="75000000000", memory_used="1000", multiprocessors="60")
    state.set("0/0", name="NVIDIA H200 MIG 3g.71gb", gpu_instance="1", compute_instance="0")
    state.set("0/3", name="NVIDIA H200 MIG 1g.18gb", gpu_instance="5", compute_instance="0", multiprocessors="16")

    gpu = collector.collect().gpus[0]

    assert True is gpu.mig_enabled
    assert None is gpu.utilization_ratio
    first, second = gpu.mig_instances
    assert first == MigInstance(
        uuid="MIG-00000000-0000-0000-0000-000000000000",
        name="NVIDIA H200 MIG 3g.71gb",
        gpu_instance=1,
        compute_instance=0,
        multiprocessors=60,
        memory_total_bytes=75000000000,
        memory_used_bytes=1000,
        memory_free_bytes=74999999000,
    )
    assert (5, 16) == (second.gpu_instance, second.multiprocessors)
    assert (GpuProcess(4711, None, 1, 0), GpuProcess(4712, 1048576, 5, 0)) == gpu.processes


def test_processes_come_from_the_mig_devices_when_the_gpu_does_not_tell(collector, state):
    """Without privileges the parent of MIG devices refuses; the devices answer."""
    state.set("0", mig_mode="1", mig_max="7", fail__nvmlDeviceGetComputeRunningProcesses_v3="4")
    state.set("0/0", gpu_instance="1", compute_instance="0", processes="4711:2048:1:0")

    assert (GpuProcess(4711, 2048, 1, 0),) == collector.collect().gpus[0].processes


def test_processes_outside_mig_have_no_instance(collector, state):
    """NVML's all-ones instance id is no instance."""
    state.set("0", processes="99:4096 12:8192")

    assert (GpuProcess(12, 8192), GpuProcess(99, 4096)) == collector.collect().gpus[0].processes


def test_a_throttled_gpu_says_why_and_for_how_long(collector, state):
    """The mask becomes names, the duration counters seconds by reason; counters not given are not in it."""
    state.set("0", clocks_event_reasons=str(0x4 | 0x40))

    gpu = collector.collect().gpus[0]

    assert ("sw_power_cap", "hw_thermal_slowdown") == gpu.clocks_event_reasons
    assert {
        "sw_power_cap": 2.5,
        "sw_thermal_slowdown": 0,
        "hw_thermal_slowdown": 0,
        "hw_power_brake_slowdown": 0,
    } == gpu.throttled_seconds


def test_a_reason_of_the_future_keeps_its_bit():
    """A bit without a name is told by number, not swallowed."""
    assert ("gpu_idle", "bit_12") == reason_names(0x1001)


@pytest.mark.parametrize(
    ("action", "name"), [("0", "none"), ("1", "gpu_reset"), ("2", "node_reboot"), ("9", "action_9")]
)
def test_the_recovery_action_has_a_name(collector, state, action, name):
    """What the driver asks for is told in words, a number it does not know with its number."""
    state.set("0", field__230=f"u {action}")

    assert name == collector.collect().gpus[0].recovery_action


def test_a_gpu_on_no_numa_node_has_none(collector, state):
    """NVML gives -1 on hosts with a single node."""
    state.set("0", numa="-1")

    assert None is collector.collect().gpus[0].numa_node
