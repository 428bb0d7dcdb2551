"""Workers and engines that are not there, do not answer, or answer and do nothing."""

from __future__ import annotations

from collections.abc import Iterator
from http import HTTPStatus

from pdwatch.judge.definition import FindingDef, Hit, View
from pdwatch.judge.findings.symptoms import TOO_FEW, WORKER_LOST, together
from pdwatch.judge.homes import troubled
from pdwatch.judge.words import seconds, times
from pdwatch.model.judgement import Evidence, Severity
from pdwatch.model.snapshot import EngineState, PoolState, Trouble, WorkerState
from pdwatch.model.target import Role

_JITTER = 0.95
"""Scrapes come a little early or late; a threshold of two intervals is met by two of them."""
_BLOCKED = 6.0
"""How many times as long an engine may stand still that waits for the other side."""
_PINNED_USAGE = 0.5
"""Share of its KV cache from which prefill may have no blocks for the next prompt."""


def scope_of(worker: WorkerState) -> dict[str, str]:
    """Return role and worker."""
    return {"role": worker.role.value, "worker": worker.worker}


def is_down(view: View, worker: WorkerState) -> bool:
    """Tell whether connections to a worker fail for long enough; one that never answered may still be starting."""
    probed_dead = worker.health_error is not None or worker.health not in (None, HTTPStatus.OK)
    enough = worker.failures >= view.thresholds.down_failures or (worker.failures > 0 and probed_dead)
    started = worker.age_seconds is not None or worker.failing_seconds >= view.thresholds.startup_seconds
    return worker.trouble is Trouble.UNREACHABLE and enough and started


def _last_seen(worker: WorkerState) -> str:
    if worker.age_seconds is None:
        return f"never answered in {seconds(worker.failing_seconds)}"
    return f"last page {seconds(worker.age_seconds)} ago"


def _down(view: View) -> Iterator[Hit]:
    for worker in view.service.workers:
        if is_down(view, worker):
            scope = scope_of(worker)
            failures = Evidence("scrape_failures", worker.failures, "scrapes", view.thresholds.down_failures, scope)
            routed = Evidence("routed_requests_per_second", worker.routed_requests_per_second, "per second", 0.0, scope)
            unaware = "; a router still takes it for healthy" if worker.router_healthy else ""
            summary = (
                f"{worker.worker} is down: {worker.error}, {times(worker.failures)} in a row, {_last_seen(worker)}"
                f"{unaware}."
            )
            yield Hit(scope, summary, (failures, routed) if worker.routed_requests_per_second else (failures,))


def _stale(view: View) -> Iterator[Hit]:
    for worker in view.service.workers:
        if worker.stale and worker.age_seconds is not None and worker.trouble not in (None, Trouble.UNREACHABLE):
            scope = scope_of(worker)
            age = Evidence("worker_page_age_seconds", worker.age_seconds, "seconds", None, scope)
            summary = f"{worker.worker} gives no fresh numbers: {worker.error}; {_last_seen(worker)}."
            severity = Severity.INFO if worker.trouble is Trouble.SCALING else None
            yield Hit(scope, summary, (age,), severity)


def _unresponsive(view: View) -> Iterator[Hit]:
    limits = view.thresholds
    for worker in view.service.workers:
        if worker.trouble is not Trouble.SLOW or worker.failing_seconds < limits.witnessed_seconds:
            continue
        witness = _witness(view, worker)
        limit = limits.unresponsive_seconds if witness is None else limits.witnessed_seconds
        if worker.failing_seconds >= limit and worker.age_seconds is not None:
            scope = scope_of(worker)
            silent = Evidence("scrape_failing_seconds", worker.failing_seconds, "seconds", limit, scope)
            told = (silent,) if witness is None else (silent, witness[1])
            also = f", and {witness[0]}" if witness is not None else ""
            summary = f"{worker.worker} has not answered for {seconds(worker.failing_seconds)} ({worker.error}){also}."
            yield Hit(scope, summary, told)


def _witness(view: View, worker: WorkerState) -> tuple[str, Evidence] | None:
    """Return who else sees that a worker does not answer: its port alone proves nothing about its requests.

    What the other side loses is held against it only while no other worker is in trouble.
    """
    errors, scope = worker.routed_errors_per_second, scope_of(worker)
    if errors:
        return "routers count errors of it", Evidence("routed_errors_per_second", errors, "per second", 0.0, scope)
    if troubled(view) - {worker.worker}:
        return None
    expired, failed = view.service.transfer.expired_per_second, view.service.transfer.failures_per_second
    if worker.role is Role.DECODE and expired and not failed:
        return "KV for decode expires unread", Evidence("kv_expired_per_second", expired, "per second", 0.0)
    if worker.role is Role.PREFILL and failed:
        return "KV transfers fail", Evidence("kv_transfer_failures_per_second", failed, "per second", 0.0)
    return None


