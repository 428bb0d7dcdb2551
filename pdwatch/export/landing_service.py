"""One service on the page for people: the verdict first, then what is wrong, then the numbers."""

from __future__ import annotations

from collections.abc import Iterable
from math import fsum

from pdwatch.export import words
from pdwatch.export.html import Html, join, table, tag
from pdwatch.model.judgement import Action, Advice, Finding, Severity
from pdwatch.model.snapshot import EngineState, PoolState, ServiceState, WorkerState
from pdwatch.model.target import Role

_POOL_HEAD = ("Pool", "Replicas", "Workers up", "Waiting", "Running", "KV cache", "Fullest", "Imbalance", "Pressure")
_WORKER_HEAD = ("Worker", "State", "Page age", "Role", "Version", "Waiting", "Running", "KV cache")
_ROLES = tuple(Role)


def service_section(service: ServiceState, now: float) -> Html:
    """Return the section of one service. *now* is Unix seconds, for ages."""
    return tag(
        "section",
        tag("h2", service.service),
        _verdict(service, now),
        _findings(service.findings, now),
        _pools(service),
        _workers(service.workers),
    )


def _verdict(service: ServiceState, now: float) -> Html:
    advice = service.advice
    sentence = advice.action.value.replace("_", " ").capitalize()
    since = words.duration(max(0.0, now - advice.since))
    sure = f"{words.percent(advice.confidence)} sure, for {since}"
    return join(
        (
            tag("p", sentence, css=f"verdict {_tone(service)}"),
            tag("p", advice.reason, css="reason"),
            tag("p", f"{_replicas(advice)} · {sure}", css="note"),
        )
    )


def _replicas(advice: Advice) -> str:
    prefill = words.replicas(advice.prefill.current, advice.prefill.desired)
    decode = words.replicas(advice.decode.current, advice.decode.desired)
    return f"Replicas: prefill {prefill}, decode {decode}"


def _tone(service: ServiceState) -> str:
    worst = max((finding.severity for finding in service.findings), default=Severity.INFO)
    if worst > Severity.INFO:
        return worst.word
    return "good" if service.advice.action is Action.HOLD else ""


def _findings(findings: Iterable[Finding], now: float) -> Html:
    ordered = sorted(findings, key=lambda finding: (-finding.severity, finding.since))
    if not ordered:
        return tag("p", "Nothing wrong found.", css="note")
    return join((tag("h3", "Findings"), tag("ul", *(_finding(finding, now) for finding in ordered), css="findings")))


def _finding(finding: Finding, now: float) -> Html:
    word = finding.severity.word
    where = ", ".join(f"{key} {value}" for key, value in finding.scope.items())
    since = words.duration(max(0.0, now - finding.since))
    note = " · ".join(part for part in (finding.finding, where, f"for {since}") if part)
    summary = tag("p", tag("strong", f"{word.capitalize()}: ", css=word), finding.summary)
    fix = (tag("p", f"What to do: {finding.fix}"),) if finding.fix else ()
    return tag("li", summary, *fix, tag("p", note, css="note"), css=f"{word}-edge")


def _pools(service: ServiceState) -> Html:
    ordered = sorted(service.pools.values(), key=lambda pool: _ROLES.index(pool.role))
    return table("Pools", _POOL_HEAD, map(_pool_row, ordered)) if ordered else Html("")


def _pool_row(pool: PoolState) -> tuple[str, ...]:
    guessed = " (guessed)" if pool.role_guessed else ""
    return (
        tag("th", f"{pool.role.value}{guessed}", scope="row"),
        str(pool.replicas),
        f"{pool.up} of {pool.workers}",
        words.count(pool.requests_waiting),
        words.count(pool.requests_running),
        words.percent(pool.kv_cache_usage_ratio),
        words.percent(pool.kv_cache_usage_worst),
        words.factor(pool.queue_imbalance_ratio),
        words.factor(pool.pressure_ratio),
    )


def _workers(workers: Iterable[WorkerState]) -> Html:
    ordered = sorted(workers, key=lambda worker: (worker.up and not worker.stale, _ROLES.index(worker.role)))
    return table("Workers", _WORKER_HEAD, map(_worker_row, ordered))


def _worker_row(worker: WorkerState) -> tuple[str, ...]:
    engines = () if worker.stale else worker.engines
    return (
        tag("th", worker.worker, scope="row"),
        _state(worker),
        words.duration(worker.age_seconds),
        worker.role.value,
        worker.version or words.DASH,
        words.count(_sum(engine.requests_waiting for engine in engines)),
        words.count(_sum(engine.requests_running for engine in engines)),
        words.percent(_fullest(engines)),
    )


def _state(worker: WorkerState) -> Html:
    if not worker.up:
        return tag("td", f"down: {worker.error}" if worker.error else "down", css="critical")
    return tag("td", "stale", css="warning") if worker.stale else tag("td", "up")


def _sum(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return fsum(known) if known else None


def _fullest(engines: Iterable[EngineState]) -> float | None:
    return max((e.kv_cache_usage_ratio for e in engines if e.kv_cache_usage_ratio is not None), default=None)
