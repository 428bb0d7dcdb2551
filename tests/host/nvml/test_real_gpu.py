"""On a host with an NVIDIA GPU: the readings of the real driver are within sane bounds.

Needs pytest and nvidia-ml-py alone. Skipped where no driver library loads.
"""

from __future__ import annotations

import ctypes
import re
import time
from collections.abc import Iterator

import pytest

from pdwatch.host.nvml.codec import decode, encode
from pdwatch.host.nvml.supervisor import NvmlCollector, Patience
from pdwatch.model.gpu import GpuReading, GpuState, NvmlReading


@pytest.fixture(scope="module")
def collector() -> Iterator[NvmlCollector]:
    """A collector on this host's own driver."""
    try:
        ctypes.CDLL("libnvidia-ml.so.1")
    except OSError as error:
        pytest.skip(f"no NVIDIA driver here: {error}")
    collector = NvmlCollector(patience=Patience(answer=60.0))
    yield collector
    collector.close()


@pytest.fixture(scope="module")
def reading(collector: NvmlCollector) -> NvmlReading:
    """The second reading of this host."""
    collector.collect()
    time.sleep(0.2)
    return collector.collect()


@pytest.fixture(scope="module")
def gpus(reading: NvmlReading) -> tuple[GpuReading, ...]:
    """The GPUs that work."""
    return tuple(gpu for gpu in reading.gpus if gpu.state is GpuState.OK)


def test_the_driver_and_at_least_one_gpu_are_named(reading, gpus):
    """Versions look like versions, UUIDs and bus ids like themselves."""
    assert re.fullmatch(r"\d+\.\d+(\.\d+)?", reading.driver_version)
    assert re.fullmatch(r"\d+\.\d+", reading.cuda_version)
    assert gpus
    assert all(re.fullmatch(r"GPU-[0-9a-f-]{36}", gpu.uuid) for gpu in gpus)
    assert all(re.fullmatch(r"[0-9a-f]{4,8}:[0-9a-f]{2}:[0-9a-f]{2}\.0", gpu.pci_bus_id) for gpu in gpus)


def test_a_reading_of_a_working_driver_is_fresh(reading):
    """Nothing is stale and nothing had to be restarted."""
    assert (0.0, "") == (reading.age_seconds, reading.stale_reason)


BOUNDS = {
    "utilization_ratio": (0, 1),
    "memory_utilization_ratio": (0, 1),
    "memory_total_bytes": (1 << 30, 1 << 42),
    "memory_used_bytes": (0, 1 << 42),
    "power_watts": (1, 3000),
    "power_limit_watts": (10, 3000),
    "energy_joules_total": (1, 1e12),
    "temperature_celsius": (1, 120),
    "memory_temperature_celsius": (0, 130),
    "clock_sm_hertz": (1e8, 4e9),
    "clock_sm_max_hertz": (5e8, 4e9),
    "clock_memory_hertz": (1e8, 2e10),
    "pcie_generation": (1, 7),
    "pcie_width": (1, 32),
    "pcie_replays_total": (0, 1 << 32),
    "nvlinks": (0, 72),
    "nvlinks_active": (0, 72),
    "ecc_uncorrected_volatile_total": (0, 1 << 32),
    "c2c_links": (0, 72),
}


@pytest.mark.parametrize("attribute", BOUNDS)
def test_a_value_is_within_bounds_where_the_gpu_gives_it(gpus, attribute):
    """A wrong unit or a wrong union member is off by orders of magnitude."""
    low, high = BOUNDS[attribute]
    values = [getattr(gpu, attribute) for gpu in gpus]

    assert [] == [value for value in values if value is not None and not low <= value <= high]


def test_the_basic_values_are_given_by_every_data_centre_gpu(gpus):
    """At least these are known outside MIG; a `None` here is a mistake of ours."""
    wanted = ("name", "memory_total_bytes", "power_watts", "temperature_celsius", "clock_sm_hertz", "processes")
    missing = [(gpu.index, name) for gpu in gpus for name in wanted if getattr(gpu, name) is None]

    assert [] == missing


def test_no_part_of_the_memory_exceeds_the_whole(gpus):
    """Used and free are parts of the total."""
    for gpu in gpus:
        if gpu.memory_total_bytes is not None:
            assert gpu.memory_used_bytes + gpu.memory_free_bytes <= gpu.memory_total_bytes


def test_energy_only_rises(collector, gpus):
    """The energy counter of a later reading is not lower, and fits the power drawn within an order of magnitude."""
    time.sleep(1.0)
    later = {gpu.uuid: gpu for gpu in collector.collect().gpus}
    for gpu in gpus:
        if gpu.energy_joules_total is not None:
            assert 0 <= later[gpu.uuid].energy_joules_total - gpu.energy_joules_total < 60 * 3000


def test_a_real_reading_survives_its_way_between_processes(reading):
    """Encoding and decoding lose nothing."""
    assert reading == decode(encode(reading))
