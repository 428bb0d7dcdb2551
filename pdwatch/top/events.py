"""What changed from one snapshot to the next: advice, findings, workers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pdwatch.model.judgement import Finding, Severity
from pdwatch.model.snapshot import ServiceState, Snapshot, WorkerState
from pdwatch.top.status import Status, of_severity
from pdwatch.top.verdict import action_status, action_words

VERDICT = "verdict"


@dataclass(frozen=True, slots=True)
class Event:
    """One change."""

    t: float
    """Unix seconds of the snapshot that shows it."""
    service: str
    status: Status
    subject: str
    """`verdict`, or the worker or pool that it is about."""
    text: str
    verdict: str = ""
    """Of a changed advice, its action in capitals."""


def changes(before: Snapshot | None, after: Snapshot) -> list[Event]:
    """Return what changed. Without a snapshot before, what stands is told as found."""
    old: Mapping[str, ServiceState] = before.services if before is not None else {}
    return [
        event
        for name, service in after.services.items()
        for event in (
            *_advice(old.get(name), service, after.t),
            *_findings(old.get(name), service, after.t),
            *_workers(old.get(name), service, after.t),
        )
    ]


def _advice(before: ServiceState | None, after: ServiceState, t: float) -> Iterator[Event]:
    action = after.advice.action
    if before is not None and before.advice.action is action:
        return
    words = action_words(action)
    text = words if before is None else f"{action_words(before.advice.action)} → {words}"
    yield Event(t, after.service, action_status(action), VERDICT, f"{text}: {after.advice.reason}", words)


def _findings(before: ServiceState | None, after: ServiceState, t: float) -> Iterator[Event]:
    stood = {finding.key: finding for finding in before.findings} if before is not None else {}
    stands = {finding.key: finding for finding in after.findings}
    for key, finding in stands.items():
        if key not in stood and finding.severity > Severity.INFO:
            yield Event(t, after.service, of_severity(finding.severity), scope_of(finding), finding.summary)
    for key, finding in stood.items():
        if key not in stands and finding.severity > Severity.INFO:
            name = finding.finding.replace("_", " ")
            yield Event(t, after.service, Status.OK, scope_of(finding), f"over: {name}")


def scope_of(finding: Finding) -> str:
    """Return whom a finding is about, in a few words: `decode`, `decode-0`, `decode-0/2`."""
    scope = finding.scope
    who = scope.get("worker") or scope.get("replica") or scope.get("host") or scope.get("role") or ""
    part = next((scope[word] for word in ("engine", "gpu", "port") if word in scope), "")
    return f"{who}/{part}" if who and part else who or part or "service"


def _workers(before: ServiceState | None, after: ServiceState, t: float) -> Iterator[Event]:
    if before is None:
        return
    old = {worker.url: worker for worker in before.workers}
    new = {worker.url: worker for worker in after.workers}
    for url, worker in new.items():
        if url not in old:
            yield Event(t, after.service, Status.OK, worker.worker, f"appeared as {worker.role.value}")
        else:
            yield from _worker(old[url], worker, after.service, t)
    for url, worker in old.items():
        if url not in new:
            yield Event(t, after.service, Status.UNKNOWN, worker.worker, "is no longer listed")


def _worker(old: WorkerState, new: WorkerState, service: str, t: float) -> Iterator[Event]:
    if old.up and not new.up:
        yield Event(t, service, Status.WARN, new.worker, f"gave no page: {new.error or 'no reason known'}")
    if new.up and not old.up and old.age_seconds is not None:
        yield Event(t, service, Status.OK, new.worker, "answers again")
    if new.restarts > old.restarts:
        yield Event(t, service, Status.WARN, new.worker, "restarted")
    if new.role is not old.role:
        yield Event(t, service, Status.UNKNOWN, new.worker, f"role {old.role.value} → {new.role.value}")
