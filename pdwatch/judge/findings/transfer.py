"""KV that fails to move, is not moved at all, or is not fetched in time."""

from __future__ import annotations

from collections.abc import Iterator

from pdwatch.judge.definition import FindingDef, Hit, Reach, View
from pdwatch.judge.words import percent, rate, seconds
from pdwatch.model.judgement import Evidence, Severity
from pdwatch.model.target import Role


def _failing(view: View) -> Iterator[Hit]:
    failures = view.service.transfer.failures_per_second
    limit = view.thresholds.transfer_failures_per_second
    if failures is not None and failures > limit:
        evidence = Evidence("kv_transfer_failures_per_second", failures, "per second", limit)
        yield Hit({}, f"KV transfers fail: {rate(failures)} (transfers, handshakes and notifications).", (evidence,))


def _recomputed(view: View) -> Iterator[Hit]:
    limit = view.thresholds.kv_recomputed_share
    for worker in view.service.workers:
        requests = sum(engine.requests_in_window or 0.0 for engine in worker.engines)
        shares = [engine.kv_recomputed_share for engine in worker.engines if engine.kv_recomputed_share is not None]
        if worker.role is not Role.DECODE or worker.stale or not shares or requests < view.thresholds.min_requests:
            continue
        share = max(shares)
        if share >= limit:
            scope = {"role": worker.role.value, "worker": worker.worker}
            evidence = Evidence("kv_recomputed_share", share, "ratio", limit, scope)
            summary = (
                f"{worker.worker} computes {percent(share)} of its prompt tokens itself: prefill's KV does not reach it, "
                "so every prompt is computed twice."
            )
            yield Hit(scope, summary, (evidence,))


def _expired(view: View) -> Iterator[Hit]:
    expired = view.service.transfer.expired_per_second
    if expired:
        evidence = Evidence("kv_expired_per_second", expired, "per second", 0.0)
        summary = f"KV blocks expire unread on prefill: {rate(expired)}. Decode did not fetch them within the lease."
        yield Hit({"role": Role.PREFILL.value}, summary, (evidence,))


def _dominates(view: View) -> Iterator[Hit]:
    ratio, limit = view.service.transfer.prefill_ratio, view.thresholds.transfer_prefill_ratio
    seconds_mean = view.service.transfer.seconds_mean
    if ratio is not None and seconds_mean is not None and ratio > limit:
        evidence = (
            Evidence("kv_transfer_prefill_ratio", ratio, "ratio", limit),
            Evidence("kv_transfer_seconds_mean", seconds_mean, "seconds"),
        )
        summary = f"Moving KV takes {seconds(seconds_mean)}, {percent(ratio)} of the time it takes to compute it."
        yield Hit({}, summary, evidence)


FINDINGS = (
    FindingDef(
        id="kv_transfer_failing",
        severity=Severity.CRITICAL,
        title="KV transfers fail",
        meaning="The connector counts failed transfers, handshakes or notifications. One failing request can count "
        "several times: once per rank and step.",
        confirm="Look for 'NIXL transfer failure' and handshake errors in decode's log; watch its failed-transfer counter.",
        fix="Check that decode reaches prefill's side channel (host not localhost, port open, firewall), that both sides "
        "run the same version, model and KV layout, and that the network devices match.",
        confused_with="A prefill worker that died: its peers' transfers fail too; mend that first.",
        detect=_failing,
        not_capacity=True,
        explains=(
            "requests_failing",
            "kv_recomputed_on_decode",
            "kv_blocks_expired",
            "kv_leak",
        ),
        reach=Reach.SERVICE,
    ),
    FindingDef(
        id="kv_recomputed_on_decode",
        severity=Severity.CRITICAL,
        title="Decode computes prompts itself",
        meaning="Most uncached prompt tokens on a decode worker are computed there instead of arriving by transfer: the "
        "connector is not used, or failed loads are silently recomputed.",
        confirm="Compare prompt tokens by source on decode: local_compute against external_kv_transfer.",
        fix="Check that the router sends the transfer parameters, that --kv-transfer-config is set on both sides, and "
        "whether kv_load_failure_policy is 'recompute'; then mend why loads fail.",
        confused_with="A router that by design sends short prompts straight to decode.",
        detect=_recomputed,
        onset_seconds=5.0,
        not_capacity=True,
        explains=(
            "kv_blocks_expired",
            "kv_leak",
            "kv_cache_saturated",
            "preempting",
        ),
        reach=Reach.SIDES,
    ),
    FindingDef(
        id="kv_blocks_expired",
        severity=Severity.WARNING,
        title="KV blocks expire on prefill",
        meaning="Prefill gave up KV blocks that no decode worker had read before the lease (30 s since 0.22) or timeout "
        "(480 s before) ran out. Each is a request that failed or was computed again.",
        confirm="Look for 'Releasing expired KV blocks' in prefill's log.",
        fix="Find why decode does not fetch: a dead or full decode worker, failing transfers, or clients that went away "
        "between the two steps.",
        confused_with="Clients that cancel right after prefill: then nothing fails on decode.",
        detect=_expired,
        reach=Reach.SIDES,
    ),
    FindingDef(
        id="transfer_dominates_prefill",
        severity=Severity.WARNING,
        title="KV transfer is slow beside prefill",
        meaning="The mean transfer takes more than half of the mean prefill time of a request: disaggregation costs more "
        "than it saves.",
        confirm="Divide the transfer seconds by the prefill seconds of the same minutes; look at bytes per second.",
        fix="Check that transfers run over RDMA (UCX_TLS, devices, GPU-direct buffers), not TCP or CPU-staged buffers, and "
        "that no link is at a lower rate or congested.",
        confused_with="Very short prompts, for which any transfer is long beside prefill.",
        detect=_dominates,
        onset_seconds=10.0,
        not_capacity=True,
        reach=Reach.SERVICE,
    ),
)
