"""KV transfer of a service. The side that does not count adds zeros, so both are summed: decode counts in pull mode,
prefill in push mode and with Mooncake.
"""

from __future__ import annotations

from pdwatch.generate.rules.definition import Record
from pdwatch.generate.rules.flows import bucket_flow, flow
from pdwatch.generate.rules.latency import quantiles
from pdwatch.generate.rules.pools import ratio


def _sides(name: str, matchers: str = "") -> str:
    return f"sum by (service) ({flow(name)}{matchers})"


_DECODE = '{role="decode"}'
_SECONDS, _TRANSFERS, _BYTES = (_sides(f"kv_transfer_{part}") for part in ("seconds_sum", "seconds_count", "bytes_sum"))
_MEAN = "service:vllm_kv_transfer_seconds:mean"
_COMPUTED, _MOVED = (_sides(f"prompt_tokens_{how}", _DECODE) for how in ("computed", "transferred"))
_HITS, _QUERIES = (_sides(f"external_cache_{what}", _DECODE) for what in ("hits", "queries"))
_FAILED, _NOT_RECEIVED = _sides("kv_transfer_failures"), _sides("kv_receive_failures")

RECORDS = (
    Record("service:vllm_kv_transfers:rate", _TRANSFERS, "KV transfers per second."),
    Record("service:vllm_kv_transfer_bytes:rate", _BYTES, "KV moved between the pools, in bytes per second."),
    Record(_MEAN, ratio(_SECONDS, _TRANSFERS), "Mean time of one KV transfer."),
    *quantiles(
        "service:vllm_kv_transfer_seconds",
        f"sum by (service, le) ({bucket_flow('kv_transfer_seconds')})",
        "Time of one KV transfer",
    ),
    Record(
        "service:vllm_kv_transfer_bandwidth:bytes_per_second",
        ratio(_BYTES, _SECONDS),
        "What one KV transfer gets, in bytes per second of its time.",
    ),
    Record(
        "service:vllm_kv_transfer_prefill:ratio",
        ratio(_MEAN, 'sum by (service) (service_role:vllm_prefill_seconds:mean{role="prefill"})'),
        "Mean transfer time over mean prefill time of a request.",
    ),
    Record(
        "service:vllm_kv_transfer_failures:rate",
        f"({_FAILED}\n  + {_NOT_RECEIVED})\nor {_FAILED}\nor {_NOT_RECEIVED}",
        "KV transfers that failed, per second: connectors count one or both.",
    ),
    Record("service:vllm_kv_expired:rate", _sides("kv_expired"), "KV that expired unread, per second."),
    Record(
        "service:vllm_kv_recomputed:ratio",
        f"{_COMPUTED}\n/ ({_COMPUTED} + {_MOVED} > 0)\nor\n1 - clamp_max({_HITS} / ({_QUERIES} > 0), 1)",
        "Share of uncached prompt tokens that decode computed: by source since 0.16, before by the external cache.",
    ),
)
