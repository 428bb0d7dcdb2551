"""Every plain NVML call on a device: its name and arguments, and what of its result goes where in a `GpuReading`.

Rows that lead to the same attribute are tried in order until one answers. Field values (`fields.py`) go first: a call
whose attributes are all known by then is not made.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pdwatch.host.nvml.guard import Guard, Handle

_GPU_SENSOR = 0
"""`NVML_TEMPERATURE_GPU`"""
_CLOCK_SM = 1
"""`NVML_CLOCK_SM`"""
_CLOCK_MEMORY = 2
"""`NVML_CLOCK_MEM`"""
_MEMORY_V2 = 0x02000028
"""`nvmlMemory_v2`: size and version of the struct that tells reserved memory apart from used memory."""

_CLOCKS_EVENT_REASONS = (
    "gpu_idle",
    "applications_clocks_setting",
    "sw_power_cap",
    "hw_slowdown",
    "sync_boost",
    "sw_thermal_slowdown",
    "hw_thermal_slowdown",
    "hw_power_brake_slowdown",
    "display_clock_setting",
)
"""By bit of the mask, from `nvmlClocksEventReasons`."""

Values = Mapping[str, object]


def reason_names(mask: int) -> tuple[str, ...]:
    """Return the names of the bits of a clocks-event mask; an unnamed bit N is `bit_N`."""
    known = dict(enumerate(_CLOCKS_EVENT_REASONS))
    return tuple(known.get(bit, f"bit_{bit}") for bit in range(mask.bit_length()) if mask >> bit & 1)


def _one(attribute: str, convert: Callable[[Any], object] | None = None) -> Callable[[Any], Values]:
    return lambda result: {attribute: result if convert is None else convert(result)}


def _hertz(megahertz: int) -> float:
    return megahertz * 1e6


def _watts(milliwatts: int) -> float:
    return milliwatts / 1000


def _utilization(rates: Any) -> Values:
    return {"utilization_ratio": rates.gpu / 100, "memory_utilization_ratio": rates.memory / 100}


def memory(info: Any) -> Values:
    """Return the sizes of either version of NVML's memory struct, in bytes."""
    values = {
        "memory_total_bytes": info.total,
        "memory_used_bytes": info.used,
        "memory_free_bytes": info.free,
    }
    return values | ({"memory_reserved_bytes": info.reserved} if hasattr(info, "reserved") else {})


def _remapped_rows(rows: tuple[int, int, int, int]) -> Values:
    return {
        "remapped_rows_corrected_total": rows[0],
        "remapped_rows_uncorrected_total": rows[1],
        "remapped_rows_pending": bool(rows[2]),
        "remapped_rows_failed": bool(rows[3]),
    }


def _bus_id(pci: Any) -> Values:
    domain, _, rest = pci.busId.lower().partition(":")
    return {"pci_bus_id": f"{domain.removeprefix('0000')}:{rest}"}


@dataclass(frozen=True, slots=True, eq=False)
class Call:
    """One NVML function that takes a device handle first."""

    function: str
    attributes: tuple[str, ...]
    """What it may tell: the call is left out when all are known."""
    read: Callable[[Any], Values]
    arguments: tuple[object, ...] = ()
    options: Mapping[str, object] = field(default_factory=dict)


def _plain(function: str, attribute: str, convert: Callable[[Any], object] | None = None, *arguments: object) -> Call:
    return Call(function, (attribute,), _one(attribute, convert), arguments)


_MEMORY = ("memory_total_bytes", "memory_used_bytes", "memory_free_bytes")

MEMORY_CALLS: tuple[Call, ...] = (
    Call("nvmlDeviceGetMemoryInfo", _MEMORY, memory, options={"version": _MEMORY_V2}),
    Call("nvmlDeviceGetMemoryInfo", _MEMORY, memory),
)
"""Also good for a MIG device."""

