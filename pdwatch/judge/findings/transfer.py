"""KV that fails to move, is not moved at all, or is not fetched in time."""

from __future__ import annotations

from collections.abc import Iterator

from pdwatch.judge.definition import FindingDef, Hit, Reach, View
from pdwatch.judge.findings.symptoms import KV_LOST, MISSED
from pdwatch.judge.findings.whose import all_of_one, graded
from pdwatch.judge.homes import log_faults
from pdwatch.judge.hops import way
from pdwatch.judge.words import percent, rate, seconds
from pdwatch.model.judgement import Evidence, Severity
from pdwatch.model.logline import FaultKind
from pdwatch.model.snapshot import WorkerState
from pdwatch.model.target import Role


def _failing(view: View) -> Iterator[Hit]:
    failures, thresholds = view.service.transfer.failures_per_second, view.thresholds
    if failures is None:
        yield from _failing_by_logs(view)
    if failures is None or failures <= thresholds.transfer_failures_per_second:
        return
    transfers = view.service.transfer.transfers_per_second
    share = None if transfers is None else failures / (failures + transfers)
    evidence = (
        Evidence("kv_transfer_failures_per_second", failures, "per second", thresholds.transfer_failures_per_second),
        Evidence("kv_transfer_failure_share", share, "ratio", thresholds.failures_many),
    )
    whose = all_of_one(view, Role.DECODE, lambda engine: engine.kv_transfer_failures_per_second)
    part = "" if share is None else f", {percent(share)} of all"
    severity = None if share is None else graded(share, thresholds)
    yield Hit({}, f"KV transfers fail: {rate(failures)}{part}{whose}.", evidence, severity)


def _failing_by_logs(view: View) -> Iterator[Hit]:
    """Yield workers whose log tells of failed transfers, where no page counts them."""
    for fault in log_faults(view, FaultKind.TRANSFER_FAILED):
        age = fault.seconds_ago
        evidence = (Evidence("log_transfer_failed_seconds_ago", age, "seconds", None, fault.scope),)
        text = (
            f"{fault.who} failed to transfer KV {seconds(age)} ago, says its log; its version does not count how often."
        )
        yield Hit(fault.scope, text, evidence, Severity.WARNING)


def _stalled(view: View) -> Iterator[Hit]:
    limit = view.thresholds.kv_stalled_seconds
    for worker in view.service.workers:
        if worker.role is Role.DECODE and worker.up and not _full(view, worker):
            stalled = max((engine.kv_fetch_stalled_seconds or 0.0 for engine in worker.engines), default=0.0)
            waiting = sum(engine.requests_waiting or 0.0 for engine in worker.engines)
            if stalled >= limit:
                scope = {"role": worker.role.value, "worker": worker.worker}
                evidence = (
                    Evidence("kv_fetch_stalled_seconds", stalled, "seconds", limit, scope),
                    Evidence("requests_waiting", waiting, "requests", None, scope),
                )
                text = (
                    f"{waiting:.0f} requests on {worker.worker} wait for their KV, and for {seconds(stalled)} none has "
                    "arrived or failed."
                )
                yield Hit(scope, text, evidence)


def _full(view: View, worker: WorkerState) -> bool:
    """Tell whether requests wait for blocks and not for KV: running ones hold the cache."""
    return any(
        (engine.kv_cache_usage_ratio or 0.0) >= view.thresholds.kv_usage_high and engine.requests_running
        for engine in worker.engines
    )


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
        whose = all_of_one(view, Role.PREFILL, lambda engine: engine.kv_expired_per_second)
        summary = f"KV blocks expire unread on prefill, {rate(expired)}{whose}: decode did not fetch them in time."
        prefill = view.service.pools.get(Role.PREFILL)
        requests = prefill.requests_per_second if prefill is not None else None
        few = requests is not None and expired < view.thresholds.failures_few * requests
        yield Hit({"role": Role.PREFILL.value}, summary, (evidence,), Severity.INFO if few else None)


def _read_late(view: View) -> Iterator[Hit]:
    late = view.service.transfer.after_expiry_per_second
    if late:
        scope = {"role": Role.PREFILL.value}
        evidence = Evidence("kv_read_after_expiry_per_second", late, "per second", 0.0, scope)
        text = f"Decode read KV that prefill had given up already, {rate(late)}: these answers may be wrong."
        yield Hit(scope, text, (evidence,))
        return
    for fault in log_faults(view, FaultKind.INVALID_BLOCKS_READ):
        age = fault.seconds_ago
        told = (Evidence("log_invalid_blocks_read_seconds_ago", age, "seconds", None, fault.scope),)
        text = f"{fault.who} gave KV that had expired to decode {seconds(age)} ago, says its log: answers may be wrong."
        yield Hit(fault.scope, text, told)


def _dominates(view: View) -> Iterator[Hit]:
    transfer, thresholds = view.service.transfer, view.thresholds
    ratio, mean, decode = transfer.prefill_ratio, transfer.seconds_mean, view.service.pools.get(Role.DECODE)
    if ratio is None or mean is None or ratio <= thresholds.transfer_prefill_ratio:
        return
    if decode is None or (decode.requests_in_window or 0.0) < thresholds.min_requests:
        return
    evidence = (
        Evidence("kv_transfer_prefill_ratio", ratio, "ratio", thresholds.transfer_prefill_ratio),
        Evidence("kv_transfer_seconds_mean", mean, "seconds", thresholds.transfer_min_seconds),
        *way(view).evidence,
    )
    text = f"Moving KV takes {seconds(mean)}, {percent(ratio)} of the time it takes to compute it"
    text += f"{way(view).grew}."
    yield Hit({}, text, evidence, None if mean >= thresholds.transfer_min_seconds else Severity.INFO)


