"""KV caches that are full, thrash, or hold what nobody needs."""

from __future__ import annotations

from collections.abc import Iterator

from pdwatch.judge.definition import FindingDef, Hit, Reach, View
from pdwatch.judge.words import percent, rate, seconds
from pdwatch.model.judgement import Evidence, Severity


def _saturated(view: View) -> Iterator[Hit]:
    limit = view.thresholds.kv_usage_high
    for role, pool in view.service.pools.items():
        usage = pool.kv_cache_usage_p90
        if usage is not None and usage >= limit:
            scope = {"role": role.value}
            evidence = (
                Evidence("kv_cache_usage_p90", usage, "ratio", limit, scope),
                Evidence("requests_waiting", pool.requests_waiting, "requests", None, scope),
            )
            summary = (
                f"The KV cache of {role} is {percent(usage)} full, {pool.requests_waiting or 0:.0f} requests wait."
            )
            yield Hit(scope, summary, evidence)


def _preempting(view: View) -> Iterator[Hit]:
    limit = view.thresholds.preemptions_per_second
    for role, pool in view.service.pools.items():
        preemptions = pool.preemptions_per_second
        if preemptions is not None and preemptions > limit:
            scope = {"role": role.value}
            evidence = Evidence("preemptions_per_second", preemptions, "per second", limit, scope)
            summary = f"{role.capitalize()} preempts requests, {rate(preemptions)}: each is computed again."
            yield Hit(scope, summary, (evidence,))


def _leak(view: View) -> Iterator[Hit]:
    limit = view.thresholds.kv_idle_seconds
    if view.service.transfer.waiting:
        return  # decode is about to fetch them
    for worker in view.service.workers:
        for engine in worker.engines:
            if worker.up and (engine.held_seconds or 0.0) >= limit:
                scope = {"role": worker.role.value, "worker": worker.worker, "engine": engine.engine}
                evidence = (
                    Evidence("kv_cache_usage_ratio", engine.kv_cache_usage_ratio, "ratio", None, scope),
                    Evidence("held_seconds", engine.held_seconds, "seconds", limit, scope),
                )
                summary = (
                    f"{worker.worker} holds {percent(engine.kv_cache_usage_ratio or 0.0)} of its KV cache for "
                    f"{seconds(engine.held_seconds or 0.0)} although nothing runs or waits there."
                )
                yield Hit(scope, summary, evidence)


FINDINGS = (
    FindingDef(
        id="kv_cache_saturated",
        severity=Severity.WARNING,
        title="KV cache full",
        meaning="Nine of ten engines of the pool are at or above the threshold: new requests wait for blocks.",
        confirm="Look at the KV-cache usage and the requests waiting for capacity of the pool.",
        fix="On decode: add decode replicas, or lower concurrency or output length. On prefill: look at decode first, since "
        "blocks are pinned on prefill until decode has fetched them.",
        confused_with="A leak, where blocks are held while nothing runs.",
        detect=_saturated,
        onset_seconds=4.0,
        explains=(
            "preempting",
            "kv_blocks_expired",
            "kv_leak",
        ),
        reach=Reach.POOL,
    ),
    FindingDef(
        id="preempting",
        severity=Severity.WARNING,
        title="Requests are preempted",
        meaning="The scheduler evicts running requests for want of KV blocks and computes them again later.",
        confirm="Watch the preemption counter; clients see a pause within an answer.",
        fix="Add decode replicas, or lower --max-num-seqs so that fewer requests compete for the blocks.",
        confused_with="Nothing: preemptions are always lost work.",
        detect=_preempting,
        reach=Reach.POOL,
    ),
    FindingDef(
        id="kv_leak",
        severity=Severity.WARNING,
        title="KV blocks held without work",
        meaning="Blocks stay in use while no request runs or waits, longer than tokens arriving could explain. On prefill: "
        "KV that decode never fetched, kept until the lease ends.",
        confirm="Stop the traffic: the KV-cache usage stays up.",
        fix="If a decode worker died, wait for the lease (30 s since 0.22, 480 s before). If it never falls, restart the "
        "worker and report the connector.",
        confused_with="A decode pool too full to fetch, which is kv_cache_saturated there. An idle vLLM before 0.22.1, whose "
        "gauges freeze until the next request.",
        detect=_leak,
        reach=Reach.SIDES,
    ),
)
