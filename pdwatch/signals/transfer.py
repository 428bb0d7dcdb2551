"""KV transfer between the pools of a service: how long, how much, what failed, and whether KV moves at all.

In pull mode (NIXL's default) decode owns the transfer histograms and prefill's stay 0; in push mode and with Mooncake
prefill owns them. The connector's direction decides where it is configured, else the side that has observations.
Failures and expiries are counted on either side and summed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pdwatch.model.reading import Histogram
from pdwatch.model.reading import Quantity as Q
from pdwatch.model.snapshot import TransferState
from pdwatch.model.target import Role
from pdwatch.model.window import Window
from pdwatch.signals.histogram import quantile, total
from pdwatch.signals.role import transferred_share
from pdwatch.signals.track import Ledger

_REPORTS = {
    "nixl": Role.DECODE,
    "nixl-pull": Role.DECODE,
    "nixl-push": Role.PREFILL,
    "mooncake": Role.PREFILL,
}
"""Which side's histograms tell, by the connector as configured."""


def reporting_side(
    connector: str | None, windows: Mapping[Role, Sequence[Window]], ledger: Mapping[Role, Ledger]
) -> Role | None:
    """Return the role whose transfer histograms count; `None` while nobody has any."""
    if connector is not None and connector.lower() in _REPORTS:
        return _REPORTS[connector.lower()]
    for role, parts in windows.items():
        moved = total(window.histogram(Q.TRANSFER_TIME) for window in parts)
        if moved is not None and moved.count > 0:
            return role
    for role, kept in ledger.items():
        seen = kept.histograms.get(Q.TRANSFER_TIME)
        if seen is not None and seen.count > 0:
            return role
    return None


def transfer_state(
    windows: Mapping[Role, Sequence[Window]],
    ledger: Mapping[Role, Ledger],
    connector: str | None,
    waiting: float | None,
) -> TransferState:
    """Return the transfer signals of one service. *windows* and *ledger* are by role; *waiting* counts requests on
    decode that wait for remote KV."""
    everyone = [window for parts in windows.values() for window in parts]
    side = reporting_side(connector, windows, ledger)
    own = windows.get(side, ()) if side is not None else ()
    seconds = max((window.seconds for window in own), default=0.0)
    times = total(window.histogram(Q.TRANSFER_TIME) for window in own)
    moved = total(window.histogram(Q.TRANSFER_BYTES) for window in own)
    prefill = total(window.histogram(Q.PREFILL_TIME) for window in windows.get(Role.PREFILL, ()))
    share = recomputed_share(windows.get(Role.DECODE, ()))
    mean, compute = (part.mean if part is not None else None for part in (times, prefill))
    kept = (ledger.get(side) if side is not None else None) or Ledger()
    return TransferState(
        reported_by=side,
        seconds_mean=mean,
        seconds_p95=quantile(times, 0.95),
        bytes_per_second=moved.sum / seconds if moved is not None and seconds > 0 else None,
        bandwidth_bytes_per_second=_bandwidth(times, moved),
        transfers_per_second=times.count / seconds if times is not None and seconds > 0 else None,
        failures_per_second=_rate(everyone, Q.TRANSFER_FAILURES, Q.TRANSFER_FAILED_RECEIVES),
        expired_per_second=_rate(everyone, Q.KV_EXPIRED),
        after_expiry_per_second=_rate(everyone, Q.KV_NOTIFIED_AFTER_EXPIRY),
        prefill_ratio=mean / compute if mean is not None and compute else None,
        kv_moving=_moving(times, share),
        kv_recomputed_share=share,
        waiting=waiting,
        failures_total=_failures(ledger),
        bytes_total=kept.transferred_bytes if side is not None else None,
        histogram=kept.histograms.get(Q.TRANSFER_TIME),
    )


def recomputed_share(windows: Sequence[Window]) -> float | None:
    """Return the share of uncached prompt tokens that decode computed itself."""
    moved = transferred_share(windows)
    return None if moved is None else 1.0 - moved


def _moving(times: Histogram | None, share: float | None) -> bool | None:
    if times is not None and times.count > 0:
        return True
    return None if share is None else share < 1.0


def _bandwidth(times: Histogram | None, moved: Histogram | None) -> float | None:
    """Return bytes over the summed time of the transfers: what one transfer gets."""
    if times is None or moved is None or times.sum <= 0:
        return None
    return moved.sum / times.sum


def _rate(windows: Sequence[Window], *quantities: Q) -> float | None:
    rates = [rate for window in windows for quantity in quantities if (rate := window.rate(quantity)) is not None]
    return sum(rates) if rates else None


def _failures(ledger: Mapping[Role, Ledger]) -> float | None:
    found = [kept.counters[Q.TRANSFER_FAILURES] for kept in ledger.values() if Q.TRANSFER_FAILURES in kept.counters]
    return sum(found) if found else None
