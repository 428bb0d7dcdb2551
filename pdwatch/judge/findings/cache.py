"""KV caches that are full, thrash, or hold what nobody needs; prefix caches that do not help."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median

from pdwatch.judge.definition import FindingDef, Hit, Reach, View
from pdwatch.judge.findings.symptoms import MISSED
from pdwatch.judge.hops import way
from pdwatch.judge.words import percent, rate, seconds
from pdwatch.model.judgement import Evidence, Severity
from pdwatch.model.snapshot import PoolState
from pdwatch.model.target import Role

_MOST = 0.5
"""Share of engines, or of blocks, beyond which it is the pool's matter."""


def _saturated(view: View) -> Iterator[Hit]:
    for role, pool in view.service.pools.items():
        usages = _usages(view, role)
        if usages and not _is_pinned(view, role, pool):
            yield from _full(view, role, pool, usages)


def _usages(view: View, role: Role) -> list[float]:
    fresh = (worker for worker in view.service.workers if worker.role is role and worker.up and not worker.stale)
    told = (engine.kv_cache_usage_ratio for worker in fresh for engine in worker.engines)
    return [usage for usage in told if usage is not None]


def _full(view: View, role: Role, pool: PoolState, usages: list[float]) -> Iterator[Hit]:
    """Yield a pool most of whose engines are full; that a few of them are is information."""
    limit, scope = view.thresholds.kv_usage_high, {"role": role.value}
    full, middle = sum(usage >= limit for usage in usages), median(usages)
    evidence = (
        Evidence("kv_cache_usage_median", middle, "ratio", limit, scope),
        Evidence("engines_full", full, "engines", None, scope),
        Evidence("requests_waiting", pool.requests_waiting, "requests", None, scope),
        *way(view).evidence,
    )
    waiting = f"{pool.requests_waiting or 0:.0f} requests wait"
    if full > _MOST * len(usages):
        yield Hit(scope, f"The KV cache of {role} is {percent(middle)} full, {waiting}{way(view).grew}.", evidence)
    elif full:
        text = f"The KV cache of {full} of {len(usages)} {role} engines is full, of the median {percent(middle)}"
        yield Hit(scope, f"{text}; {waiting}.", evidence, Severity.INFO)


def _pinned(view: View) -> Iterator[Hit]:
    role, pool = Role.PREFILL, view.service.pools.get(Role.PREFILL)
    usages, limit = _usages(view, role), view.thresholds.kv_usage_high
    if pool is None or not usages or median(usages) < limit or not _is_pinned(view, role, pool):
        return
    scope = {"role": role.value}
    evidence = (
        Evidence("kv_cache_usage_median", median(usages), "ratio", limit, scope),
        Evidence("kv_tokens_in_prefill", _in_prefill(pool), "tokens", None, scope),
        Evidence("kv_cache_tokens_used", pool.kv_cache_tokens_used, "tokens", None, scope),
        Evidence("requests_waiting", pool.requests_waiting, "requests", None, scope),
        *way(view).evidence,
    )
    text = (
        f"The KV cache of prefill is {percent(median(usages))} full of prompts that decode has not fetched; "
        f"{pool.requests_waiting or 0:.0f} requests wait there{way(view).grew}."
    )
    yield Hit(scope, text, evidence)


def _is_pinned(view: View, role: Role, pool: PoolState) -> bool:
    """Tell whether most blocks of prefill are of prompts that it has answered, so that decode has them to fetch."""
    if role is not Role.PREFILL or Role.DECODE not in view.service.pools:
        return False
    used, computing = pool.kv_cache_tokens_used, _in_prefill(pool)
    return used is not None and computing is not None and computing < _MOST * used


def _in_prefill(pool: PoolState) -> float | None:
    """Return the tokens of the prompts that are being computed, by Little's law; `None` where nothing tells."""
    requests, tokens, at_once = pool.requests_per_second, pool.prompt_tokens_per_second, pool.prefill_concurrency
    if requests is None or tokens is None or at_once is None:
        return None
    return at_once * tokens / requests if requests > 0 else 0.0


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
    limit, wanted = view.thresholds.kv_idle_seconds, bool(view.service.transfer.waiting)
    for worker in view.service.workers:
        if not worker.up or (worker.role is Role.PREFILL and wanted):
            continue  # decode is about to fetch what prefill holds
        for engine in worker.engines:
            if (engine.held_seconds or 0.0) >= limit:
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


