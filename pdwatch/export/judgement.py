"""Metrics of advice and findings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from pdwatch.catalog import metrics
from pdwatch.export.view import Sample, Table, each_service, of_services
from pdwatch.model.judgement import Action, Severity
from pdwatch.model.snapshot import ServiceState


def _actions(service: ServiceState) -> Iterable[Sample]:
    for action in Action:
        yield (action.value,), service.advice.action is action


def _active(service: ServiceState) -> Iterable[Sample]:
    for finding, severity in sorted({(finding.finding, finding.severity) for finding in service.findings}):
        yield (finding, severity.word), 1


def _counts(service: ServiceState) -> Iterable[Sample]:
    counts = Counter(finding.severity for finding in service.findings)
    for severity in Severity:
        yield (severity.word,), counts[severity]


TABLE: Table = {
    metrics.ADVICE: each_service(_actions),
    metrics.ADVICE_CONFIDENCE: of_services(lambda service: service.advice.confidence),
    metrics.ADVICE_SINCE: of_services(lambda service: service.advice.since),
    metrics.FINDING_ACTIVE: each_service(_active),
    metrics.FINDINGS: each_service(_counts),
}
