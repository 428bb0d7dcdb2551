"""Latencies of a service as its users feel them, and the chain of hops to the first token.

A prefill worker measures from its own arrival to its only token, a decode worker from its own arrival to its first
token, and neither knows of the other. What a user waits is the sum, so the two distributions are added.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pdwatch.model.reading import Histogram
from pdwatch.model.reading import Quantity as Q
from pdwatch.model.snapshot import Attainment, LatencyState, TransferState, TtftChain
from pdwatch.model.target import Role
from pdwatch.model.window import Window
from pdwatch.signals.histogram import attainment, convolved, quantiles, total
from pdwatch.signals.track import Ledger

Windows = Mapping[Role, Sequence[Window]]


def ttft_distribution(windows: Windows) -> tuple[Histogram | None, str | None]:
    """Return the service's TTFT distribution within the window and what it was made from."""
    parts = {role: _total(windows, role, Q.TTFT) for role in (Role.PREFILL, Role.DECODE, Role.BOTH)}
    prefill, decode, both = parts[Role.PREFILL], parts[Role.DECODE], parts[Role.BOTH]
    if prefill is not None and decode is not None:
        return convolved(prefill, decode), "prefill+decode"
    for role, part in ((Role.BOTH, both), (Role.PREFILL, prefill), (Role.DECODE, decode)):
        if part is not None:
            return part, role.value
    return None, None


def itl_distribution(windows: Windows) -> Histogram | None:
    """Return the time between tokens where tokens are made: on decode and on aggregated workers."""
    return total(_total(windows, role, Q.ITL) for role in (Role.DECODE, Role.BOTH))


def _total(windows: Windows, role: Role, quantity: Q) -> Histogram | None:
    found = total(window.histogram(quantity) for window in windows.get(role, ()))
    return found if found is not None and found.count > 0 and found.bounds else None


def _mean(windows: Windows, role: Role, quantity: Q) -> float | None:
    found = total(window.histogram(quantity) for window in windows.get(role, ()))
    return found.mean if found is not None else None


def chain(windows: Windows, transfer: TransferState) -> TtftChain:
    """Return the mean seconds of each hop.

    Decode's queue time contains the wait for remote KV, so the transfer is taken out of it.
    """
    queued, stepped = _mean(windows, Role.DECODE, Q.QUEUE_TIME), _mean(windows, Role.DECODE, Q.PREFILL_TIME)
    admission = None if queued is None else max(0.0, queued + (stepped or 0.0) - (transfer.seconds_mean or 0.0))
    side = Role.PREFILL if windows.get(Role.PREFILL) else Role.BOTH
    return TtftChain(
        prefill_queue=_mean(windows, side, Q.QUEUE_TIME),
        prefill=_mean(windows, side, Q.PREFILL_TIME),
        transfer=transfer.seconds_mean,
        decode_admission=admission,
    )


def latency_state(windows: Windows, ledger: Mapping[Role, Ledger], transfer: TransferState) -> LatencyState:
    """Return the latency signals of one service."""
    ttft, source = ttft_distribution(windows)
    return LatencyState(
        ttft_seconds=quantiles(ttft),
        ttft_source=source,
        itl_seconds=quantiles(itl_distribution(windows)),
        chain=chain(windows, transfer),
        ttft_by_role=_kept(ledger, Q.TTFT),
        itl_by_role=_kept(ledger, Q.ITL),
    )


def _kept(ledger: Mapping[Role, Ledger], quantity: Q) -> dict[Role, Histogram]:
    return {role: kept.histograms[quantity] for role, kept in ledger.items() if quantity in kept.histograms}


def slo_state(
    windows: Windows, ttft_objective: float | None, itl_objective: float | None, target: float
) -> dict[str, Attainment]:
    """Return the share of requests within each objective that is set (seconds)."""
    found: dict[str, Attainment] = {}
    if ttft_objective is not None:
        found["ttft"] = attainment(ttft_distribution(windows)[0], ttft_objective, target)
    if itl_objective is not None:
        found["itl"] = attainment(itl_distribution(windows), itl_objective, target)
    return found
