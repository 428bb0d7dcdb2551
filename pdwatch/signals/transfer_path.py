"""KV transfers worker by worker, each against its own beginning.

An absolute share of a link's rate says little: a healthy transfer may use 94 % of a slow link or 9 % of a fast one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pdwatch.catalog.thresholds import Thresholds
from pdwatch.model.hostsignals import TransferPathSignals
from pdwatch.model.reading import Quantity as Q
from pdwatch.model.window import Window, together
from pdwatch.signals.baseline import Baseline


class TransferPathWatch:
    """The transfers of one worker between ticks."""

    def __init__(self, thresholds: Thresholds) -> None:
        self._fewest = thresholds.transfer_min_transfers
        self._bandwidth, self._size, self._throughput = (
            Baseline(thresholds.transfer_baseline_seconds) for _ in range(3)
        )

    def observe(self, windows: Sequence[Window]) -> TransferPathSignals | None:
        """Return the transfers within the *windows* of the worker's engines; `None` where it reports none."""
        flow = windows[0].flow if len(windows) == 1 else together(window.flow for window in windows)
        times, moved = flow.tally(Q.TRANSFER_TIME), flow.tally(Q.TRANSFER_BYTES)
        seconds = max((window.seconds for window in windows), default=0.0)
        if times is None or moved is None or times.sum <= 0 or moved.number <= 0 or seconds <= 0:
            return None
        now = max(window.end for window in windows)
        bandwidth, size, throughput = moved.sum / times.sum, moved.sum / moved.number, moved.sum / seconds
        if times.number >= self._fewest:
            self._bandwidth.learn(now, bandwidth)
            self._size.learn(now, size)
            self._throughput.learn(now, throughput)
        return TransferPathSignals(
            transfers=times.number,
            bytes_per_second=throughput,
            bandwidth_bytes_per_second=bandwidth,
            bytes_mean=size,
            baseline_bandwidth=self._bandwidth.value,
            baseline_bytes_mean=self._size.value,
            baseline_bytes_per_second=self._throughput.value,
        )


class TransferPaths:
    """The paths of one service's workers. *thresholds* say how long the normal is learned."""

    def __init__(self, thresholds: Thresholds) -> None:
        self._thresholds = thresholds
        self._watches: dict[str, TransferPathWatch] = {}

    def observe(self, windows: Mapping[str, Sequence[Window]]) -> dict[str, TransferPathSignals]:
        """Return the path of each worker that reports transfers; a worker that is not among *windows* is forgotten."""
        self._watches = {worker: self._watches.get(worker) or TransferPathWatch(self._thresholds) for worker in windows}
        found = {worker: self._watches[worker].observe(each) for worker, each in windows.items() if each}
        return {worker: path for worker, path in found.items() if path is not None}
