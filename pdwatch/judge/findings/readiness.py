"""Workers that are not ready for requests, and routers that do not send any."""

from __future__ import annotations

from collections.abc import Iterator
from http import HTTPStatus

from pdwatch.judge.definition import FindingDef, Hit, View
from pdwatch.judge.findings.liveness import is_down, scope_of
from pdwatch.judge.findings.symptoms import WORKER_LOST
from pdwatch.judge.words import rate, seconds
from pdwatch.model.judgement import Evidence, Severity
from pdwatch.model.snapshot import Trouble, WorkerState
from pdwatch.model.target import Role


def _not_ready(view: View) -> Iterator[Hit]:
    for worker in view.service.workers:
        if worker.age_seconds is None and worker.failures and not is_down(view, worker):
            yield _starting(view, worker)
        elif worker.up and worker.health is not None and worker.health >= HTTPStatus.INTERNAL_SERVER_ERROR:
            scope = scope_of(worker)
            status = Evidence("health_status", worker.health, "status", HTTPStatus.OK, scope)
            summary = f"{worker.worker} serves its page, but /health answers {worker.health}: it takes no requests."
            yield Hit(scope, summary, (status,))


def _starting(view: View, worker: WorkerState) -> Hit:
    """Return a worker that has never answered: information, unless somebody counts on it already."""
    scope, sent = scope_of(worker), worker.routed_requests_per_second
    waited = Evidence(
        "scrape_failing_seconds", worker.failing_seconds, "seconds", view.thresholds.startup_seconds, scope
    )
    begin = f"{worker.worker} has not answered yet ({worker.error}, {seconds(worker.failing_seconds)})"
    if sent or worker.router_healthy:
        told = (waited, Evidence("routed_requests_per_second", sent, "per second", 0.0, scope))
        how = f"sends it {rate(sent)}" if sent else "takes it for healthy"
        return Hit(scope, f"{begin}, and a router {how}: these requests fail.", told)
    if worker.trouble in (Trouble.REFUSES, Trouble.UNREADABLE):
        return Hit(scope, f"{begin}: pdwatch asks the wrong port or path, or lacks credentials.", (waited,))
    return Hit(scope, f"{begin}: it may still load its weights.", (waited,), Severity.INFO)


def _router_down(view: View) -> Iterator[Hit]:
    for router in view.service.routers:
        scope = scope_of(router)
        failures = Evidence("scrape_failures", router.failures, "scrapes", view.thresholds.down_failures, scope)
        if is_down(view, router) and router.age_seconds is not None:
            age = seconds(router.age_seconds)
            yield Hit(scope, f"Router {router.worker} is down: {router.error}, last page {age} ago.", (failures,))
        elif is_down(view, router):
            text = (
                f"The page of router {router.worker} has never answered ({router.error}): what it knows of its workers "
                "is not seen."
            )
            yield Hit(scope, text, (failures,), Severity.INFO)


def _router_not_ready(view: View) -> Iterator[Hit]:
    for role in (Role.PREFILL, Role.DECODE):
        told = [w for w in view.service.workers if w.role is role and w.router_healthy is not None and w.up]
        shunned = [worker for worker in told if not worker.router_healthy]
        if shunned and len(shunned) == len(told):
            scope = {"role": role.value}
            known = Evidence("router_healthy_workers", 0.0, "workers", 1.0, scope)
            text = f"The router takes none of the {len(told)} {role} workers for healthy, although they answer."
            yield Hit(scope, f"{text} It serves nobody.", (known,))
        else:
            yield from map(_shunned, shunned)


def _shunned(worker: WorkerState) -> Hit:
    scope = scope_of(worker)
    belief = Evidence("router_healthy", 0.0, "ratio", 1.0, scope)
    text = f"The router takes {worker.worker} for unhealthy, although it answers: it gets no requests."
    return Hit(scope, text, (belief,), Severity.WARNING)


FINDINGS = (
    FindingDef(
        id="router_down",
        severity=Severity.CRITICAL,
        title="Router down",
        meaning="The router's own page, which it served before, refuses connections several scrapes in a row: the router has ended, "
        "and nobody is served. A page that never answered is told as information: vllm-router serves its page on 127.0.0.1 "
        "unless told otherwise.",
        confirm="Ask /health of the router's API address; look at its process.",
        fix="Restart the router with the same lists of prefill and decode workers. If only its page is missing, start it with "
        "--prometheus-host 0.0.0.0 or run pdwatch beside it.",
        confused_with="A router that was replaced under another address.",
        detect=_router_down,
        clear_seconds=0.0,
        not_capacity=True,
    ),
    FindingDef(
        id="router_not_ready",
        severity=Severity.CRITICAL,
        title="Router sends nothing to workers that answer",
        meaning="The router counts workers as unhealthy that answer pdwatch. Where it does so for a whole role, /readiness is 503 "
        "and no request is served. Routers look at their workers about once a minute, so shorter disagreement is not told. The "
        "router's belief that a worker is well is never taken as proof.",
        confirm="Ask the router for /readiness and /workers, and each worker for /health from the router's host.",
        fix="Check that the router reaches the workers: address, port, network policy. Start it only after the workers are ready, "
        "or have it ask again; restart it if it does not take them back.",
        confused_with="Workers that just started: a router needs up to three of its checks to take them.",
        detect=_router_not_ready,
        onset_seconds=75.0,
        not_capacity=True,
    ),
    FindingDef(
        id="worker_not_ready",
        severity=Severity.WARNING,
        title="Worker not ready",
        meaning="The worker is known but has never answered while a router counts on it already, its port answers with something "
        "that is no page, or its page is there and /health is not 200. One that has never answered and to which nobody sends "
        "requests is told as information: it loads its weights. After ten minutes it counts as down.",
        confirm="Ask /health of the worker; read the end of its log.",
        fix="Wait until it is ready before the router is told of it: gate the router's start or the pod's readiness on /health. "
        "If it does not come up, read its log: weights, memory, a process group that does not form.",
        confused_with="A wrong address in discovery: then the worker serves, but pdwatch asks elsewhere.",
        detect=_not_ready,
        clear_seconds=0.0,
        not_capacity=True,
        explains=WORKER_LOST,
    ),
)
