"""Drivers and GPUs that give less, and what is not asked of them again."""

from __future__ import annotations

import json
import subprocess
import sys


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
