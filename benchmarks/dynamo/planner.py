"""NVIDIA Dynamo's own planner, its code as it is in the wheel, as a scaling policy of its simulator."""

from __future__ import annotations

from typing import Any

from dynamo.planner.config.planner_config import PlannerConfig
from dynamo.planner.core.types import WorkerCapabilities
from dynamo.planner.offline.replay_adapter import ReplayPlannerAdapter, create_replay_planner_adapter

from benchmarks.dynamo.hardware import capabilities, measured_passes
from benchmarks.dynamo.score import MOST_GPUS, Objective

MODES: dict[str, dict[str, Any]] = {
    "dynamo throughput": {"optimization_target": "throughput"},
    "dynamo latency": {"optimization_target": "latency"},
    "dynamo sla": {"optimization_target": "sla"},
    "dynamo sla, 60 s": {"optimization_target": "sla", "throughput_adjustment_interval_seconds": 60},
    "dynamo sla + load": {"optimization_target": "sla", "enable_load_scaling": True},
}
"""What differs from the planner's defaults, besides objectives and GPUs: the first two decide by thresholds every 5 s,
`sla` by predicted traffic every 180 s, with `load` by its latency model every 5 s as well."""
_PREDICTOR = "constant"
"""Traffic is predicted to be what it was in the last interval. The default, ARIMA, is fitted to half a dozen intervals
here, and gave other fleets after another installation."""


def planner(mode: str, objective: Objective) -> ReplayPlannerAdapter:
    """Return a planner in one of `MODES`, with a profile made of the simulator's own pass times: its best case."""
    config = PlannerConfig(
        mode="disagg",
        ttft_ms=objective.ttft * 1000.0,
        itl_ms=objective.itl * 1000.0,
        load_predictor=_PREDICTOR,
        max_gpu_budget=MOST_GPUS,
        prefill_engine_num_gpu=1,
        decode_engine_num_gpu=1,
        pre_deployment_sweeping_mode="none",
        advisory=True,
        **MODES[mode],
    )
    able = capabilities()
    adapter = create_replay_planner_adapter(
        config, WorkerCapabilities(prefill=able, decode=able), capture_details=False
    )
    prefill, decode = measured_passes()
    adapter.install_benchmark_fpms(prefill_fpms=prefill, decode_fpms=decode)
    return adapter
