"""Workers that do the other side's work."""

from __future__ import annotations

from collections.abc import Iterator

from pdwatch.judge.definition import FindingDef, Hit, View
from pdwatch.model.judgement import Evidence, Severity
from pdwatch.model.target import Role, RoleSource

_OPPOSITE = {Role.PREFILL: Role.DECODE, Role.DECODE: Role.PREFILL}


def _mismatch(view: View) -> Iterator[Hit]:
    for worker in view.service.workers:
        if worker.role_source is RoleSource.BEHAVIOUR or worker.stale:
            continue
        if worker.behaviour is _OPPOSITE.get(worker.role):
            scope = {"role": worker.role.value, "worker": worker.worker}
            generated = max((e.generation_tokens_per_request or 0.0 for e in worker.engines), default=0.0)
            evidence = Evidence("generation_tokens_per_request", generated, "tokens", None, scope)
            summary = f"{worker.worker} is declared {worker.role} but behaves as {worker.behaviour}."
            yield Hit(scope, summary, (evidence,))


FINDINGS = (
    FindingDef(
        id="role_mismatch",
        severity=Severity.CRITICAL,
        title="Role and behaviour differ",
        meaning="A worker declared as prefill receives KV and generates answers, or one declared as decode answers every "
        "request with a single token: producer and consumer are the wrong way round, or the declaration is.",
        confirm="Compare kv_role in the worker's arguments with the list the router was given.",
        fix="Swap the roles: in --kv-transfer-config of the worker, in the router's --prefill and --decode, or in the "
        "labels that pdwatch was given.",
        confused_with="A load test with max_tokens=1, which makes every worker look like prefill.",
        detect=_mismatch,
        onset_seconds=10.0,
        not_capacity=True,
        explains=(
            "requests_failing",
            "kv_transfer_failing",
            "kv_recomputed_on_decode",
            "kv_blocks_expired",
            "kv_leak",
            "kv_cache_saturated",
            "prefill_saturated",
            "queue_imbalanced",
        ),
    ),
)
