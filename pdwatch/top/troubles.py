"""Findings as trees: each root with the symptoms that come from it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from pdwatch.model.judgement import Cause, Finding, Severity


@dataclass(frozen=True, slots=True)
class Trouble:
    """A finding that comes from no other, and its symptoms."""

    root: Finding
    symptoms: tuple[Finding, ...] = ()

    @property
    def severity(self) -> Severity:
        """The worst of root and symptoms."""
        return max(finding.severity for finding in self.findings)

    @property
    def findings(self) -> tuple[Finding, ...]:
        """The root and its symptoms."""
        return (self.root, *self.symptoms)


def troubles(findings: Iterable[Finding]) -> tuple[Trouble, ...]:
    """Return the roots in their order, each with its symptoms; a symptom whose root is not there is a root."""
    listed = list(findings)
    keys = {finding.key for finding in listed}
    roots = [finding for finding in listed if finding.because_of is None or cause_key(finding.because_of) not in keys]
    symptoms: dict[object, list[Finding]] = {finding.key: [] for finding in roots}
    for finding in listed:
        if finding.because_of is not None and cause_key(finding.because_of) in symptoms:
            symptoms[cause_key(finding.because_of)].append(finding)
    return tuple(Trouble(root, tuple(symptoms[root.key])) for root in roots)


def cause_key(cause: Cause) -> tuple[str, tuple[tuple[str, str], ...]]:
    """Return the key of the finding that a cause names."""
    return cause.finding, tuple(sorted(cause.scope.items()))
