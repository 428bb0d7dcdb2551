"""Load that is uneven within a pool."""

from __future__ import annotations

from collections.abc import Iterator

from pdwatch.judge.definition import FindingDef, Hit, View
from pdwatch.model.judgement import Evidence, Severity


def _imbalanced(view: View) -> Iterator[Hit]:
    limit, requests = view.thresholds.queue_imbalance, view.thresholds.queue_imbalance_requests
    for role, pool in view.service.pools.items():
        ratio, busiest, mean = pool.queue_imbalance_ratio, pool.busiest_requests, pool.mean_requests
        if ratio is None or busiest is None or mean is None or pool.busiest_engine is None:
            continue
        if ratio >= limit and busiest - mean >= requests:
            worker, engine = pool.busiest_engine
            scope = {"role": role.value, "worker": worker, "engine": engine}
            evidence = (
                Evidence("queue_imbalance_ratio", ratio, "ratio", limit, scope),
                Evidence("requests", busiest, "requests", None, scope),
                Evidence("mean_requests", mean, "requests", None, {"role": role.value}),
            )
            summary = (
                f"Engine {engine} of {worker} holds {busiest:.0f} requests where the mean of {role} is {mean:.0f} "
                f"({ratio:.1f} times)."
            )
            yield Hit(scope, summary, evidence)


FINDINGS = (
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
    ),
)
