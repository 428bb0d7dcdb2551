"""Latencies of a service as its users feel them, and the chain of hops to the first token.

A prefill worker measures from its own arrival to its only token, a decode worker from its own arrival to its first
token, and neither knows of the other. What a user waits is the sum, so the two distributions are added. Where a front
end measures what its users wait, that is it, and nothing is added.
"""

from __future__ import annotations

from collections.abc import Mapping

from pdwatch.model.latency import Attainment, LatencyState, TtftChain
from pdwatch.model.reading import Histogram
from pdwatch.model.reading import Quantity as Q
from pdwatch.model.snapshot import TransferState
from pdwatch.model.target import Role
from pdwatch.model.window import Flow, total
from pdwatch.signals.flows import ServiceFlows
from pdwatch.signals.histogram import attainment, convolved, quantiles

Flows = Mapping[Role, Flow]


def ttft_distribution(window: Flows) -> tuple[Histogram | None, str | None]:
    """Return the service's TTFT distribution within the window and what it was made from."""
    felt = _total(window, Role.ROUTER, Q.TTFT)
    if felt is not None:
        return felt, Role.ROUTER.value
    prefill, decode, both = (_total(window, role, Q.TTFT) for role in (Role.PREFILL, Role.DECODE, Role.BOTH))
    if prefill is not None and decode is not None:
        return convolved(prefill, decode), "prefill+decode"
    for role, part in ((Role.BOTH, both), (Role.PREFILL, prefill), (Role.DECODE, decode)):
        if part is not None:
            return part, role.value
    return None, None


def itl_distribution(window: Flows) -> Histogram | None:
    """Return the time between tokens where tokens are made, on decode and on aggregated workers; else at the front."""
    made = total(_total(window, role, Q.ITL) for role in (Role.DECODE, Role.BOTH))
    return made if made is not None else _total(window, Role.ROUTER, Q.ITL)


def _total(window: Flows, role: Role, quantity: Q) -> Histogram | None:
    found = window.get(role, Flow()).histogram(quantity)
    return found if found is not None and found.count > 0 and found.bounds else None


def _mean(window: Flows, role: Role, quantity: Q) -> float | None:
    found = window.get(role, Flow()).histogram(quantity)
    return found.mean if found is not None else None


def chain(window: Flows, transfer: TransferState) -> TtftChain:
    """Return the mean seconds of each hop.

    Decode's queue time contains the wait for remote KV, so the transfer is taken out of it.
    """
    queued, stepped = _mean(window, Role.DECODE, Q.QUEUE_TIME), _mean(window, Role.DECODE, Q.PREFILL_TIME)
    admission = None if queued is None else max(0.0, queued + (stepped or 0.0) - (transfer.seconds_mean or 0.0))
    side = Role.PREFILL if window.get(Role.PREFILL) else Role.BOTH
    return TtftChain(
        prefill_queue=_mean(window, side, Q.QUEUE_TIME),
        prefill=_mean(window, side, Q.PREFILL_TIME),
        transfer=transfer.seconds_mean,
        decode_admission=admission,
        router=_added_by_router(window),
    )


def _added_by_router(window: Flows) -> float | None:
    """Return what a front end's mean is above the engines' means: of the first token, else of whole requests."""
    for quantity in (Q.TTFT, Q.E2E):
        felt = _mean(window, Role.ROUTER, quantity)
        parts = [_mean(window, role, quantity) for role in (Role.PREFILL, Role.DECODE, Role.BOTH)]
        told = [part for part in parts if part is not None]
        if felt is not None and (len(told) == 2 or parts[2] is not None):
            return max(0.0, felt - sum(told))
    return None


def latency_state(flows: ServiceFlows, transfer: TransferState) -> LatencyState:
    """Return the latency signals of one service."""
    ttft, source = ttft_distribution(flows.window)
    return LatencyState(
        ttft_seconds=quantiles(ttft),
        ttft_source=source,
        itl_seconds=quantiles(itl_distribution(flows.window)),
        chain=chain(flows.window, transfer),
        ttft_by_role=_kept(flows.ledger, Q.TTFT),
        itl_by_role=_kept(flows.ledger, Q.ITL),
    )


def _kept(ledger: Flows, quantity: Q) -> dict[Role, Histogram]:
    found = {role: flow.histogram(quantity) for role, flow in ledger.items()}
    return {role: histogram for role, histogram in found.items() if histogram is not None and histogram.bounds}


def slo_state(
    window: Flows, ttft_objective: float | None, itl_objective: float | None, target: float
) -> dict[str, Attainment]:
    """Return the share of requests within each objective that is set (seconds)."""
    found: dict[str, Attainment] = {}
    if ttft_objective is not None:
        found["ttft"] = attainment(ttft_distribution(window)[0], ttft_objective, target)
    if itl_objective is not None:
        found["itl"] = attainment(itl_distribution(window), itl_objective, target)
    return found
