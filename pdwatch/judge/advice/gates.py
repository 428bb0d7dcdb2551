"""Questions that come before capacity: is something broken, is anything known, is load only uneven."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from pdwatch.judge.advice.case import SIDES, Answer, Case
from pdwatch.judge.findings import BY_ID
from pdwatch.model.judgement import Action, Finding, Severity
from pdwatch.model.snapshot import WorkerState
from pdwatch.model.target import Role

SLIGHT_SHARE = 0.1
"""Share of the workers of a role up to which what is wrong with them does not keep from advice on capacity."""


def broken(case: Case) -> Answer | None:
    """Something is broken that replicas do not cure, in more than a few workers of a large pool."""
    found = _broken(case)
    return None if not found or _slight(case, found) else _fix(found)


def slightly_broken(case: Case) -> Answer | None:
    """A few workers of a large pool have something that replicas do not cure, and capacity is no question."""
    found = _broken(case)
    return _fix(found) if found else None


def _broken(case: Case) -> list[Finding]:
    """Return what replicas do not cure; a symptom of something else is not asked."""
    return [
        finding
        for finding in case.findings
        if BY_ID[finding.finding].not_capacity and finding.severity >= Severity.WARNING and finding.because_of is None
    ]


def _slight(case: Case, found: Sequence[Finding]) -> bool:
    """Tell whether all of *found* is about a few workers of large pools."""
    workers = case.signals.workers
    hit = [worker for worker in workers if any(_is_about(finding, worker) for finding in found)]
    if not all(any(_is_about(finding, worker) for worker in hit) for finding in found):
        return False
    there, touched = (Counter(worker.role for worker in some) for some in (workers, hit))
    return all(count <= SLIGHT_SHARE * there[role] for role, count in touched.items())


def _is_about(finding: Finding, worker: WorkerState) -> bool:
    scope = finding.scope
    return worker.worker == scope.get("worker") or (worker.host is not None and worker.host == scope.get("host"))


def _fix(found: Sequence[Finding]) -> Answer:
    first = found[0]
    more = f" ({len(found) - 1} more)" if len(found) > 1 else ""
    gone = (f"{first.finding} clears",)
    return Answer(Action.FIX, f"{first.summary}{more}", first.evidence, reconsider=gone)


def unknown(case: Case) -> Answer | None:
    """A side of which nothing is known, or no sides at all."""
    prefill, decode, both = (case.pool(role) for role in (*SIDES, Role.BOTH))
    if prefill is not None and decode is not None:
        return None
    if both is not None:
        reason = "The workers are aggregated, each prefills and decodes: there is no ratio of roles to advise on."
        return Answer(Action.HOLD if (both.pressure_ratio or 0.0) < 1.0 else Action.CANNOT_TELL, reason)
    if case.pool(Role.UNKNOWN) is not None:
        reason = "The roles of the workers are not declared and their numbers do not show them yet."
    else:
        lacking = " and ".join(role.value for role, pool in zip(SIDES, (prefill, decode), strict=True) if not pool)
        reason = f"No {lacking} worker has given a page yet."
    return Answer(Action.CANNOT_TELL, reason)


def uneven(case: Case) -> Answer | None:
    """Capacity suffices, one engine has too much of the load."""
    found = next((finding for finding in case.findings if finding.finding == "queue_imbalanced"), None)
    if found is None:
        return None
    reason = f"Capacity suffices, load is uneven. {found.summary}"
    return Answer(Action.REBALANCE, reason, found.evidence, reconsider=("queue_imbalanced clears",))


def blind(case: Case) -> Answer | None:
    """Requests wait, and nobody knows yet how fast they are worked off."""
    for role in SIDES:
        pool = case.pool(role)
        few = case.thresholds.queue_imbalance_requests
        if pool is not None and pool.pressure_ratio is None and (pool.requests_waiting or 0.0) > few:
            reason = (
                f"{pool.requests_waiting:.0f} requests wait on {role}; how fast they are worked off is not known yet."
            )
            return Answer(Action.CANNOT_TELL, reason, reconsider=("a minute of pages",))
    return None