def _prefix_ineffective(view: View) -> Iterator[Hit]:
    prefill, decode = (view.service.pools.get(role) for role in (Role.PREFILL, Role.DECODE))
    if prefill is None or decode is None or prefill.prefix_cache_hit_ratio is None:
        return
    thresholds, shared, own = view.thresholds, prefill.prefix_cache_hit_ratio, decode.prefix_cache_hit_ratio
    enough = min(prefill.requests_in_window or 0.0, decode.requests_in_window or 0.0) >= thresholds.min_requests
    if own is None or not enough or shared < thresholds.prefix_shared or own >= thresholds.prefix_found * shared:
        return
    scope = {"role": Role.DECODE.value}
    evidence = (
        Evidence("prefix_cache_hit_ratio", own, "ratio", thresholds.prefix_found * shared, scope),
        Evidence("prefix_cache_hit_ratio", shared, "ratio", None, {"role": Role.PREFILL.value}),
        Evidence("kv_transfer_bytes_per_second", view.service.transfer.bytes_per_second, "bytes per second"),
    )
    text = (
        f"Prefill finds {percent(shared)} of its prompts in its prefix cache, decode {percent(own)}: KV that decode has had "
        "before is moved again."
    )
    yield Hit(scope, text, evidence)


FINDINGS = (
    FindingDef(
        id="kv_cache_saturated",
        severity=Severity.WARNING,
        title="KV cache full",
        meaning="More than half of the pool's engines are at or above the threshold: new requests wait for blocks. Where only "
        "a few engines are full it is information; look for uneven load. Prefill that is full of prompts which decode has "
        "not fetched is told as kv_pinned_on_prefill instead.",
        confirm="Look at the KV-cache usage and the requests waiting for capacity of the pool.",
        fix="On decode: add decode replicas, or lower concurrency or output length. On prefill: add prefill replicas, or lower "
        "--max-num-seqs and --max-num-batched-tokens.",
        confused_with="A leak, where blocks are held while nothing runs. A moment at the limit between two answers that end.",
        detect=_saturated,
        onset_seconds=8.0,
        explains=("kv_pinned_on_prefill", "preempting", "kv_blocks_expired", "kv_leak", *MISSED),
        reach=Reach.POOL,
    ),
    FindingDef(
        id="kv_pinned_on_prefill",
        severity=Severity.WARNING,
        title="Prefill full of KV that decode has not fetched",
        meaning="Prefill keeps the KV of an answered prompt until decode has read it. More than half of its blocks are of that "
        "kind (by Little's law: the prompts being computed need fewer), and its cache is full: it admits no more "
        "prompts, however fast it computes.",
        confirm="Prefill's KV-cache usage is high while few requests run there; decode's requests wait for capacity or for KV.",
        fix="Look at decode first: a full cache there, a worker that hangs, or transfers that fail or are slow. More prefill replicas "
        "only add room to wait in. If decode has room and transfers are quick, look for clients that go away between the two steps.",
        confused_with="Prefill that is too small: then its prompts wait while its cache has room.",
        detect=_pinned,
        onset_seconds=8.0,
        explains=("prefill_saturated", "queue_imbalanced", "slo_ttft_missed"),
        reach=Reach.SIDES,
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
        explains=MISSED,
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
    FindingDef(
        id="prefix_cache_ineffective",
        severity=Severity.INFO,
        title="Decode does not reuse shared prompts",
        meaning="Prompts share long beginnings, as prefill's prefix cache shows, and decode finds hardly any of them in its own: the KV "
        "of the shared part crosses the network with every request. It costs bandwidth and time to first token, nothing fails.",
        confirm="Divide prefix_cache_hits by prefix_cache_queries, on prefill and on decode, over the same minutes.",
        fix="Switch prefix caching on for decode (--enable-prefix-caching), give decode cache room for the shared beginnings, and have "
        "the router keep conversations on the same decode worker (prefix or session affinity).",
        confused_with="Prompts that share nothing: then prefill finds nothing either.",
        detect=_prefix_ineffective,
        onset_seconds=60.0,
        reach=Reach.POOL,
    ),
)
