"""KV transfer between the pools of a service: how long, how much, what failed, and whether KV moves at all.

In pull mode (NIXL's default) decode owns the transfer histograms and prefill's stay 0; in push mode and with Mooncake
prefill owns them. The connector's direction decides where it is configured and that side reports, else the side that
has observations; a KV layer's own page comes last. Failures and expiries are counted on either side and summed.

An engine that sends KV while it computes may time only what is left when it has computed: that is what a request waits,
and no time to divide bytes by.
"""

from __future__ import annotations

from pdwatch.model.reading import Histogram
from pdwatch.model.reading import Quantity as Q
from pdwatch.model.snapshot import TransferState
from pdwatch.model.target import Role
from pdwatch.model.window import Flow, together
from pdwatch.signals.flows import ServiceFlows
from pdwatch.signals.histogram import quantile
from pdwatch.signals.role import transferred_share

_REPORTS = {
    "nixl": Role.DECODE,
    "nixl-pull": Role.DECODE,
    "nixl-push": Role.PREFILL,
    "mooncake": Role.PREFILL,
}
"""Which side's histograms tell, by the connector as configured."""
_SIDES = (Role.PREFILL, Role.DECODE, Role.BOTH, Role.UNKNOWN, Role.ROUTER)


def reporting_side(connector: str | None, flows: ServiceFlows) -> Role | None:
    """Return the role whose transfer histograms count; `None` while nobody has any."""
    expected = _REPORTS.get((connector or "").lower())
    for by_role in (flows.window, flows.ledger):
        sides = [role for role in _SIDES if _reports(by_role.get(role, Flow()))]
        if sides:
            return expected if expected in sides else sides[0]
    return expected


def _reports(flow: Flow) -> bool:
    seen = _times(flow)
    return seen is not None and seen.count > 0


def _times(flow: Flow) -> Histogram | None:
    """Return how long transfers took, or what was left of them when prefill had ended."""
    whole = flow.histogram(Q.TRANSFER_TIME)
    return whole if whole is not None else flow.histogram(Q.TRANSFER_TAIL_TIME)


def transfer_state(flows: ServiceFlows, connector: str | None, waiting: float | None) -> TransferState:
    """Return the transfer signals of one service; *waiting* counts requests on decode that wait for remote KV."""
    side = reporting_side(connector, flows)
    own = flows.window.get(side, Flow()) if side is not None else Flow()
    kept = flows.ledger.get(side, Flow()) if side is not None else Flow()
    everyone, seconds = together(flows.window.values()), flows.seconds
    times, moved = _times(own), own.histogram(Q.TRANSFER_BYTES)
    prefill = flows.window.get(Role.PREFILL, Flow()).histogram(Q.PREFILL_TIME)
    received = transferred_share(flows.window.get(Role.DECODE, Flow()))
    mean, compute = (part.mean if part is not None else None for part in (times, prefill))
    kept_bytes = kept.histogram(Q.TRANSFER_BYTES)
    return TransferState(
        reported_by=side,
        seconds_mean=mean,
        seconds_p95=quantile(times, 0.95),
        bytes_per_second=_over(moved.sum if moved is not None else None, seconds),
        bandwidth_bytes_per_second=_bandwidth(own.histogram(Q.TRANSFER_TIME), moved),
        transfers_per_second=_over(times.count if times is not None else None, seconds),
        failures_per_second=_over(_failures(everyone), seconds),
        expired_per_second=_over(everyone.delta(Q.KV_EXPIRED), seconds),
        after_expiry_per_second=_over(everyone.delta(Q.KV_NOTIFIED_AFTER_EXPIRY), seconds),
        prefill_ratio=mean / compute if mean is not None and compute else None,
        kv_moving=_moving(times, received),
        kv_recomputed_share=None if received is None else 1.0 - received,
        waiting=waiting,
        failures_total=_failures(together(flows.ledger.values())),
        bytes_total=kept_bytes.sum if kept_bytes is not None else None,
        histogram=_times(kept),
    )


def _over(amount: float | None, seconds: float) -> float | None:
    return amount / seconds if amount is not None and seconds > 0 else None


def _failures(flow: Flow) -> float | None:
    found = [n for q in (Q.TRANSFER_FAILURES, Q.TRANSFER_FAILED_RECEIVES) if (n := flow.delta(q)) is not None]
    return sum(found) if found else None


def _moving(times: Histogram | None, received: float | None) -> bool | None:
    if times is not None and times.count > 0:
        return True
    return None if received is None else received > 0.0


def _bandwidth(times: Histogram | None, moved: Histogram | None) -> float | None:
    """Return bytes over the summed time of the transfers: what one transfer gets."""
    if times is None or moved is None or times.sum <= 0:
        return None
    return moved.sum / times.sum
