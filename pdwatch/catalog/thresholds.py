"""Every threshold that a judgement uses, with its unit and meaning, in one object.

The screen, the exporter, the alert rules and the docs read this object, so that a pager and a screen never disagree.
Any entry is overridable under `thresholds:` in the configuration.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import Field, dataclass, field, fields, replace
from math import isfinite


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
    queue_requests: float = _threshold(
        32.0,
        "requests",
        "Requests that wait for each engine of prefill from which it is too small while its speed is not known.",
    )
    slow_pace: float = _threshold(
        1.7,
        "ratio",
        "Time a token takes on one worker over the median of its pool from which the worker counts as slow.",
    )
    cold_seconds: float = _threshold(
        120.0, "seconds", "Age of a process below which its speed is not compared: its first passes are slow."
    )
    pressure_high: float = _threshold(
        1.0, "ratio", "Demand over what the replicas bear within the objectives, from which a pool is too small."
    )
    pressure_target: float = _threshold(0.85, "ratio", "The same ratio that a grown pool is planned for.")
    pressure_low: float = _threshold(
        0.8, "ratio", "The same ratio that a pool would keep below with fewer replicas for it to give them away."
    )
    burst_headroom: float = _threshold(
        0.0, "ratio", "Demand above the usual one, as a share of it, for which replicas are kept at any time."
    )
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
    stuck_requests: float = _threshold(
        3.0,
        "requests",
        "Requests that an engine must hold to count as stuck; a few may be a gauge that was left behind.",
    )
    stale_intervals: float = _threshold(
        2.0, "intervals", "Age of the last good page, in intervals, from which it is stale."
    )
    down_failures: float = _threshold(2.0, "scrapes", "Refused connections in a row from which a worker is down.")
    startup_seconds: float = _threshold(
        600.0, "seconds", "Time for which a worker that has never answered counts as starting, not as down."
    )
    unresponsive_seconds: float = _threshold(
        90.0, "seconds", "Time without an answer after which a worker counts as hung though nobody else complains."
    )
    witnessed_seconds: float = _threshold(15.0, "seconds", "The same where routers or the other side complain as well.")
    onset_factor: float = _threshold(
        1.0, "ratio", "Factor on the time for which the condition of a finding must hold before it is one."
    )
    advice_seconds: float = _threshold(
        10.0, "seconds", "Time for which a changed advice must stand before it is given."
    )
    kv_stalled_seconds: float = _threshold(
        20.0,
        "seconds",
        "Time for which decode may wait for KV of which none arrives, before transfer counts as stalled.",
    )
    failures_few: float = _threshold(
        0.001, "ratio", "Share of transfers or requests that fail below which it is information."
    )
    failures_many: float = _threshold(
        0.01, "ratio", "Share of transfers or requests that fail from which it is critical."
    )
    transfer_min_seconds: float = _threshold(
        0.05, "seconds", "Time of a transfer below which nobody feels how long it is beside prefill."
    )
    generation_on_prefill: float = _threshold(
        1.5, "tokens", "Tokens that a prefill worker may generate for a request; it answers with one."
    )
    prefix_shared: float = _threshold(
        0.3, "ratio", "Share of prompts that prefill finds in its prefix cache from which decode should find some too."
    )
    prefix_found: float = _threshold(0.25, "ratio", "Share of that which decode should find.")
    slo_requests: float = _threshold(
        20.0, "requests", "Requests, or gaps between tokens, that a window needs before an objective is judged."
    )
    min_requests: float = _threshold(
        5.0, "requests", "Finished requests a window needs before rates of them are judged."
    )
    host_event_seconds: float = _threshold(
        600.0, "seconds", "Time for which an XID, an uncorrected memory error or a fault in a log stays a finding."
    )
    fabric_symbol_errors_per_second: float = _threshold(
        10.0, "per second", "Symbol errors of a port above which its link counts as bad; some are normal on fast links."
    )
    fabric_recoveries_per_second: float = _threshold(
        5 / 60, "per second", "Retrainings of a link after errors above which it counts as bad."
    )
    fabric_receive_errors_per_second: float = _threshold(
        10.0, "per second", "Damaged packets received by a port above which its link counts as bad."
    )
    fabric_discards_per_second: float = _threshold(
        100.0, "per second", "Packets dropped at a port above which it is a finding."
    )
    fabric_sequence_errors_per_second: float = _threshold(
        100.0, "per second", "Packets out of order or sent again above which a path counts as lossy."
    )
    fabric_rnr_naks_per_second: float = _threshold(
        10.0, "per second", "Answers 'receiver not ready' above which it is a finding."
    )
    fabric_timeouts_per_second: float = _threshold(
        1.0, "per second", "Acknowledgements that did not come in time, above which it is a finding."
    )
    fabric_congestion_share: float = _threshold(
        0.01, "ratio", "Packets marked or answered for congestion, above which a port counts as congested."
    )
    fabric_congestion_per_second: float = _threshold(
        100.0, "per second", "Congestion marks a second below which a port never counts as congested."
    )
    fabric_wait_ratio: float = _threshold(
        1.0, "ratio", "Ticks without credit over words sent, from which a port counts as congested."
    )
    fabric_wait_growth: float = _threshold(
        3.0, "times", "Growth of that ratio over the port's own baseline from which it counts as congested."
    )
    gpu_throttled_share: float = _threshold(
        0.1, "ratio", "Share of time in which a GPU is slowed by heat or by its power supply, above which it matters."
    )
    gpu_power_capped_share: float = _threshold(
        0.5, "ratio", "Share of time at the power limit above which it is worth knowing."
    )
    gpu_busy_ratio: float = _threshold(
        0.3, "ratio", "Mean utilization from which a GPU's links should run at full speed."
    )
    nvlink_errors_per_second: float = _threshold(
        1.0, "per second", "Corrected NVLink errors above which a link counts as degraded."
    )
    kv_buffer_bytes_max: float = _threshold(
        10e9, "bytes", "Size of a KV transfer buffer on a GPU above which memory becomes tight."
    )
    transfer_min_bytes_per_second: float = _threshold(
        10e6, "bytes per second", "KV moved by one host below which its path is not judged."
    )
    transfer_min_transfers: float = _threshold(
        5.0, "transfers", "KV transfers that a window needs before their speed is judged."
    )
    transfer_off_fabric_share: float = _threshold(
        0.1, "ratio", "RDMA bytes over KV bytes moved below which KV travels another way."
    )
    transfer_baseline_share: float = _threshold(
        0.5, "ratio", "Bandwidth of a transfer over its own baseline below which it is slow."
    )
    transfer_baseline_seconds: float = _threshold(
        30.0, "seconds", "Time over which the normal speed of a path is learned."
    )
    memlock_bytes: float = _threshold(
        1e9, "bytes", "Locked-memory limit below which registering memory for RDMA may fail."
    )
    expert_balancedness_low: float = _threshold(
        0.7, "ratio", "Expert balancedness (mean over maximum of tokens) below which load is uneven."
    )
    error_share_high: float = _threshold(
        0.05, "ratio", "Share of finished requests that failed, above which somebody is paged."
    )
    transfer_failure_share: float = _threshold(
        0.05, "ratio", "Share of KV transfers that failed, above which somebody is paged."
    )
    snapshot_age_seconds: float = _threshold(
        60.0, "seconds", "Age of the newest snapshot above which pdwatch itself counts as stuck."
    )
    cycle_share: float = _threshold(
        0.9, "ratio", "Share of the interval that collecting takes, above which pdwatch can hardly keep it."
    )
    scrapes_failing_share: float = _threshold(
        0.5, "ratio", "Share of all workers that cannot be scraped, above which the cause is not the workers."
    )

    @classmethod
    def definitions(cls) -> tuple[Field[float], ...]:
        """Return the entries with `name`, `default` and `metadata` (`unit`, `help`), in order of declaration."""
        return fields(cls)

    def changed(self) -> dict[str, float]:
        """Return by name the entries that differ from their defaults."""
        return {e.name: value for e in fields(self) if (value := getattr(self, e.name)) != e.default}

    def overridden(self, values: Mapping[str, float]) -> Thresholds:
        """Return a copy with *values* put in. Raises `TypeError` for an unknown key."""
        return replace(self, **values)

    @classmethod
    def as_told(cls, values: Mapping[str, float]) -> Thresholds:
        """Return the defaults with *values* put in, of which another version may know more."""
        names = {entry.name for entry in fields(cls)}
        return cls(**{name: value for name, value in values.items() if name in names and isfinite(value)})
