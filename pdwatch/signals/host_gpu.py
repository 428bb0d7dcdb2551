"""One GPU over time: how much it is held back, whether its links run at full speed, which errors are recent."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass

from pdwatch.catalog.thresholds import Thresholds
from pdwatch.model.gpu import GpuReading
from pdwatch.model.hostsignals import GpuSignals
from pdwatch.signals.ledger import CounterLedger, growth

_NO_THROTTLING = frozenset({"gpu_idle", "applications_clocks_setting", "display_clock_setting", "low_utilization"})
"""Reasons for a lower clock that nobody suffers from."""
_BY_LOOKS_ONLY = "hw_slowdown"
"""A reason for which the driver keeps no duration."""


@dataclass(frozen=True, slots=True)
class _Look:
    at: float
    reasons: frozenset[str]
    busy: float | None
    pcie_below: bool


class GpuWatch:
    """What is remembered of one GPU between readings."""

    def __init__(self, thresholds: Thresholds, horizon: float) -> None:
        self.index = 0
        self.horizon = horizon
        self.seen_at = 0.0
        """Unix seconds of the last reading with the GPU in it."""
        self._thresholds = thresholds
        self._durations: CounterLedger[str] = CounterLedger(horizon)
        self._nvlink: CounterLedger[str] = CounterLedger(horizon)
        self._looks: deque[_Look] = deque()
        self._nvlinks_most: int | None = None
        self._uncorrected: int | None = None
        self._uncorrected_at: float | None = None
        self._last = GpuReading(0)
        self._pids: tuple[int, ...] = ()

    def observe(self, at: float, gpu: GpuReading) -> None:
        """Take the GPU as read at *at*, Unix seconds. A reading that is not newer than the last is dropped."""
        if self._looks and at <= self._looks[-1].at:
            self._last = gpu  # its XIDs may be newer than its values
            return
        self.index, self.seen_at, self._last = gpu.index, at, gpu
        if gpu.throttled_seconds is not None:
            self._durations.push(at, gpu.throttled_seconds)
        if gpu.nvlink_errors is not None:
            self._nvlink.push(at, gpu.nvlink_errors)
        if gpu.nvlinks_active is not None:
            self._nvlinks_most = max(self._nvlinks_most or 0, gpu.nvlinks_active)
        if gpu.processes is not None:
            self._pids = tuple(process.pid for process in gpu.processes)
        self._count_uncorrected(at, gpu.ecc_uncorrected_volatile_total)
        self._looks.append(_look(at, gpu))
        while len(self._looks) > 2 and self._looks[1].at <= at - self.horizon:
            self._looks.popleft()

    def _count_uncorrected(self, at: float, total: int | None) -> None:
        if total is None:
            return
        if self._uncorrected is not None and growth(self._uncorrected, total) > 0:
            self._uncorrected_at = at
        self._uncorrected = total

    def signals(self, now: float) -> GpuSignals:
        """Return what is known at *now*, Unix seconds."""
        looks, event = self._looks, self._thresholds.host_event_seconds
        if not looks:
            return GpuSignals()
        busy = [look.busy for look in looks if look.busy is not None]
        ages = {xid.xid: max(0.0, now - xid.last_at) for xid in self._last.xids or ()}
        uncorrected = None if self._uncorrected_at is None else now - self._uncorrected_at
        mean_busy = sum(busy) / len(busy) if busy else None
        return GpuSignals(
            seconds=looks[-1].at - looks[0].at,
            throttled=self._throttled(),
            busy_ratio=mean_busy,
            pcie_below=len(looks) > 1
            and all(look.pcie_below for look in looks)
            and mean_busy is not None
            and mean_busy >= self._thresholds.gpu_busy_ratio,
            nvlinks_most=self._nvlinks_most,
            nvlink_errors=self._nvlink.rates(),
            uncorrected_seconds_ago=uncorrected if uncorrected is not None and uncorrected <= event else None,
            xids={xid: age for xid, age in ages.items() if age <= event},
            pids=self._pids,
        )

    def _throttled(self) -> dict[str, float]:
        """Return the share of the window by reason: durations where the driver keeps them, else a share of looks."""
        if len(self._looks) < 2:
            return {}
        timed = {reason: min(1.0, share) for reason, share in self._durations.rates().items()}
        counted = Counter(reason for look in self._looks for reason in look.reasons)
        looked = {reason: count / len(self._looks) for reason, count in counted.items()}
        if timed:
            looked = {reason: share for reason, share in looked.items() if reason == _BY_LOOKS_ONLY}
        shares = looked | timed
        return {reason: share for reason, share in shares.items() if share > 0 and reason not in _NO_THROTTLING}


def _look(at: float, gpu: GpuReading) -> _Look:
    pairs = ((gpu.pcie_generation, gpu.pcie_generation_max), (gpu.pcie_width, gpu.pcie_width_max))
    below = any(own is not None and most is not None and own < most for own, most in pairs)
    return _Look(at, frozenset(gpu.clocks_event_reasons or ()), gpu.utilization_ratio, below)
