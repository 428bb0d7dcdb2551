"""Pages of dcgm-exporter."""

from __future__ import annotations

import pytest

from pdwatch.model.gpu import GpuReading
from pdwatch.model.host import HostOrigin

AT = 1_795_237_620.0


@pytest.fixture
def gpu(page, reading) -> GpuReading:
    """The GPU of which much is told."""
    return reading(page("dcgm-exporter")).gpus.gpus[0]


def test_the_page_is_recognised_by_what_it_serves(page, reading):
    """Nobody says that it is a dcgm-exporter."""
    found = reading(page("dcgm-exporter"))

    assert (HostOrigin.DCGM_EXPORTER, "node0", AT) == (found.origin, found.host, found.at)
    assert "580.95" == found.gpus.driver_version
    assert None is found.fabric is found.processes is found.logs


def test_values_are_in_base_units(gpu):
    """MHz, MiB, percent, millijoules and nanoseconds become hertz, bytes, ratios, joules and seconds."""
    assert 1_755_000_000.0 == gpu.clock_sm_hertz
    assert 3_201_000_000.0 == gpu.clock_memory_hertz
    assert 120_259_084_288 == gpu.memory_used_bytes
    assert 0.97 == pytest.approx(gpu.utilization_ratio)
    assert 987_654.321 == pytest.approx(gpu.energy_joules_total)
    assert 612.5 == gpu.power_watts
    assert 0.4 == gpu.tensor_active_ratio
    assert {"sw_power_cap": pytest.approx(2.5)} == gpu.throttled_seconds


def test_the_gpu_is_identified_as_nvml_does(gpu):
    """The bus id is that of sysfs, by which ports are paired; the minor is that of /dev/nvidiaN."""
    assert ("GPU-5ab2", "0000:1b:00.0", 0, "NVIDIA H200") == (gpu.uuid, gpu.pci_bus_id, gpu.minor, gpu.name)


def test_what_it_does_not_export_is_unknown(gpu):
    """Its gauge of the last XID says neither when nor how often, so nothing is made of it."""
    assert None is gpu.xids is gpu.memory_total_bytes is gpu.processes is gpu.temperature_margin_celsius
    assert False is gpu.remapped_rows_failed


def test_mig_instances_are_not_taken_for_the_gpu(page, reading):
    """They share its label, and would overwrite its clock."""
    assert 345_000_000.0 == reading(page("dcgm-exporter")).gpus.gpus[1].clock_sm_hertz


def test_both_spellings_of_labels_are_read(page, reading):
    """`UUID` and `Hostname` became lower case."""
    text = page("dcgm-exporter")

    assert reading(text) == reading(text.replace("UUID=", "uuid=").replace("Hostname=", "hostname="))


def test_blank_values_are_unknown(page, reading):
    """DCGM writes values of its own for what a GPU does not have; NaN is one that reaches the page."""
    text = page("dcgm-exporter").replace("} 612.500000", "} NaN")

    assert None is reading(text).gpus.gpus[0].power_watts
