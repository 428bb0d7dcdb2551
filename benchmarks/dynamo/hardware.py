"""The machines: how long a pass takes and what fits, told to the simulator and to Dynamo's planner alike."""

from __future__ import annotations

import json
from math import ceil
from pathlib import Path
from typing import Any

import numpy as np
from dynamo.common.forward_pass_metrics import ForwardPassMetrics, ScheduledRequestMetrics
from dynamo.mocker import MockEngineArgs
from dynamo.planner.core.types import EngineCapabilities

from benchmarks.dynamo.loads import Phase

STARTUP_SECONDS = 60.0
MOST_BATCHED_TOKENS = 8192
KV_BLOCKS, BLOCK_TOKENS = 3500, 64
KV_TOKENS = KV_BLOCKS * BLOCK_TOKENS
_SEQUENCES, _CONTEXT = 256, 32_768
_KV_BYTES, _GB_A_SECOND = 131_072, 25.0
_FIRST_USE = 0.65
"""Share of the capacity at which the first fleet is sized for the load at second 0."""


def prefill_seconds(tokens: float) -> float:
    """Return the time of a prefill pass: about a 32B model in FP8 on one H200. 8192 tokens stay below a second: the
    simulator reports a worker whose pass lasts longer as idle."""
    return 0.008 + 55e-6 * tokens + 1.75e-9 * tokens * tokens


def decode_seconds(requests: float, tokens: float) -> float:
    """Return the time of a decode step of so many requests that hold so many tokens."""
    return 0.0208 + 1.6e-4 * requests + 6e-8 * tokens


def write_table(path: Path) -> None:
    """Write the pass times as the simulator reads them: milliseconds, 64-bit floats."""
    prompts = np.array([16, 256, 512, 1024, 2048, 3072, 4096, 6144, 8192], dtype=float)
    held = np.linspace(0.0, KV_TOKENS, 57)
    contexts = np.array([64, 256, 512, 1024, 2048, 3072, 4096, 6144, 8192, 16384], dtype=float)
    np.savez(
        path,
        prefill_isl=prompts,
        prefill_ttft_ms=1000.0 * prefill_seconds(prompts),
        decode_active_kv_tokens=held,
        decode_context_length=contexts,
        decode_itl=1000.0 * np.array([[decode_seconds(kv / context, kv) for context in contexts] for kv in held]),
    )


def engine(role: str, table: Path) -> MockEngineArgs:
    """Return the simulated engine of *role*, with the pass times of *table*."""
    told: dict[str, Any] = {
        "num_gpu_blocks": KV_BLOCKS,
        "block_size": BLOCK_TOKENS,
        "max_num_seqs": _SEQUENCES,
        "max_num_batched_tokens": MOST_BATCHED_TOKENS,
        "max_model_len": _CONTEXT,
        "enable_prefix_caching": False,
        "startup_time": STARTUP_SECONDS,
        "planner_profile_data": str(table),
        "kv_bytes_per_token": _KV_BYTES,
        "kv_transfer_bandwidth": _GB_A_SECOND,
        f"is_{role}": True,
    }
    return MockEngineArgs.from_json(json.dumps(told))


def capabilities() -> EngineCapabilities:
    """Return what Dynamo's planner is told of an engine."""
    return EngineCapabilities(
        num_gpu=1,
        max_num_batched_tokens=MOST_BATCHED_TOKENS,
        max_num_seqs=_SEQUENCES,
        context_length=_CONTEXT,
        max_kv_tokens=KV_TOKENS,
    )


def measured_passes() -> tuple[list[ForwardPassMetrics], list[ForwardPassMetrics]]:
    """Return passes of prefill and decode as a profile of the engines would give them to Dynamo's planner."""
    prefill = [
        _timed(prefill_seconds(tokens), num_prefill_requests=1, sum_prefill_tokens=tokens)
        for tokens in range(100, MOST_BATCHED_TOKENS + 1, 1011)
    ]
    decode = [
        _timed(decode_seconds(n, n * context), num_decode_requests=n, sum_decode_kv_tokens=n * context)
        for context in (500, 2000, 4000, 8000)
        for n in range(1, _SEQUENCES + 1, 32)
        if n * context <= KV_TOKENS
    ]
    return prefill, decode


def _timed(seconds: float, **scheduled: int) -> ForwardPassMetrics:
    return ForwardPassMetrics(wall_time=seconds, scheduled_requests=ScheduledRequestMetrics(**scheduled))


def first_fleet(phase: Phase, itl: float) -> tuple[int, int]:
    """Return the prefill and decode workers with which every policy begins."""
    context = phase.prompt + phase.answer / 2
    batches = [n for n in range(1, int(KV_TOKENS / context)) if decode_seconds(n, n * context) <= itl]
    batch = max(batches)
    decode = phase.rate * phase.answer * decode_seconds(batch, batch * context) / batch
    return ceil(phase.rate * prefill_seconds(phase.prompt) / _FIRST_USE), ceil(decode / _FIRST_USE)
