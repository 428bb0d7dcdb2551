"""Every NVML field value that is read: its id, where it goes in a `GpuReading` and how it becomes a base unit.

Where two rows lead to the same place, the first that the device answers wins; rows for links are summed over links.
Ids, units and scopes: `nvml.h`, "Field Identifiers", and the names `NVML_FI_DEV_*` in `pynvml`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

Number = int | float


class Scope(Enum):
    """What the field is asked about, which NVML takes as a `scopeId`."""

    DEVICE = "device"
    NVLINKS_SUM = "nvlinks_sum"
    """All NVLinks together, added up by the driver."""
    NVLINK = "nvlink"
    """Each NVLink for itself."""
    C2C_LINK = "c2c_link"
    """Each chip-to-chip link for itself."""


SUM_OF_LINKS = 0xFFFFFFFF
"""The `scopeId` of `Scope.NVLINKS_SUM`."""
NVLINK_COUNT = 91
C2C_LINK_COUNT = 170

_RECOVERY_ACTIONS = (
    "none",
    "gpu_reset",
    "node_reboot",
    "drain_p2p",
    "drain_and_reset",
    "imex_domain_reset",
    "bus_reset",
    "system_reboot",
)


def _milli(value: Number) -> float:
    return value / 1000


def _nano(value: Number) -> float:
    return value / 1e9


def _kibibytes(value: Number) -> Number:
    return value * 1024


def _mega(value: Number) -> float:
    return value * 1e6


def _flag(value: Number) -> bool:
    return value != 0


def _nvlink_is_up(value: Number) -> int:
    return int(value in (1, 2))  # active or asleep; 0 is inactive, 3 is active with traffic disabled


def _recovery_action(value: Number) -> str:
    number = int(value)
    return _RECOVERY_ACTIONS[number] if 0 <= number < len(_RECOVERY_ACTIONS) else f"action_{number}"


@dataclass(frozen=True, slots=True, eq=False)
class Field:
    """One field id and what becomes of its value."""

    id: int
    attribute: str
    """Of `GpuReading`."""
    convert: Callable[[Number], Number | str] | None = None
    """To the base unit; `None` leaves the value as it is."""
    scope: Scope = Scope.DEVICE
    key: str | None = None
    """Its place in the mapping that *attribute* is; `None` where the attribute is one value."""
    slow: bool = False
    """Asked only now and then: it changes rarely, or costs one driver call for each link."""


def _throttled(field_id: int, reason: str) -> Field:
    return Field(field_id, "throttled_seconds", _nano, key=reason)


def _nvlink_error(field_id: int, kind: str, scope: Scope = Scope.NVLINKS_SUM) -> Field:
    return Field(field_id, "nvlink_errors", scope=scope, key=kind, slow=True)


def _c2c_error(field_id: int, kind: str) -> Field:
    return Field(field_id, "c2c_errors", scope=Scope.C2C_LINK, key=kind, slow=True)


FIELDS: tuple[Field, ...] = (
    Field(185, "power_watts", _milli),
    Field(186, "power_watts", _milli),
    Field(190, "power_limit_watts", _milli),
    Field(83, "energy_joules_total", _milli),
    Field(82, "memory_temperature_celsius"),
    _throttled(74, "sw_power_cap"),
    _throttled(75, "thermal"),
    _throttled(76, "sync_boost"),
    _throttled(77, "board_limit"),
    _throttled(78, "low_utilization"),
    _throttled(79, "reliability"),
    _throttled(269, "sw_thermal_slowdown"),
    _throttled(270, "hw_thermal_slowdown"),
    _throttled(271, "hw_power_brake_slowdown"),
    Field(197, "pcie_sent_bytes_total"),
    Field(198, "pcie_received_bytes_total"),
    Field(94, "pcie_replays_total"),
    Field(138, "nvlink_sent_bytes_total", _kibibytes, Scope.NVLINKS_SUM),
    Field(139, "nvlink_received_bytes_total", _kibibytes, Scope.NVLINKS_SUM),
    # From the fifth NVLink generation on the driver adds these up, and 138, 139 and 161 to 163 are gone.
    Field(202, "nvlink_sent_bytes_total", scope=Scope.NVLINKS_SUM),
    Field(204, "nvlink_received_bytes_total", scope=Scope.NVLINKS_SUM),
    Field(3, "ecc_corrected_volatile_total", slow=True),
    Field(4, "ecc_uncorrected_volatile_total", slow=True),
    Field(5, "ecc_corrected_aggregate_total", slow=True),
    Field(6, "ecc_uncorrected_aggregate_total", slow=True),
    Field(142, "remapped_rows_corrected_total", slow=True),
    Field(143, "remapped_rows_uncorrected_total", slow=True),
    Field(144, "remapped_rows_pending", _flag, slow=True),
    Field(145, "remapped_rows_failed", _flag, slow=True),
    Field(230, "recovery_action", _recovery_action, slow=True),
    Field(165, "nvlinks_active", _nvlink_is_up, Scope.NVLINK, slow=True),
    _nvlink_error(161, "replay", Scope.NVLINK),
    _nvlink_error(162, "recovery", Scope.NVLINK),
    _nvlink_error(163, "crc", Scope.NVLINK),
    _nvlink_error(206, "malformed_packet"),
    _nvlink_error(207, "buffer_overrun"),
    _nvlink_error(208, "receive"),
    _nvlink_error(209, "receive_remote"),
    _nvlink_error(210, "receive_general"),
    _nvlink_error(211, "local_link_integrity"),
    _nvlink_error(212, "transmit_discard"),
    _nvlink_error(213, "recovery_succeeded"),
    _nvlink_error(214, "recovery_failed"),
    Field(171, "c2c_links_active", scope=Scope.C2C_LINK, slow=True),
    Field(172, "c2c_bandwidth_bytes_per_second", _mega, Scope.C2C_LINK, slow=True),
    _c2c_error(231, "interrupt"),
    _c2c_error(232, "replay"),
    _c2c_error(233, "replay_back_to_back"),
)
