"""Workers that do the other side's work."""

from __future__ import annotations

from collections.abc import Iterator

from pdwatch.judge.definition import FindingDef, Hit, View
from pdwatch.judge.findings.symptoms import TOO_FEW, WORKER_LOST, together
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


def _decoding(view: View) -> Iterator[Hit]:
    limit = view.thresholds.generation_on_prefill
    for worker in view.service.workers:
        requests = sum(engine.requests_in_window or 0.0 for engine in worker.engines)
        generated = max((engine.generation_tokens_per_request or 0.0 for engine in worker.engines), default=0.0)
        if worker.role is not Role.PREFILL or worker.stale or requests < view.thresholds.min_requests:
            continue
        if generated >= limit and worker.behaviour is not Role.DECODE:
            scope = {"role": worker.role.value, "worker": worker.worker}
            evidence = Evidence("generation_tokens_per_request", generated, "tokens", limit, scope)
            text = (
                f"{worker.worker} generates {generated:.1f} tokens a request, as prefill it should one: it answers requests itself, "
                "and prompts wait for its answers."
            )
            yield Hit(scope, text, (evidence,))


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
        explains=together(WORKER_LOST, TOO_FEW),
    ),
    FindingDef(
        id="prefill_decoding",
        severity=Severity.WARNING,
        title="Prefill worker generates answers",
        meaning="A prefill worker is to answer each prompt with one token and leave the rest to decode. This one generates more: the "
        "router sends whole requests to it, or does not limit them. Prompts then share its passes with answers, and time to first "
        "token is no better than without disaggregation.",
        confirm="Divide vllm:generation_tokens by finished requests on the prefill worker, over the same minutes; it should be 1.",
        fix="Check that the router runs in its prefill/decode mode and asks prefill for max_tokens=1, that nobody sends requests to the "
        "worker past the router, and that it was not listed as an ordinary worker as well.",
        confused_with="Roles that are swapped, where it also receives KV: that is role_mismatch.",
        detect=_decoding,
        onset_seconds=10.0,
        not_capacity=True,
        explains=("queue_imbalanced", "worker_slow", "prefill_saturated", "slo_ttft_missed"),
    ),
)
