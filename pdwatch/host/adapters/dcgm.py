"""Pages of dcgm-exporter: its default counters and the commented ones that say the same as NVML.

Units: MHz, MiB, percent and millijoules there; hertz, bytes, ratios and joules here. Times held back are nanoseconds
(`dcgm_fields.h`), whatever the help of the exporter says. Labels are spelled `UUID` or `uuid`. Values are up to 30 s
old, its default interval. MIG instances share the label `gpu` with their GPU and are left out.
Source: `etc/default-counters.csv` and `internal/pkg/rendermetrics` of NVIDIA/dcgm-exporter.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from pdwatch.host.adapters.adapter import Adapter
from pdwatch.host.adapters.samples import Facts, Labels, Samples
from pdwatch.model.gpu import GpuReading, NvmlReading
from pdwatch.model.host import HostOrigin, HostReading
from pdwatch.model.records import read_record

_MEBI = float(1 << 20)
_DEV = "DCGM_FI_DEV_"
_PROF = "DCGM_FI_PROF_"


@dataclass(frozen=True, slots=True)
class _Row:
    """One field of DCGM. A whole number is rounded after scaling, as products of decimals are seldom exact."""

    name: str
    field: str
    scale: float = 1.0
    whole: bool = False


_ROWS = (
    _Row(f"{_DEV}GPU_UTIL", "utilization_ratio", 0.01),
    _Row(f"{_DEV}MEM_COPY_UTIL", "memory_utilization_ratio", 0.01),
    _Row(f"{_DEV}FB_TOTAL", "memory_total_bytes", _MEBI, whole=True),
    _Row(f"{_DEV}FB_USED", "memory_used_bytes", _MEBI, whole=True),
    _Row(f"{_DEV}FB_FREE", "memory_free_bytes", _MEBI, whole=True),
    _Row(f"{_DEV}FB_RESERVED", "memory_reserved_bytes", _MEBI, whole=True),
    _Row(f"{_DEV}POWER_USAGE", "power_watts"),
    _Row(f"{_DEV}ENFORCED_POWER_LIMIT", "power_limit_watts"),
    _Row(f"{_DEV}TOTAL_ENERGY_CONSUMPTION", "energy_joules_total", 0.001),
    _Row(f"{_DEV}GPU_TEMP", "temperature_celsius"),
    _Row(f"{_DEV}MEMORY_TEMP", "memory_temperature_celsius"),
    _Row(f"{_DEV}SM_CLOCK", "clock_sm_hertz", 1e6),
    _Row(f"{_DEV}MEM_CLOCK", "clock_memory_hertz", 1e6),
    _Row(f"{_DEV}MAX_SM_CLOCK", "clock_sm_max_hertz", 1e6),
    _Row(f"{_DEV}MAX_MEM_CLOCK", "clock_memory_max_hertz", 1e6),
    _Row(f"{_DEV}PCIE_REPLAY_COUNTER", "pcie_replays_total", whole=True),
    _Row(f"{_DEV}CORRECTABLE_REMAPPED_ROWS", "remapped_rows_corrected_total", whole=True),
    _Row(f"{_DEV}UNCORRECTABLE_REMAPPED_ROWS", "remapped_rows_uncorrected_total", whole=True),
    _Row(f"{_DEV}ROW_REMAP_FAILURE", "remapped_rows_failed", whole=True),
    _Row(f"{_DEV}ROW_REMAP_PENDING", "remapped_rows_pending", whole=True),
    _Row(f"{_DEV}ECC_SBE_VOL_TOTAL", "ecc_corrected_volatile_total", whole=True),
    _Row(f"{_DEV}ECC_DBE_VOL_TOTAL", "ecc_uncorrected_volatile_total", whole=True),
    _Row(f"{_DEV}ECC_SBE_AGG_TOTAL", "ecc_corrected_aggregate_total", whole=True),
    _Row(f"{_DEV}ECC_DBE_AGG_TOTAL", "ecc_uncorrected_aggregate_total", whole=True),
    _Row(f"{_PROF}GR_ENGINE_ACTIVE", "graphics_active_ratio"),
    _Row(f"{_PROF}SM_ACTIVE", "sm_active_ratio"),
    _Row(f"{_PROF}SM_OCCUPANCY", "sm_occupancy_ratio"),
    _Row(f"{_PROF}PIPE_TENSOR_ACTIVE", "tensor_active_ratio"),
    _Row(f"{_PROF}DRAM_ACTIVE", "dram_active_ratio"),
)
_THROTTLED = {
    "POWER_VIOLATION": "sw_power_cap",
    "THERMAL_VIOLATION": "thermal",
    "SYNC_BOOST_VIOLATION": "sync_boost",
    "BOARD_LIMIT_VIOLATION": "board_limit",
    "LOW_UTIL_VIOLATION": "low_utilization",
    "RELIABILITY_VIOLATION": "reliability",
}
"""Time held back, in nanoseconds, by NVML's word for the reason."""

