"""Every threshold that a judgement uses, with its unit and meaning, in one object.

The screen, the exporter, the alert rules and the docs read this object, so that a pager and a screen never disagree.
Any entry is overridable under `thresholds:` in the configuration.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import Field, dataclass, field, fields, replace


def _threshold(default: float, unit: str, text: str) -> float:
    value: float = field(default=default, metadata={"unit": unit, "help": text})
    return value


@dataclass(frozen=True, slots=True)
class Thresholds:
    """The numbers that divide fine from not fine. Ratios are 0 to 1, durations are seconds."""

    kv_usage_high: float = _threshold(0.9, "ratio", "KV-cache usage from which a pool counts as full.")
    kv_idle_usage: float = _threshold(0.02, "ratio", "KV-cache usage that an engine without work may hold.")
    kv_idle_seconds: float = _threshold(
        20.0, "seconds", "Time without work after which held KV blocks count as leaked."
    )
    preemptions_per_second: float = _threshold(
        0.05, "per second", "Preemptions of one pool from which it counts as preempting."
    )
    queue_imbalance: float = _threshold(
        1.5, "ratio", "Busiest engine over the mean of its pool from which load is uneven."
    )
    queue_imbalance_requests: float = _threshold(
        8.0, "requests", "Requests that the busiest engine must hold above the mean before load counts as uneven."
    )
    pressure_high: float = _threshold(1.0, "ratio", "Demand over capacity from which a pool is too small.")
    pressure_target: float = _threshold(0.75, "ratio", "Demand over capacity that a resized pool is planned for.")
    pressure_low: float = _threshold(0.35, "ratio", "Demand over capacity below which a pool may give a replica away.")
    drain_seconds: float = _threshold(20.0, "seconds", "Time within which a pool should work off what waits.")
    kv_recomputed_share: float = _threshold(
        0.5, "ratio", "Share of prompt tokens computed on decode from which KV counts as recomputed."
    )
    transfer_failures_per_second: float = _threshold(0.0, "per second", "Failed KV transfers above this are a finding.")
    transfer_prefill_ratio: float = _threshold(
        0.5, "ratio", "KV transfer time over prefill compute time above which disaggregation hurts."
    )
    request_error_share: float = _threshold(
        0.0, "ratio", "Share of finished requests that failed, above which it is a finding."
    )
    stuck_seconds: float = _threshold(
        10.0, "seconds", "Time with work in an engine and frozen counters after which it counts as stuck."
    )
    stale_intervals: float = _threshold(
        2.0, "intervals", "Age of the last good page, in intervals, from which it is stale."
    )
    down_failures: float = _threshold(2.0, "scrapes", "Refused connections in a row from which a worker is down.")
    advice_seconds: float = _threshold(
        10.0, "seconds", "Time for which a changed advice must stand before it is given."
    )
    min_requests: float = _threshold(
        5.0, "requests", "Finished requests a window needs before rates of them are judged."
    )

    @classmethod
    def definitions(cls) -> tuple[Field[float], ...]:
        """Return the entries with `name`, `default` and `metadata` (`unit`, `help`), in order of declaration."""
        return fields(cls)

    def overridden(self, values: Mapping[str, float]) -> Thresholds:
        """Return a copy with *values* put in. Raises `TypeError` for an unknown key."""
        return replace(self, **values)