FINDINGS = (
    FindingDef(
        id="kv_transfer_failing",
        severity=Severity.CRITICAL,
        title="KV transfers fail",
        meaning="The connector counts failed transfers, handshakes or notifications. One failing request can count "
        "several times: once per rank and step. Critical from one in a hundred, information below one in a thousand. Where "
        "the version does not count them (vLLM before 0.11.2, LMCache), the worker's log tells.",
        confirm="Look for 'NIXL transfer failure' and handshake errors in decode's log; watch its failed-transfer counter.",
        fix="Check that decode reaches prefill's side channel (host not localhost, port open, firewall), that both sides "
        "run the same version, model and KV layout, and that the network devices match. Where one decode worker has all "
        "failures, look at that worker and its host.",
        confused_with="A prefill worker that died: its peers' transfers fail too; mend that first.",
        detect=_failing,
        not_capacity=True,
        explains=("kv_transfer_stalled", "kv_read_after_expiry", *KV_LOST),
        reach=Reach.SERVICE,
    ),
    FindingDef(
        id="kv_transfer_stalled",
        severity=Severity.CRITICAL,
        title="Decode waits for KV that does not come",
        meaning="Requests on a decode worker wait for KV from prefill, and neither a transfer nor a failure was counted for a while, "
        "although the worker has room. They hang until a timeout that may be minutes away. Told from the stages of KV fetches "
        "(vLLM 0.32 on) or from requests put off (0.20 on).",
        confirm="On decode, vllm:num_requests_kv_fetch_by_stage or vllm:num_requests_waiting stays up while "
        "vllm:nixl_xfer_time_seconds_count stands still; its log stops at a handshake.",
        fix="Check that decode reaches the side channel of every prefill worker (VLLM_NIXL_SIDE_CHANNEL_HOST, ports from 5600 on, firewall, "
        "network policy), and that prefill's engine is not stuck. Restart the decode worker once it does: handshakes are not repeated.",
        confused_with="A full decode cache, where requests wait for blocks before their KV is asked for.",
        detect=_stalled,
        not_capacity=True,
        explains=("kv_cache_saturated", "preempting", *KV_LOST),
        reach=Reach.SIDES,
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
        explains=("kv_blocks_expired", "kv_leak", "kv_pinned_on_prefill", "kv_cache_saturated", "preempting", *MISSED),
        reach=Reach.SIDES,
    ),
    FindingDef(
        id="kv_read_after_expiry",
        severity=Severity.CRITICAL,
        title="KV read after it was given up",
        meaning="Decode fetched blocks whose lease had ended. Prefill may have used them for another prompt by then, so that answers "
        "can be garbled without any error. Counted since vLLM 0.32; before that, told from prefill's log.",
        confirm="vllm:nixl_num_notifications_after_expiry_total grows; prefill's log has 'Potentially invalid KV blocks'.",
        fix="Treat answers of these minutes as suspect. Find why decode fetches late: a full cache, a worker that hangs, a slow path. "
        "Until then lengthen the lease on prefill (kv_lease_duration, or VLLM_NIXL_ABORT_REQUEST_TIMEOUT before 0.22).",
        confused_with="Clocks that differ between hosts: leases are counted on prefill alone.",
        detect=_read_late,
        clear_seconds=60.0,
        not_capacity=True,
        reach=Reach.SIDES,
    ),
    FindingDef(
        id="kv_blocks_expired",
        severity=Severity.WARNING,
        title="KV blocks expire on prefill",
        meaning="Prefill gave up KV blocks that no decode worker had read before the lease (30 s since 0.22) or timeout "
        "(480 s before) ran out. Each is a request that failed or was computed again; information below one in a thousand.",
        confirm="Look for 'Releasing expired KV blocks' in prefill's log.",
        fix="Find why decode does not fetch: a dead or full decode worker, failing transfers, or clients that went away "
        "between the two steps.",
        confused_with="Clients that cancel right after prefill: then nothing fails on decode.",
        detect=_expired,
        explains=("kv_read_after_expiry",),
        reach=Reach.SIDES,
    ),
    FindingDef(
        id="transfer_dominates_prefill",
        severity=Severity.WARNING,
        title="KV transfer is slow beside prefill",
        meaning="The mean transfer takes more than half of the mean prefill time of a request: disaggregation costs more "
        "than it saves. Information where a transfer is so short that nobody feels it, as with short prompts.",
        confirm="Divide the transfer seconds by the prefill seconds of the same minutes; look at bytes per second.",
        fix="Check that transfers run over RDMA (UCX_TLS, devices, GPU-direct buffers), not TCP or CPU-staged buffers, and "
        "that no link is at a lower rate or congested. If the network is meant to be that slow, raise transfer_prefill_ratio, or "
        "serve this model without disaggregation.",
        confused_with="Very short prompts, for which any transfer is long beside prefill.",
        detect=_dominates,
        onset_seconds=10.0,
        not_capacity=True,
        explains=("slo_ttft_missed",),
        reach=Reach.SERVICE,
    ),
)