def _stuck(view: View) -> Iterator[Hit]:
    limit = view.thresholds.stuck_seconds
    for worker in view.service.workers:
        for engine in worker.engines:
            patience = limit * (_BLOCKED if _may_be_blocked(worker, engine) else _JITTER)
            if worker.up and (engine.stuck_seconds or 0.0) >= patience:
                yield _stuck_hit(view, worker, engine)


def _stuck_hit(view: View, worker: WorkerState, engine: EngineState) -> Hit:
    """Return how sure it is that an engine is stuck: by how much it holds and who goes on, else by a witness."""
    scope, stuck = scope_of(worker) | {"engine": engine.engine}, engine.stuck_seconds or 0.0
    held = (engine.requests_running or 0.0) + (engine.requests_waiting or 0.0)
    evidence = (
        Evidence("stuck_seconds", stuck, "seconds", view.thresholds.stuck_seconds, scope),
        Evidence("requests", held, "requests", view.thresholds.stuck_requests, scope),
    )
    text = (
        f"Engine {engine.engine} of {worker.worker} holds {held:.0f} requests and none of its counters has moved for "
        f"{seconds(stuck)}, although it answers"
    )
    if held >= view.thresholds.stuck_requests and _others_move(view, engine):
        return Hit(scope, f"{text}.", evidence)
    witness = _witness(view, worker)
    if witness is not None:
        return Hit(scope, f"{text}, and {witness[0]}.", (*evidence, witness[1]))
    text += ". Nothing else shows it: the number may be left from requests that were aborted."
    return Hit(scope, text, evidence, Severity.INFO)


def _others_move(view: View, stuck: EngineState) -> bool:
    """Tell whether another engine of the service has counted something since this one stopped."""
    since = stuck.stuck_seconds or 0.0
    return any(
        engine is not stuck and engine.still_seconds is not None and engine.still_seconds < since
        for worker in view.service.workers
        if worker.up
        for engine in worker.engines
    )


def _may_be_blocked(worker: WorkerState, engine: EngineState) -> bool:
    """Tell whether an engine may rightly stand still: nothing runs, and KV that the other side holds or owes it is why."""
    if engine.requests_running:
        return False
    pinned = worker.role is Role.PREFILL and (engine.kv_cache_usage_ratio or 0.0) >= _PINNED_USAGE
    return pinned or bool(engine.kv_fetch_waiting)


def _empty(view: View) -> Iterator[Hit]:
    pools = view.service.pools
    for role, other in ((Role.PREFILL, Role.DECODE), (Role.DECODE, Role.PREFILL)):
        pool, scope = pools.get(role), {"role": role.value}
        if pool is None and other in pools and not {Role.BOTH, Role.UNKNOWN} & pools.keys():
            yield Hit(scope, f"There is a {other} pool but no {role} worker: no request can be served.")
        if pool is not None and _nobody_answers(view, role, pools.get(other)):
            up = Evidence("workers_up", pool.up, "workers", 1, scope)
            yield Hit(scope, f"No {role} worker answers ({pool.workers} known): no request can be served.", (up,))


def _nobody_answers(view: View, role: Role, other: PoolState | None) -> bool:
    """Tell whether every worker of a role is down, or none has answered yet although the other side has work."""
    mine = [worker for worker in view.service.workers if worker.role is role]
    if any(worker.up or not worker.failures for worker in mine):
        return False
    if all(is_down(view, worker) for worker in mine):
        return True
    counts = (other.requests_running, other.requests_waiting, other.requests_per_second) if other is not None else ()
    return any(counts) and all(_never_there(view, worker) or is_down(view, worker) for worker in mine)


def _never_there(view: View, worker: WorkerState) -> bool:
    return worker.age_seconds is None and worker.failures >= view.thresholds.down_failures


def _restarted(view: View) -> Iterator[Hit]:
    for worker in view.service.workers:
        if worker.restarts:
            scope = scope_of(worker)
            restarts = Evidence("restarts", worker.restarts, "restarts", None, scope)
            summary = (
                f"{worker.worker} restarted {times(worker.restarts)} within the window; its counters began at zero."
            )
            yield Hit(scope, summary, (restarts,))


