"""Requests that end in an error."""

from __future__ import annotations

from collections.abc import Iterator

from pdwatch.judge.definition import FindingDef, Hit, Reach, View
from pdwatch.judge.findings.whose import all_of_one, graded
from pdwatch.judge.words import percent, rate
from pdwatch.model.judgement import Evidence, Severity


def _failing(view: View) -> Iterator[Hit]:
    for role, pool in view.service.pools.items():
        if not pool.errors_per_second or not pool.requests_per_second:
            continue
        share = pool.errors_per_second / pool.requests_per_second
        if share > view.thresholds.request_error_share:
            scope = {"role": role.value}
            evidence = (
                Evidence("request_error_share", share, "ratio", view.thresholds.failures_many, scope),
                Evidence("errors_per_second", pool.errors_per_second, "per second", None, scope),
            )
            whose = all_of_one(view, role, lambda engine: engine.errors_per_second)
            summary = f"{percent(share)} of requests end in an error on {role} ({rate(pool.errors_per_second)}){whose}."
            yield Hit(scope, summary, evidence, graded(share, view.thresholds))


FINDINGS = (
    FindingDef(
        id="requests_failing",
        severity=Severity.CRITICAL,
        title="Requests fail",
        meaning="Engines finish requests with reason 'error'. In disaggregated serving that is a KV load that failed "
        "under the policy 'fail'; the client sees HTTP 500. Critical from one in a hundred, information below one in a thousand.",
        confirm="Count finished requests by reason on decode; read the error in its log.",
        fix="Mend the KV transfer (see kv_transfer_failing); only if that cannot be, consider "
        "kv_load_failure_policy=recompute, which trades errors for computing prompts twice.",
        confused_with="Aborts by clients, which are counted apart.",
        detect=_failing,
        not_capacity=True,
        reach=Reach.SERVICE,
    ),
)
