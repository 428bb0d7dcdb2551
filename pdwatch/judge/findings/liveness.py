"""Workers and engines that are not there, do not answer, or answer and do nothing."""

from __future__ import annotations

from collections.abc import Iterator
from http import HTTPStatus

from pdwatch.judge.definition import FindingDef, Hit, View
from pdwatch.judge.words import seconds, times
from pdwatch.model.judgement import Evidence, Severity
from pdwatch.model.snapshot import Trouble, WorkerState
from pdwatch.model.target import Role

_JITTER = 0.95
"""Scrapes come a little early or late; a threshold of two intervals is met by two of them."""


def _scope(worker: WorkerState) -> dict[str, str]:
    return {"role": worker.role.value, "worker": worker.worker}


def _last_seen(worker: WorkerState) -> str:
    if worker.age_seconds is None:
        return "never answered yet"
    return f"last page {seconds(worker.age_seconds)} ago"


def _down(view: View) -> Iterator[Hit]:
    for worker in view.service.workers:
        probed_dead = worker.health_error is not None or worker.health not in (None, HTTPStatus.OK)
        enough = worker.failures >= view.thresholds.down_failures or (worker.failures > 0 and probed_dead)
        if worker.trouble is Trouble.UNREACHABLE and enough:
            scope = _scope(worker)
            failures = Evidence("scrape_failures", worker.failures, "scrapes", view.thresholds.down_failures, scope)
            summary = (
                f"{worker.worker} is down: {worker.error}, {times(worker.failures)} in a row, {_last_seen(worker)}."
            )
            yield Hit(scope, summary, (failures,))


def _stale(view: View) -> Iterator[Hit]:
    for worker in view.service.workers:
        if worker.stale and worker.trouble not in (None, Trouble.UNREACHABLE):
            scope = _scope(worker)
            age = Evidence("worker_page_age_seconds", worker.age_seconds, "seconds", None, scope)
            summary = f"{worker.worker} gives no fresh numbers: {worker.error}; {_last_seen(worker)}."
            severity = Severity.INFO if worker.trouble is Trouble.SCALING else None
            yield Hit(scope, summary, (age,), severity)


def _stuck(view: View) -> Iterator[Hit]:
    limit = view.thresholds.stuck_seconds
    for worker in view.service.workers:
        for engine in worker.engines:
            if worker.up and (engine.stuck_seconds or 0.0) >= _JITTER * limit:
                scope = _scope(worker) | {"engine": engine.engine}
                stuck = Evidence("stuck_seconds", engine.stuck_seconds, "seconds", limit, scope)
                held = (engine.requests_running or 0.0) + (engine.requests_waiting or 0.0)
                summary = (
                    f"Engine {engine.engine} of {worker.worker} holds {held:.0f} requests and none of its counters has "
                    f"moved for {seconds(engine.stuck_seconds or 0.0)}, although it answers."
                )
                yield Hit(scope, summary, (stuck, Evidence("requests", held, "requests", None, scope)))


def _empty(view: View) -> Iterator[Hit]:
    pools = view.service.pools
    for role, other in ((Role.PREFILL, Role.DECODE), (Role.DECODE, Role.PREFILL)):
        pool = pools.get(role)
        scope = {"role": role.value}
        if pool is None and other in pools and not {Role.BOTH, Role.UNKNOWN} & pools.keys():
            yield Hit(scope, f"There is a {other} pool but no {role} worker: no request can be served.")
        if pool is not None and pool.workers > 0 and _nobody_answers(view, role):
            up = Evidence("workers_up", pool.up, "workers", 1, scope)
            yield Hit(scope, f"No {role} worker answers ({pool.workers} known): no request can be served.", (up,))


def _nobody_answers(view: View, role: Role) -> bool:
    """Tell whether every worker of a role is unreachable, each for as long as it takes to call it down."""
    down = {hit.scope["worker"] for hit in _down(view)}
    return all(worker.worker in down for worker in view.service.workers if worker.role is role)


def _restarted(view: View) -> Iterator[Hit]:
    for worker in view.service.workers:
        if worker.restarts:
            scope = _scope(worker)
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
        meaning="A request needs a prefill and a decode worker; one of the pools has none that answers.",
        confirm="Ask /health of each worker of the role, and the router's readiness.",
        fix="Start a worker of that role, or mend what keeps them from starting; then check that the router lists it.",
        confused_with="Wrong addresses in discovery: then the workers serve, but pdwatch asks elsewhere.",
        detect=_empty,
        not_capacity=True,
        explains=(
            "worker_down",
            "worker_stale",
            "engine_stuck",
            "requests_failing",
            "kv_transfer_failing",
            "kv_recomputed_on_decode",
            "kv_blocks_expired",
            "kv_leak",
        ),
    ),
    FindingDef(
        id="worker_down",
        severity=Severity.CRITICAL,
        title="Worker down",
        meaning="Connections to the worker's metrics port fail, several scrapes in a row.",
        confirm="Ask /health; look at the process and its last log lines.",
        fix="Restart the worker and read why it ended. Expect prefill to hold KV blocks for it until their lease expires.",
        confused_with="A moved worker: compare the address with what the router lists.",
        detect=_down,
        clear_seconds=0.0,
        not_capacity=True,
        explains=(
            "requests_failing",
            "kv_transfer_failing",
            "kv_recomputed_on_decode",
            "kv_blocks_expired",
            "kv_leak",
            "kv_cache_saturated",
            "preempting",
            "prefill_saturated",
            "queue_imbalanced",
        ),
    ),
    FindingDef(
        id="worker_stale",
        severity=Severity.WARNING,
        title="No fresh numbers of a worker",
        meaning="The worker accepts connections but its page is late, refused or unreadable; its last numbers are kept.",
        confirm="Ask /metrics with curl and look at the time, the status and the first lines.",
        fix="If it hangs, look at the process (stopped, swapping, out of CPU). If it answers an error or another page, "
        "mend the port, the path or the credentials in the configuration.",
        confused_with="Elastic scaling, during which vLLM answers 503 to everything.",
        detect=_stale,
        clear_seconds=0.0,
        not_capacity=True,
    ),
    FindingDef(
        id="engine_stuck",
        severity=Severity.CRITICAL,
        title="Engine stuck",
        meaning="Requests are in the engine, /health and /metrics answer, but no counter moves: the engine process is "
        "stopped, deadlocked or waits for a collective that never completes.",
        confirm="Scrape twice, ten seconds apart: the token counters are equal and requests are running or waiting.",
        fix="Take the worker out of the router, dump the stacks of its engine process, restart it.",
        confused_with="One very long prefill: its counters move once it ends.",
        detect=_stuck,
        clear_seconds=0.0,
        not_capacity=True,
        explains=(
            "requests_failing",
            "kv_transfer_failing",
            "kv_recomputed_on_decode",
            "kv_blocks_expired",
            "kv_leak",
            "kv_cache_saturated",
            "preempting",
            "prefill_saturated",
            "queue_imbalanced",
        ),
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
        clear_seconds=0.0,
        explains=(
            "requests_failing",
            "kv_transfer_failing",
            "kv_blocks_expired",
            "kv_leak",
            "worker_slow",
            "queue_imbalanced",
        ),
    ),
)
