"""Groups of findings that come together, so that each cause names them the same way."""

from __future__ import annotations

MISSED = ("slo_ttft_missed", "slo_itl_missed")
"""Objectives."""

KV_LOST = (
    "requests_failing",
    "kv_recomputed_on_decode",
    "kv_blocks_expired",
    "kv_leak",
    "kv_pinned_on_prefill",
    "slo_ttft_missed",
)
"""What is seen where KV does not reach decode."""

WORKER_LOST = ("kv_transfer_failing", "kv_transfer_stalled", *KV_LOST)
"""What the others show of a worker that is gone: the other side's transfers fail, and KV for it stays behind."""

TOO_FEW = ("kv_cache_saturated", "preempting", "prefill_saturated", "queue_imbalanced", *MISSED)
"""What a pool shows that has fewer workers at work than it was sized for."""

SLOW_KV = ("kv_transfer_slow", "transfer_dominates_prefill", "kv_pinned_on_prefill", "slo_ttft_missed")
"""What a worse path between the sides shows."""


def together(*groups: tuple[str, ...]) -> tuple[str, ...]:
    """Return the names of all groups, each once."""
    return tuple(dict.fromkeys(name for group in groups for name in group))