_NVLINK_ERRORS = {
    "NVLINK_CRC_FLIT_ERROR_COUNT_TOTAL": "crc_flit",
    "NVLINK_CRC_DATA_ERROR_COUNT_TOTAL": "crc_data",
    "NVLINK_REPLAY_ERROR_COUNT_TOTAL": "replay",
    "NVLINK_RECOVERY_ERROR_COUNT_TOTAL": "recovery",
}


def _recognises(samples: Samples) -> bool:
    return next(samples.names("DCGM_FI_"), None) is not None


def _read(samples: Samples, host: str, at: float) -> HostReading:
    facts: defaultdict[int, Facts] = defaultdict(dict)
    driver = None
    for name in samples.names("DCGM_FI_"):
        for labels, _ in samples.of(name):
            if _is_whole(labels):
                facts[int(labels["gpu"])] |= _identity(labels)
                driver = driver or labels.get("DCGM_FI_DRIVER_VERSION")
    for row in _ROWS:
        for labels, value in samples.of(row.name):
            if _is_whole(labels):
                scaled = value * row.scale
                facts[int(labels["gpu"])][row.field] = round(scaled) if row.whole else scaled
    _add_sums(samples, facts)
    gpus = tuple(read_record(GpuReading, {"index": index} | facts[index]) for index in sorted(facts))
    return HostReading(host, HostOrigin.DCGM_EXPORTER, at, gpus=NvmlReading(at, gpus, driver_version=driver))


def _is_whole(labels: Labels) -> bool:
    return labels.get("gpu", "").isdecimal() and not labels.get("GPU_I_ID")


def _identity(labels: Labels) -> Facts:
    minor = labels.get("device", "").removeprefix("nvidia")
    found = {
        "uuid": labels.get("UUID") or labels.get("uuid"),
        "name": labels.get("modelName"),
        "pci_bus_id": _bus_id(labels.get("pci_bus_id", "")),
        "minor": minor if minor.isdecimal() else None,
    }
    return {name: value for name, value in found.items() if value}


def _bus_id(text: str) -> str:
    """Return `00000000:1B:00.0` as sysfs has it: `0000:1b:00.0`."""
    domain, colon, rest = text.lower().partition(":")
    return f"{domain[-4:]}{colon}{rest}"


def _add_sums(samples: Samples, facts: defaultdict[int, Facts]) -> None:
    tables = (("throttled_seconds", _THROTTLED, 1e-9), ("nvlink_errors", _NVLINK_ERRORS, 1.0))
    for field, names, scale in tables:
        for name, word in names.items():
            for labels, value in samples.of(_DEV + name):
                if _is_whole(labels):
                    facts[int(labels["gpu"])].setdefault(field, {})[word] = value * scale


ADAPTER = Adapter(HostOrigin.DCGM_EXPORTER, ("DCGM_FI_",), _recognises, _read)