IDENTITY_CALLS: tuple[Call, ...] = (
    _plain("nvmlDeviceGetName", "name"),
    _plain("nvmlDeviceGetSerial", "serial"),
    Call("nvmlDeviceGetPciInfo_v3", ("pci_bus_id",), _bus_id),
    _plain("nvmlDeviceGetMinorNumber", "minor"),
    _plain("nvmlDeviceGetNumaNodeId", "numa_node", lambda node: None if node < 0 else node),
    _plain("nvmlDeviceGetMaxClockInfo", "clock_sm_max_hertz", _hertz, _CLOCK_SM),
    _plain("nvmlDeviceGetMaxClockInfo", "clock_memory_max_hertz", _hertz, _CLOCK_MEMORY),
)
"""Asked once, when the device is opened."""

CALLS: tuple[Call, ...] = (
    Call("nvmlDeviceGetUtilizationRates", ("utilization_ratio", "memory_utilization_ratio"), _utilization),
    *MEMORY_CALLS,
    _plain("nvmlDeviceGetTemperatureV", "temperature_celsius", None, _GPU_SENSOR),
    _plain("nvmlDeviceGetTemperature", "temperature_celsius", None, _GPU_SENSOR),
    _plain("nvmlDeviceGetClockInfo", "clock_sm_hertz", _hertz, _CLOCK_SM),
    _plain("nvmlDeviceGetClockInfo", "clock_memory_hertz", _hertz, _CLOCK_MEMORY),
    _plain("nvmlDeviceGetCurrentClocksEventReasons", "clocks_event_reasons", reason_names),
    _plain("nvmlDeviceGetCurrentClocksThrottleReasons", "clocks_event_reasons", reason_names),
    # Only for drivers without the field of the same meaning.
    _plain("nvmlDeviceGetPowerUsage", "power_watts", _watts),
    _plain("nvmlDeviceGetEnforcedPowerLimit", "power_limit_watts", _watts),
    _plain("nvmlDeviceGetTotalEnergyConsumption", "energy_joules_total", _watts),
    _plain("nvmlDeviceGetPcieReplayCounter", "pcie_replays_total"),
)
"""Asked for every reading."""

SLOW_CALLS: tuple[Call, ...] = (
    _plain("nvmlDeviceGetMarginTemperature", "temperature_margin_celsius"),
    _plain("nvmlDeviceGetCurrPcieLinkGeneration", "pcie_generation"),
    _plain("nvmlDeviceGetMaxPcieLinkGeneration", "pcie_generation_max"),
    _plain("nvmlDeviceGetCurrPcieLinkWidth", "pcie_width"),
    _plain("nvmlDeviceGetMaxPcieLinkWidth", "pcie_width_max"),
    _plain("nvmlDeviceGetMigMode", "mig_enabled", lambda modes: bool(modes[0])),
    _plain("nvmlDeviceGetTotalEccErrors", "ecc_corrected_volatile_total", None, 0, 0),
    _plain("nvmlDeviceGetTotalEccErrors", "ecc_uncorrected_volatile_total", None, 1, 0),
    _plain("nvmlDeviceGetTotalEccErrors", "ecc_corrected_aggregate_total", None, 0, 1),
    _plain("nvmlDeviceGetTotalEccErrors", "ecc_uncorrected_aggregate_total", None, 1, 1),
    Call("nvmlDeviceGetRemappedRows", ("remapped_rows_pending",), _remapped_rows),
)
"""Asked only now and then."""


def ask_calls(guard: Guard, handle: Handle, calls: Sequence[Call], known: Values) -> dict[str, object]:
    """Make those *calls* that tell something not *known* yet. Raises `GpuUnusable` and `LibraryUnusable`."""
    values = dict(known)
    for call in calls:
        if all(attribute in values for attribute in call.attributes):
            continue
        # The arguments are part of the key: a device may know one sensor or one struct version and not another.
        key = (call.function, call.arguments, tuple(call.options.values()))
        result = guard.ask(call.function, handle, *call.arguments, key=key, **call.options)
        if result is not None:
            values |= call.read(result)
    return values
