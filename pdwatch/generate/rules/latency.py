"""Latencies: quantiles of summed buckets, and means."""

from __future__ import annotations

from pdwatch.generate.rules.definition import Record
from pdwatch.generate.rules.flows import bucket_flow, flow
from pdwatch.generate.rules.pools import ratio

QUANTILES = (("p50", 0.5), ("p95", 0.95), ("p99", 0.99))
_TOKENS = '{role=~"decode|both"}'
"""Where answers are generated; prefill's only token has no distance to another."""


def quantiles(name: str, buckets: str, what: str) -> tuple[Record, ...]:
    """Return the records of the quantiles of summed buckets, without a sample where nothing was observed."""
    return tuple(
        Record(f"{name}:{label}", f"histogram_quantile({q:g}, {buckets}) >= 0", f"{what}: {label}, in seconds.")
        for label, q in QUANTILES
    )


def mean(name: str, text: str) -> Record:
    """Return the record of the mean of a histogram by service and role."""
    return Record(f"service_role:vllm_{name}:mean", ratio(flow(f"{name}_sum"), flow(f"{name}_count")), text)


def _sum(part: str) -> str:
    return f"sum by (service) ({flow(f'itl_seconds_{part}')}{_TOKENS})"


_TTFT = "service_role:vllm_ttft_seconds:mean"

RECORDS = (
    *quantiles("service_role:vllm_ttft_seconds", bucket_flow("ttft_seconds"), "Time to the first token of the role"),
    mean("ttft_seconds", "Mean time to the first token as the role counts it."),
    Record(
        "service:vllm_ttft_seconds:mean",
        f'(\n  sum by (service) ({_TTFT}{{role="prefill"}})\n  + sum by (service) ({_TTFT}{{role="decode"}})\n)\n'
        f'or sum by (service) ({_TTFT}{{role="both"}})',
        "Mean time to the first token over prefill and decode: means of parts add up, quantiles do not.",
    ),
    *quantiles(
        "service:vllm_itl_seconds",
        f"sum by (service, le) ({bucket_flow('itl_seconds')}{_TOKENS})",
        "Time between two tokens",
    ),
    Record("service:vllm_itl_seconds:mean", ratio(_sum("sum"), _sum("count")), "Mean time between two tokens."),
    mean("queue_seconds", "Mean time in the queue; on decode with the KV transfer."),
    mean("prefill_seconds", "Mean time from the first schedule to the first token."),
)
