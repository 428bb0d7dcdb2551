"""The allow-listed part of a process environment. Nothing else of it is ever decoded or kept.

The kernel shows the environment of the process's start; what the program sets later is not in it.
"""

from __future__ import annotations

import re

ALLOWED = frozenset(
    {
        "CUDA_VISIBLE_DEVICES",
        "DYN_HTTP_PORT",
        "DYN_NAMESPACE",
        "DYN_SYSTEM_PORT",
        "GLOO_SOCKET_IFNAME",
        "NCCL_CUMEM_ENABLE",
        "NCCL_IB_DISABLE",
        "NCCL_IB_GID_INDEX",
        "NCCL_IB_HCA",
        "NCCL_MNNVL_ENABLE",
        "NCCL_SOCKET_IFNAME",
        "NIXL_TELEMETRY_ENABLE",
        "NIXL_TELEMETRY_EXPORTER",
        "NIXL_TELEMETRY_PROMETHEUS_PORT",
        "NVIDIA_VISIBLE_DEVICES",
        "NVSHMEM_HCA_LIST",
        "NVSHMEM_IB_ENABLE_IBGDA",
        "NVSHMEM_REMOTE_TRANSPORT",
        "PROMETHEUS_MULTIPROC_DIR",
        "TP_SOCKET_IFNAME",
        "UCX_IB_GID_INDEX",
        "UCX_NET_DEVICES",
        "UCX_TLS",
        "VLLM_ALL2ALL_BACKEND",
        "VLLM_LOG_STATS_INTERVAL",
        "VLLM_MOONCAKE_BOOTSTRAP_PORT",
        "VLLM_NIXL_ABORT_REQUEST_TIMEOUT",
        "VLLM_NIXL_SIDE_CHANNEL_HOST",
        "VLLM_NIXL_SIDE_CHANNEL_PORT",
        "VLLM_PROCESS_NAME_PREFIX",
        "VLLM_SERVER_DEV_MODE",
        "VLLM_USE_V1",
    }
)
"""Names that engine and fabric set-up depend on; none of them carries a secret by its meaning."""

_KEYS = {key.encode(): key for key in ALLOWED}
_PLAIN = re.compile(rb"[\w./:,*^=+\-\[\] ]{0,512}")


def allowed(raw: bytes) -> dict[str, str]:
    """Return the allow-listed variables of a NUL-separated environment, by name.

    A value with characters that none of these variables needs (an `@`, a quote, bytes outside ASCII) is left out.
    """
    found: dict[str, str] = {}
    for entry in raw.split(b"\0"):
        key, equals, value = entry.partition(b"=")
        if equals and key in _KEYS and b"://" not in value and _PLAIN.fullmatch(value):
            found[_KEYS[key]] = value.decode("ascii", "replace")
    return dict(sorted(found.items()))
