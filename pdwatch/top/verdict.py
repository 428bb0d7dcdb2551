"""The answer of the second line: scale which side, hold, mend something, or: it cannot be told."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite

from pdwatch.catalog.thresholds import Thresholds
from pdwatch.model.judgement import Action, Advice, Decision, Replicas, Severity
from pdwatch.model.snapshot import ServiceState, Snapshot
from pdwatch.top import numbers
from pdwatch.top.gauges import load_of, nearest
from pdwatch.top.status import Status, of_severity

NO_FINDINGS, WARNINGS, CRITICAL, CANNOT_TELL = 0, 1, 2, 3

_CALM = (Action.HOLD, Action.SCALE_IN_PREFILL, Action.SCALE_IN_DECODE)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What to do about one service."""

    status: Status
    words: str
    """`SCALE DECODE 4 → 6`."""
    confidence: str
    held: str
    """How long it has stood, empty where nobody knows."""
    tightest: str
    """The bound that is nearest to its limit and how near: `decode KV 71 %`; empty where none is known."""
    reason: str
    """One sentence."""


def verdict(service: ServiceState, thresholds: Thresholds, now: float) -> Verdict:
    """Return the answer for one service at *now* (Unix seconds)."""
    advice = service.advice
    status = _status(service, thresholds)
    stood = now - advice.since
    return Verdict(
        status,
        f"{action_words(advice.action)}{sizes(advice)}",
        "" if advice.action is Action.CANNOT_TELL else f"{advice.confidence:.2f}",
        numbers.duration(stood) if isfinite(stood) and stood >= 0 else "",
        _tightest(service),
        _reason(service, status, thresholds),
    )


def action_words(action: Action) -> str:
    """Return the action in capitals: `SCALE DECODE`."""
    return action.value.replace("_", " ").upper()


def action_status(action: Action) -> Status:
    """Return how an action stands by itself, whatever the findings."""
    if action is Action.CANNOT_TELL:
        return Status.UNKNOWN
    return Status.BAD if action is Action.FIX else Status.OK if action in _CALM else Status.WARN


def _status(service: ServiceState, thresholds: Thresholds) -> Status:
    action = service.advice.action
    if action is Action.CANNOT_TELL:
        return Status.UNKNOWN
    if action is Action.FIX:
        return max((of_severity(finding.severity) for finding in service.findings), default=Status.WARN)
    if action not in _CALM:
        return Status.WARN
    tightest = nearest(service, thresholds)
    return Status.WARN if tightest is not None and tightest.value >= tightest.limit else Status.OK


def sizes(advice: Advice | Decision) -> str:
    """Return the replicas that change: `  4 → 6`, with their roles where both do; empty where none does."""
    both = (("prefill", advice.prefill), ("decode", advice.decode))
    changes = [(role, replicas) for role, replicas in both if _changes(replicas)]
    named = advice.action in (Action.SHIFT_TO_PREFILL, Action.SHIFT_TO_DECODE) or len(changes) > 1
    return "".join(
        f"  {role + ' ' if named else ''}{replicas.current} → {replicas.desired}" for role, replicas in changes
    )


def _changes(replicas: Replicas) -> bool:
    return replicas.desired is not None and replicas.desired != replicas.current


def _tightest(service: ServiceState) -> str:
    if service.advice.action in (Action.FIX, Action.CANNOT_TELL):
        return ""
    loads = [(ratio, bound) for pool in service.pools.values() for ratio, bound in (load_of(service, pool),) if bound]
    ratio, bound = max(((ratio, bound) for ratio, bound in loads if ratio is not None), default=(0.0, ""))
    return f"{bound} {numbers.percent(ratio)}" if bound else ""


def _reason(service: ServiceState, status: Status, thresholds: Thresholds) -> str:
    advice = service.advice
    if advice.action is not Action.HOLD or status is not Status.OK or advice.bounds:
        return advice.reason
    tightest = nearest(service, thresholds)
    return advice.reason if tightest is None else f"Nearest limit: {tightest.words}."


def suggestion(service: ServiceState) -> str:
    """Return the advice as one line to copy."""
    advice = service.advice
    return f"{service.service}: {action_words(advice.action)}{sizes(advice)}: {advice.reason}"


def exit_code(snapshot: Snapshot) -> int:
    """Return 0 for no finding above information, 1 for warnings, 2 for critical ones, 3 where it cannot be told.

    What is critical is told even where another service cannot be.
    """
    worst = max((f.severity for s in snapshot.services.values() for f in s.findings), default=Severity.INFO)
    if worst is Severity.CRITICAL:
        return CRITICAL
    if not snapshot.services and snapshot.self_state.idle and not snapshot.self_state.discovery_errors:
        return NO_FINDINGS
    unknown = any(service.advice.action is Action.CANNOT_TELL for service in snapshot.services.values())
    if unknown or not snapshot.services:
        return CANNOT_TELL
    return WARNINGS if worst is Severity.WARNING else NO_FINDINGS
