"""One fabric port over time: rates of its counters, what it once was, and how long it usually waits for credit."""

from __future__ import annotations

from collections.abc import Mapping

from pdwatch.catalog.thresholds import Thresholds
from pdwatch.model.hostsignals import PortSignals
from pdwatch.model.port import PortCounter, PortReading
from pdwatch.signals.baseline import Baseline
from pdwatch.signals.ledger import CounterLedger

_WORD_BYTES = 4


class PortWatch:
    """What is remembered of one port between readings."""

    def __init__(self, thresholds: Thresholds, horizon: float) -> None:
        self.ledger: CounterLedger[PortCounter] = CounterLedger(horizon)
        self.seen_at = 0.0
        """Unix seconds of the last reading with the port in it."""
        self._was_active = False
        self._fastest: int | None = None
        self._rates: Mapping[PortCounter, float] = {}
        self._least_traffic = thresholds.transfer_min_bytes_per_second
        self._wait_ratio: float | None = None
        self._wait_baseline = Baseline(thresholds.transfer_baseline_seconds)

    def observe(self, at: float, port: PortReading) -> None:
        """Take the port as read at *at*, Unix seconds. A reading that is not newer than the last is dropped."""
        if not self.ledger.push(at, port.counters, port.saturated):
            return
        self.seen_at = at
        self._was_active = self._was_active or port.active
        if port.rate_bits_per_second is not None:
            self._fastest = max(self._fastest or 0, port.rate_bits_per_second)
        self._rates = self.ledger.rates()
        self._wait_ratio = self._waited()
        if self._wait_ratio is not None:
            self._wait_baseline.learn(at, self._wait_ratio)

    def _waited(self) -> float | None:
        ticks, sent = self._rates.get(PortCounter.TX_WAIT_TICKS), self._rates.get(PortCounter.TX_BYTES)
        if ticks is None or sent is None or sent < self._least_traffic:
            return None
        return ticks / (sent / _WORD_BYTES)

    def signals(self, newest: float) -> PortSignals:
        """Return what is known, where the host's fabric was last read at *newest*."""
        return PortSignals(
            seconds=self.ledger.seconds,
            rates=self._rates,
            present=self.seen_at >= newest,
            was_active=self._was_active,
            fastest_bits_per_second=self._fastest,
            wait_ratio=self._wait_ratio,
            wait_baseline=self._wait_baseline.value,
        )
