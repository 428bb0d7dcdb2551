"""KV transfer as it is seen from outside: nothing moves, much fails, or it is slower than it used to be."""

from __future__ import annotations

from pdwatch.catalog.metrics import (
    KV_BANDWIDTH,
    KV_FAILURE_RATE,
    KV_MOVING,
    KV_THROUGHPUT,
    KV_TRANSFERS,
    POOL_WINDOW,
)
from pdwatch.generate.alerts.definition import KEEP_MUTED_SECONDS, Alert, Board, Component

_PEERS = ("worker_down", "worker_unresponsive", "role_empty")


def _of_service(metric: str) -> str:
    return f"max by (service) ({metric})"


ALERTS = (
    Alert(
        name="PDWatchKvNotMoving",
        component=Component.SYMPTOM,
        expr=f"{_of_service(KV_MOVING.name)} == 0\n"
        f'and on (service) max by (service) ({POOL_WINDOW.name}{{role="decode"}}) >= $min_requests',
        severity="critical",
        summary="No KV moves from prefill to decode in {{ $labels.service }}.",
        description="Decode serves requests and receives none of the KV that prefill computes: every prompt is computed twice.",
        meaning="Requests finish on decode, and within pdwatch's window no transfer was counted and no prompt token arrived "
        "by transfer.",
        confirm="Compare the prompt tokens of decode by source (`vllm:prompt_tokens_by_source_total`): all are "
        "`local_compute`.",
        fix="Check that --kv-transfer-config is set on both sides, that the router sends the transfer parameters, and whether "
        "failed loads are recomputed silently.",
        confused_with="A router that by design sends short prompts straight to decode; prompts that are all in decode's own "
        "prefix cache.",
        for_seconds=120.0,
        keep_firing_for_seconds=KEEP_MUTED_SECONDS,
        board=Board.TRANSFER,
        muted_by=("kv_recomputed_on_decode", "kv_transfer_failing", "kv_transfer_stalled", *_PEERS),
    ),
    Alert(
        name="PDWatchKvTransferFailureShareHigh",
        component=Component.SYMPTOM,
        expr=f"{_of_service(KV_FAILURE_RATE.name)}\n"
        f"  / ({_of_service(KV_FAILURE_RATE.name)} + {_of_service(KV_TRANSFERS.name)} > 0)\n"
        "  > $transfer_failure_share",
        severity="critical",
        summary="Many KV transfers of {{ $labels.service }} fail.",
        description="{{ $value | humanizePercentage }} of the KV transfers and handshakes fail.",
        meaning="Failed transfers, handshakes and notifications over all transfers within pdwatch's window. One request can "
        "count several times: once per rank and step.",
        confirm="Look for transfer and handshake errors in the log of decode; watch its failed-transfer counter.",
        fix="See kv_transfer_failing: reach of the side channel, equal versions and layouts, network devices.",
        confused_with="A dead prefill worker, whose peers fail to fetch from it: mend that first.",
        for_seconds=120.0,
        keep_firing_for_seconds=KEEP_MUTED_SECONDS,
        board=Board.TRANSFER,
        muted_by=("kv_transfer_failing", *_PEERS),
    ),
    Alert(
        name="PDWatchKvTransferSlowerThanBefore",
        component=Component.SYMPTOM,
        expr=f"{_of_service(KV_BANDWIDTH.name)}\n"
        f"  / (quantile_over_time(0.5, {_of_service(KV_BANDWIDTH.name)}[1d:5m] offset 1h) > 0)\n"
        "  < $transfer_baseline_share\n"
        f"and on (service) {_of_service(KV_THROUGHPUT.name)} >= $transfer_min_bytes_per_second",
        severity="warning",
        summary="KV transfers of {{ $labels.service }} are slower than in the day before.",
        description="A KV transfer gets {{ $value | humanizePercentage }} of the bandwidth that was usual in the day before.",
        meaning="Bytes over the time of the transfers, against the median of the same over the last day. pdwatch itself knows "
        "what was usual only since it started; Prometheus remembers longer.",
        confirm="Plot `pdwatch_kv_transfer_bandwidth_bytes_per_second` over two days, beside the load and the sizes of the "
        "transfers.",
        fix="Look for findings on ports, PCIe and GPUs of the hosts, and for what changed: a driver, UCX settings, other "
        "traffic on the fabric.",
        confused_with="More load at once, which shares the same links; much smaller prompts.",
        for_seconds=600.0,
        keep_firing_for_seconds=KEEP_MUTED_SECONDS,
        board=Board.TRANSFER,
        muted_by=("kv_transfer_slow", "kv_transfer_off_fabric", "fabric_port_down", "fabric_rate_degraded"),
    ),
)
