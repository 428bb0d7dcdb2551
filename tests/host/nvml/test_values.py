"""What a reading holds on the GPUs and drivers that are out there."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from pdwatch.host.nvml.calls import reason_names
from pdwatch.model.gpu import (
    FabricHealth,
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


def test_nvlinks_are_counted_and_their_errors_summed(collector, state):
    """One link of eighteen is down, one asleep; three CRC errors on each of eighteen links are 54."""
    state.set("0", field__165__4="u 0", field__165__5="u 2")

    gpu = collector.collect().gpus[0]

    assert (18, 17) == (gpu.nvlinks, gpu.nvlinks_active)
    assert {"replay": 0, "recovery": 0, "crc": 54} == gpu.nvlink_errors


def test_links_are_counted_one_by_one_for_a_driver_without_the_field(collector, state):
    """Without field 165 the state of each link is asked for."""
    state.set("*", field__165="", nvlink_state="1", nvlink_state__2="0")

    assert 17 == collector.collect().gpus[0].nvlinks_active


def test_a_link_that_does_not_answer_leaves_the_sum_unknown(collector, state):
    """A sum without one of its links would look like a counter that fell."""
    state.set("0", field__163__3="error 999")

    assert {"replay": 0, "recovery": 0} == collector.collect().gpus[0].nvlink_errors


def test_a_gb200_tells_its_nvlink_domain_and_c2c_links(collector, gb200):
    """The driver adds up NVLink counters itself there, in bytes; a C2C link without a speed adds none."""
    gpu = collector.collect().gpus[0]

    assert (5000000, 7000000) == (gpu.nvlink_sent_bytes_total, gpu.nvlink_received_bytes_total)
    assert {"receive": 4, "recovery_failed": 0} == gpu.nvlink_errors
    assert (10, 9) == (gpu.c2c_links, gpu.c2c_links_active)
    assert 9 * 45e9 == gpu.c2c_bandwidth_bytes_per_second
    assert {"replay": 10} == gpu.c2c_errors
    expected = GpuFabric(
        state=FabricState.COMPLETED,
        cluster_uuid="0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9",
        clique_id=7,
        health=FabricHealth.UNHEALTHY,
        faults=("misconfigured_insufficient_nvlinks",),
    )
    assert expected == gpu.fabric


def test_a_domain_that_is_not_joined_has_no_clique(collector, gb200):
    """While registration runs, cluster and clique are not known; afterwards a failure has a reason."""
    gb200.set("system", count="2")
    gb200.set("0", fabric="2 0 7 0 0 0a1b2c3d4e5f60718293a4b5c6d7e8f9")
    gb200.set("1", fabric="3 999 7 0 0 0a1b2c3d4e5f60718293a4b5c6d7e8f9")

    joining, failed = (gpu.fabric for gpu in collector.collect().gpus)

    assert GpuFabric(state=FabricState.IN_PROGRESS) == joining
    assert "Unknown Error (999)" == failed.error


def test_an_older_fabric_struct_is_asked_for_when_the_newest_is_refused(collector, gb200):
    """A driver that knows version 2 only gives no health summary, and the faults all the same."""
    gb200.set("*", fabric_version="2", fabric="3 0 7 0x51a9 0 0a1b2c3d4e5f60718293a4b5c6d7e8f9")

    fabric = collector.collect().gpus[0].fabric

    assert None is fabric.health
    assert ("degraded_bandwidth",) == fabric.faults


def test_a_gpu_outside_any_domain_has_no_fabric(collector, state):
    """State "not supported" is no fabric."""
    state.set("*", fabric="0 0 0 0 0 00000000000000000000000000000000")

    assert None is collector.collect().gpus[0].fabric


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


def test_fields_that_are_not_supported_are_none_and_spoil_no_others(collector, state):
    """Each field has its own return code."""
    state.set("*", field__82="", field__230="error 3", field__4="error 999", field__94="x 1", pcie_replays="")

    gpu = collector.collect().gpus[0]

    assert None is gpu.memory_temperature_celsius
    assert None is gpu.recovery_action
    assert None is gpu.ecc_uncorrected_volatile_total
    assert None is gpu.pcie_replays_total
    assert (0, 612.5) == (gpu.ecc_corrected_volatile_total, gpu.power_watts)


def test_a_driver_without_field_values_is_asked_by_the_older_calls(collector, state):
    """When the batch itself fails, what has a call of its own is still known, in the same units."""
    state.set(
        "*",
        fail__nvmlDeviceGetFieldValues="3",
        power_mw="250000",
        power_limit_mw="400000",
        energy_mj="5000",
        pcie_replays="2",
        ecc__1__0="6",
        remapped_rows="1 2 1 0",
    )

    gpu = collector.collect().gpus[0]

    assert (250.0, 400.0, 5.0) == (gpu.power_watts, gpu.power_limit_watts, gpu.energy_joules_total)
    assert (2, 6) == (gpu.pcie_replays_total, gpu.ecc_uncorrected_volatile_total)
    assert (1, 2, True, False) == (
        gpu.remapped_rows_corrected_total,
        gpu.remapped_rows_uncorrected_total,
        gpu.remapped_rows_pending,
        gpu.remapped_rows_failed,
    )
    assert None is gpu.nvlinks


def test_an_old_driver_lacks_functions_and_gives_the_rest(make_collector, environment, old_library):
    """A missing symbol is like an unsupported call: the older function answers, or the value is `None`."""
    collector = make_collector(environment=environment | {"LD_LIBRARY_PATH": str(old_library)})

    gpu = collector.collect().gpus[0]

    assert (58, ()) == (gpu.temperature_celsius, gpu.clocks_event_reasons)
    assert (None, None, None) == (gpu.temperature_margin_celsius, gpu.numa_node, gpu.fabric)
    assert (120259084288 + 645922816, None) == (gpu.memory_used_bytes, gpu.memory_reserved_bytes)


def test_what_a_gpu_does_not_support_is_asked_once(collector, state, tmp_path):
    """The second batch holds only what was answered, and one source of each value."""
    log = tmp_path / "fields.log"
    state.set("system", field_log=str(log))

    collector.collect()
    collector.collect()

    link_counts, first, second = (int(line.split()[1]) for line in log.read_text().splitlines())
    assert 2 == link_counts
    quick = ("185", "190", "83", "82", "74", "269", "270", "271", "197", "198", "94", "138", "139")
    assert len(quick) == second
    assert first > second


def test_a_value_that_appears_later_is_seen(collector, state):
    """Only "not supported" is for good; an error of the moment is asked about again."""
    state.set("0", field__83="error 999", fail__nvmlDeviceGetUtilizationRates="999")
    before = collector.collect().gpus[0]
    state.set("0", field__83="q 1000", fail__nvmlDeviceGetUtilizationRates="")

    after = collector.collect().gpus[0]

    assert (None, None) == (before.energy_joules_total, before.utilization_ratio)
    assert (1.0, 0.97) == (after.energy_joules_total, after.utilization_ratio)


def test_slow_values_are_kept_between_their_rounds(collector):
    """The second reading has the ECC counts and link facts of the first."""
    first = collector.collect().gpus[0]

    second = collector.collect().gpus[0]

    assert first == second


def test_performance_monitors_stay_untouched_unless_asked_for(collector, state):
    """Two samplers disturb each other, so the default is none."""
    state.set("0", gpm="1:50 2:40")

    collector.collect()

    assert None is collector.collect().gpus[0].sm_active_ratio


def test_performance_monitors_give_ratios_from_the_second_reading_on(make_collector, state):
    """A share of time needs two samples; a metric the GPU lacks stays `None`."""
    state.set("0", gpm="1:50 2:40.5 10:100.2")
    collector = make_collector(gpm=True)

    first, second, third = (collector.collect().gpus[0] for _ in range(3))

    assert None is first.sm_active_ratio
    assert (0.5, 0.405, 1.0) == (second.graphics_active_ratio, second.sm_active_ratio, second.dram_active_ratio)
    assert None is second.tensor_active_ratio
    assert second.sm_active_ratio == third.sm_active_ratio


def test_what_the_library_prints_is_no_answer(collector, state, capfd):
    """A library that writes to stdout cannot spoil the talk between the processes."""
    state.set("system", print="hello from the driver")

    assert 1 == len(collector.collect().gpus)
    collector.close()
    assert "hello from the driver\n" in capfd.readouterr().err


def test_one_reading_is_printed_for_people(environment, state):
    """`python -m pdwatch.host.nvml` writes JSON to stdout and leaves out what is not known."""
    state.set("*", field__82="")
    command = [sys.executable, "-m", "pdwatch.host.nvml"]
    result = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)

    (gpu,) = json.loads(result.stdout)["gpus"]
    assert "NVIDIA H200" == gpu["name"]
    assert "memory_temperature_celsius" not in gpu
