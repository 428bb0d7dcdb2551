"""Pools that cannot keep up, and load that is uneven within a pool."""

from __future__ import annotations

from collections.abc import Iterator

from pdwatch.judge.definition import FindingDef, Hit, Reach, View
from pdwatch.judge.findings.symptoms import MISSED
from pdwatch.judge.findings.whose import comparable
from pdwatch.judge.hops import way
from pdwatch.judge.words import percent
from pdwatch.model.judgement import Evidence, Severity
from pdwatch.model.target import Role


def _imbalanced(view: View) -> Iterator[Hit]:
    limit, requests = view.thresholds.queue_imbalance, view.thresholds.queue_imbalance_requests
    for role in view.service.pools:
        loads = _loads(view, role)
        mean = sum(load for load, _, _ in loads) / len(loads) if loads else 0.0
        busiest, worker, engine = max(loads, default=(0.0, "", ""))
        if mean <= 0 or busiest < limit * mean or busiest - mean < requests:
            continue
        scope = {"role": role.value, "worker": worker, "engine": engine}
        evidence = (
            Evidence("queue_imbalance_ratio", busiest / mean, "ratio", limit, scope),
            Evidence("requests", busiest, "requests", None, scope),
            Evidence("mean_requests", mean, "requests", None, {"role": role.value}),
            *way(view).evidence,
        )
        summary = (
            f"Engine {engine} of {worker} holds {busiest:.0f} requests where the mean of {role} is {mean:.0f} "
            f"({busiest / mean:.1f} times){way(view).grew}."
        )
        yield Hit(scope, summary, evidence)


def _loads(view: View, role: Role) -> list[tuple[float, str, str]]:
    """Return load, worker and engine of every engine that can be compared."""
    return [
        (engine.load, worker.worker, engine.engine)
        for worker in comparable(view, role)
        for engine in worker.engines
        if engine.load is not None
    ]


def _saturated(view: View) -> Iterator[Hit]:
    pool, decode = view.service.pools.get(Role.PREFILL), view.service.pools.get(Role.DECODE)
    limit = view.thresholds.pressure_high
    if pool is None or (decode is not None and (decode.pressure_ratio or 0.0) >= limit):
        return  # decode does not take the KV, which is its own finding
    waiting, scope = pool.requests_waiting or 0.0, {"role": Role.PREFILL.value}
    many = view.thresholds.queue_requests * pool.engines
    if pool.pressure_ratio is None and waiting < max(1.0, many):
        return
    if pool.pressure_ratio is not None and pool.pressure_ratio < limit:
        return
    evidence = (
        Evidence("pressure_ratio", pool.pressure_ratio, "ratio", limit, scope),
        Evidence("requests_waiting", waiting, "requests", many if pool.pressure_ratio is None else None, scope),
        *way(view).evidence,
    )
    summary = f"{waiting:.0f} requests wait on prefill{way(view).grew}."
    if pool.pressure_ratio is not None:
        summary = f"Prompts arrive and wait at {percent(pool.pressure_ratio)} of what prefill computes; {summary}"
    yield Hit(scope, summary, evidence)


FINDINGS = (
    FindingDef(
        id="prefill_saturated",
        severity=Severity.WARNING,
        title="Prefill cannot keep up",
        meaning="More prompt tokens arrive and wait than the prefill pool computes, at the speed it was seen to have. While that "
        "is not known yet, thirty-two requests that wait for each engine are enough.",
        confirm="Watch the requests waiting on prefill: they grow while decode has room.",
        fix="Add prefill replicas, or shorten prompts, raise prefix-cache hits, or limit admission.",
        confused_with="A full decode pool, which keeps KV pinned on prefill until prefill cannot admit either.",
        detect=_saturated,
        onset_seconds=10.0,
        explains=("slo_ttft_missed",),
        reach=Reach.POOL,
    ),
    FindingDef(
        id="queue_imbalanced",
        severity=Severity.WARNING,
        title="Load uneven within a pool",
        meaning="One engine holds far more requests than the mean of its pool: the router sends it too many, or it is "
        "slower than the others.",
        confirm="Compare running and waiting requests and the token rates of all engines of the pool.",
        fix="If its token rate is lower than the others', look at its GPU and host. If it is as fast, look at the router's "
        "policy: prefix affinity, session pinning, or ranks of one endpoint that are not balanced.",
        confused_with="A pool too small, where all engines queue alike.",
        detect=_imbalanced,
        onset_seconds=10.0,
        explains=MISSED,
        reach=Reach.POOL,
    ),
)