FINDINGS = (
    FindingDef(
        id="role_empty",
        severity=Severity.CRITICAL,
        title="No worker of a role",
        meaning="A request needs a prefill and a decode worker; one of the pools has none that answers. A pool that has "
        "never answered is told once requests reach the other side, else it counts as starting.",
        confirm="Ask /health of each worker of the role, and the router's readiness.",
        fix="Start a worker of that role, or mend what keeps them from starting; then check that the router lists it.",
        confused_with="Wrong addresses in discovery: then the workers serve, but pdwatch asks elsewhere.",
        detect=_empty,
        not_capacity=True,
        explains=("worker_down", "worker_unresponsive", "worker_stale", "engine_stuck", *WORKER_LOST),
    ),
    FindingDef(
        id="worker_down",
        severity=Severity.CRITICAL,
        title="Worker down",
        meaning="Connections to the worker's metrics port fail, several scrapes in a row. One that has never answered counts as "
        "starting for ten minutes (worker_not_ready). Routers go on for minutes to take a dead worker for healthy.",
        confirm="Ask /health; look at the process and its last log lines.",
        fix="Restart the worker and read why it ended: its last log lines, the host's OOM killer, XID errors. Take it out of the "
        "router meanwhile. If the process is gone and its GPUs are not free, end the engine process it left behind. Expect "
        "prefill to hold KV blocks for it until their lease expires.",
        confused_with="A moved worker: compare the address with what the router lists.",
        detect=_down,
        clear_seconds=0.0,
        not_capacity=True,
        explains=("engine_orphaned", *together(WORKER_LOST, TOO_FEW)),
    ),
    FindingDef(
        id="worker_unresponsive",
        severity=Severity.CRITICAL,
        title="Worker hangs",
        meaning="Requests for the worker's page run into the timeout for a minute and a half, or for a quarter of a minute while "
        "routers count errors of it or the other side loses KV. A stopped process, a host without CPU or memory, or a "
        "network that drops packets looks like this.",
        confirm="`curl -m 10 http://WORKER/health`; look for the process in state T or D (`ps -o stat`), at the load of the host, "
        "and whether the host answers at all.",
        fix="Take the worker out of the router. Dump the stacks of its API server and engine processes (py-spy dump), then restart "
        "it. If the whole host does not answer, treat it as lost and start the worker elsewhere.",
        confused_with="A metrics port that is only slow, which is worker_stale: then the worker's requests go on.",
        detect=_unresponsive,
        clear_seconds=0.0,
        not_capacity=True,
        explains=("worker_stale", *together(WORKER_LOST, TOO_FEW)),
    ),
    FindingDef(
        id="worker_stale",
        severity=Severity.WARNING,
        title="No fresh numbers of a worker",
        meaning="The worker accepts connections but its page is late, refused or unreadable; its last numbers are kept. That says "
        "nothing of its requests: a page that is late for a minute does not make the advice `fix`.",
        confirm="Ask /metrics with curl and look at the time, the status and the first lines.",
        fix="If it hangs, look at the process (stopped, swapping, out of CPU). If it answers an error or another page, "
        "mend the port, the path or the credentials in the configuration.",
        confused_with="Elastic scaling, during which vLLM answers 503 to everything. A worker that hangs for longer is "
        "worker_unresponsive.",
        detect=_stale,
        clear_seconds=0.0,
    ),
    FindingDef(
        id="engine_stuck",
        severity=Severity.CRITICAL,
        title="Engine stuck",
        meaning="Requests are in the engine, /health and /metrics answer, but no counter moves while others of the service go on: the "
        "engine process is stopped, deadlocked or waits for a collective that never completes. vLLM sets its gauges after a step "
        "only, so that an idle engine may still show requests that were aborted: one or two requests, or a service in which nothing "
        "moves at all, are told as information, unless a router counts errors or the other side loses KV.",
        confirm="Scrape twice, ten seconds apart: the token counters are equal and requests are running or waiting.",
        fix="Take the worker out of the router, dump the stacks of its engine process (py-spy dump), restart it. Where it waits "
        "for a collective, restart the whole group: look for the rank whose host has another finding.",
        confused_with="One very long prefill: its counters move once it ends. Prefill without free blocks, and decode whose KV does "
        "not come, stand still for the other side's sake; they are given a minute.",
        detect=_stuck,
        clear_seconds=0.0,
        not_capacity=True,
        explains=together(WORKER_LOST, TOO_FEW),
    ),
    FindingDef(
        id="worker_restarted",
        severity=Severity.INFO,
        title="Worker restarted",
        meaning="The worker's process began anew: its page tells a later start, or its counters fell. Requests that it had "
        "were lost, and its caches are empty.",
        confirm="Look at the start time of the process and at the end of the log before it.",
        fix="Nothing, if somebody restarted it. Else read why it ended: out of memory, a failed collective, a liveness probe.",
        confused_with="Elastic scaling, which rebuilds the counters without a new process.",
        detect=_restarted,
        clear_seconds=20.0,
        explains=(*WORKER_LOST, "worker_slow", "queue_imbalanced", "prefix_cache_ineffective", "slo_itl_missed"),
    ),
)
