"""Lines about faults: phrases of vLLM, NVSHMEM and PyTorch, and what each means."""

from __future__ import annotations

import re

from pdwatch.model.logline import EngineFault, FaultKind, KvExpired, StatsDisabled, VersionBanner

PHRASES: tuple[tuple[str, FaultKind], ...] = (
    ("NIXL transfer failure", FaultKind.TRANSFER_FAILED),
    ("NIXL compatibility hash mismatch", FaultKind.COMPATIBILITY_MISMATCH),
    ("Evicted stale remote engine", FaultKind.STALE_REMOTE),
    ("Remote engine at ", FaultKind.STALE_REMOTE),
    ("Potentially invalid KV blocks", FaultKind.INVALID_BLOCKS_READ),
    ("init failed for transport: ", FaultKind.RDMA_INIT_FAILED),
    ("Unable to initialize any transports", FaultKind.RDMA_INIT_FAILED),
    ("NVSHMEM API called before NVSHMEM init", FaultKind.RDMA_INIT_FAILED),
    ("cannot register cq buf", FaultKind.LOCKED_MEMORY),
    ("No available memory for the cache blocks", FaultKind.OUT_OF_MEMORY),
    ("OutOfMemoryError", FaultKind.OUT_OF_MEMORY),
    ("out of memory. Tried to allocate", FaultKind.OUT_OF_MEMORY),
)
_USER_TEXT = ("Received request", "Added request", "Generated response")
_EXPIRED = re.compile(
    r"Releasing expired KV blocks for request .{1,512}? which were retrieved by (\d{1,9}) \w{1,16} worker\(s\) "
    r"(?:within (\d{1,9}) seconds|before lease expired)",
    re.ASCII,
)
_VERSION = re.compile(r"(?:vLLM API server|[\s█▀▄]{6,64}) version (\d[\w.+]{0,63})", re.ASCII)
_ENGINE_VERSION = re.compile(r"Initializing an? (?:V1 )?LLM engine \(v(\d[\w.+]{0,63})\)", re.ASCII)


def fault(text: str) -> EngineFault | None:
    """Return the fault that a message tells of. Lines that quote a user's request are passed over."""
    if text.startswith(_USER_TEXT):
        return None
    kind = next((kind for phrase, kind in PHRASES if phrase in text), None)
    if kind is None or (text.startswith("Remote engine at ") and " changed from " not in text):
        return None
    return EngineFault(kind)


def expired(text: str) -> KvExpired | None:
    """Return KV blocks that were given up unread."""
    match = _EXPIRED.match(text)
    return KvExpired(int(match[1]), float(match[2]) if match[2] else None) if match else None


def stats_disabled(text: str) -> StatsDisabled | None:
    """Return that periodic lines are switched off by several API servers."""
    return StatsDisabled() if text.startswith("AsyncLLM created with api_server_count") else None


def version(text: str) -> VersionBanner | None:
    """Return the version of the banner or of the engine's first line; arguments that follow it are not looked at."""
    match = _VERSION.match(text) or _ENGINE_VERSION.match(text)
    return VersionBanner(match[1]) if match else None
