"""Metrics of advice and findings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable

from pdwatch.catalog import metrics
from pdwatch.export.view import Sample, Table, each_service, of_services
from pdwatch.model.judgement import Action, BoundLoad, Cause, Finding, Outcome, Severity
from pdwatch.model.snapshot import ServiceState


def _actions(service: ServiceState) -> Iterable[Sample]:
    for action in Action:
        yield (action.value,), service.advice.action is action


def _loads(of: Callable[[BoundLoad], float]) -> Callable[[ServiceState], Iterable[Sample]]:
    def samples(service: ServiceState) -> Iterable[Sample]:
        for load in service.advice.bounds:
            yield (load.role.value, load.bound.value), of(load)

    return samples


def _binding(service: ServiceState) -> Iterable[Sample]:
    for load in service.advice.bounds[:1]:
        yield (load.role.value, load.bound.value), 1


def _decisions(service: ServiceState) -> Iterable[Sample]:
    counts = Counter(decision.action for decision in service.decisions)
    for action in Action:
        yield (action.value,), counts[action]


def _outcomes(service: ServiceState) -> Iterable[Sample]:
    counts = Counter(decision.outcome for decision in service.decisions)
    for outcome in Outcome:
        yield (outcome.value,), counts[outcome]


def _active(service: ServiceState) -> Iterable[Sample]:
    for finding, severity in sorted({(finding.finding, finding.severity) for finding in service.findings}):
        yield (finding, severity.word), 1


def _since(service: ServiceState) -> Iterable[Sample]:
    severities = {_key(finding): finding.severity.word for finding in service.findings}
    for each in service.findings:
        scope = (each.scope.get(name, "") for name in metrics.SCOPE)
        cause = each.because_of
        root = ("", "") if cause is None else (cause.finding, severities.get(_key(cause), ""))
        yield (each.finding, each.severity.word, *scope, *root), each.since


def _key(each: Finding | Cause) -> tuple[str, frozenset[tuple[str, str]]]:
    return each.finding, frozenset(each.scope.items())


def _counts(service: ServiceState) -> Iterable[Sample]:
    counts = Counter(finding.severity for finding in service.findings)
    for severity in Severity:
        yield (severity.word,), counts[severity]


TABLE: Table = {
    metrics.ADVICE: each_service(_actions),
    metrics.ADVICE_CONFIDENCE: of_services(lambda service: service.advice.confidence),
    metrics.ADVICE_SINCE: of_services(lambda service: service.advice.since),
    metrics.DEMAND: each_service(_loads(lambda load: load.demand)),
    metrics.CAPACITY: each_service(_loads(lambda load: load.capacity)),
    metrics.UTILIZATION: each_service(_loads(lambda load: load.utilization_ratio)),
    metrics.BINDING_BOUND: each_service(_binding),
    metrics.DECISIONS: each_service(_decisions),
    metrics.DECISION_OUTCOMES: each_service(_outcomes),
    metrics.FINDING_ACTIVE: each_service(_active),
    metrics.FINDING_SINCE: each_service(_since),
    metrics.FINDINGS: each_service(_counts),
}
