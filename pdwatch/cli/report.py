"""A snapshot in words: each service's verdict, then what is wrong, most severe first, with evidence and the mend."""

from __future__ import annotations

from collections.abc import Iterator

from pdwatch.cli.findings import findings_in_words, wrapped
from pdwatch.model.encode import public_url
from pdwatch.model.snapshot import PoolState, ServiceState, Snapshot, WorkerState
from pdwatch.model.text import plain
from pdwatch.top.gauges import load_of


def report(snapshot: Snapshot) -> str:
    """Return the whole snapshot as text for people."""
    errors, idle = snapshot.self_state.discovery_errors, snapshot.self_state.idle
    lines = [line for service in snapshot.services.values() for line in (*_service(service, snapshot.t), "")]
    if idle is not None:
        lines = [f"Nothing to watch: {idle}."]
    if not lines:
        lines = ["No worker was found. Name workers with --prefill URL --decode URL, or see whether discovery has any."]
    lines += [public_url(f"discovery {source}: {error}") for source, error in errors.items()]
    return "\n".join(plain(line) for line in lines).rstrip()


def _service(service: ServiceState, now: float) -> Iterator[str]:
    advice = service.advice
    yield f"{service.service}: {advice.action.value.upper()}  (confidence {advice.confidence:.0%})"
    yield from wrapped(advice.reason, "  ")
    for role, replicas in (("prefill", advice.prefill), ("decode", advice.decode)):
        if replicas.desired is not None and replicas.desired != replicas.current:
            yield f"  {role}: {replicas.current} replicas -> {replicas.desired}"
    for clause in advice.reconsider:
        yield from wrapped(f"would change: {clause}", "  ")
    yield "  " + "   ".join(_pool(service, pool) for pool in service.pools.values())
    if not service.findings:
        yield "  No findings."
    yield from findings_in_words(service.findings, now)
    yield from _missing(service)


def _pool(service: ServiceState, pool: PoolState) -> str:
    parts = [f"{pool.role}: {pool.up}/{pool.workers} up"]
    load, bound = load_of(service, pool)
    if load is not None:
        parts.append(f"{bound} {load:.0%}")
    if pool.requests_waiting is not None:
        parts.append(f"{pool.requests_waiting:.0f} waiting")
    if pool.kv_cache_usage_ratio is not None:
        parts.append(f"KV {pool.kv_cache_usage_ratio:.0%}")
    return ", ".join(parts)


def _missing(service: ServiceState) -> Iterator[str]:
    """Tell once per engine version what its pages lack that would make the judgement better."""
    seen: dict[str, WorkerState] = {}
    for worker in service.workers:
        if worker.missing:
            seen.setdefault(f"{worker.family} {worker.version or 'of unknown version'} ({worker.role})", worker)
    for name, worker in seen.items():
        lacking = dict.fromkeys(f"{entry.upstream} ({entry.versions})" for entry in worker.missing if entry.versions)
        if lacking:
            yield ""
            yield from wrapped(f"this {name} does not export: {', '.join(lacking)}", "  ")
