"""sglang-router 0.3 (sglang-model-gateway), and the experimental `sgl-router`: workers behind it and request times.

- A worker that was taken out keeps its series at -1, which is neither up nor down.
- With prefill and decode it dispatches to both at once and books a failure of either on both, so that its errors tell
  nothing of one worker.
- Times to the first token exist only where it speaks gRPC to its workers.
- Its `/engine_metrics` is a page of all workers at once and no page of the router.
"""

from __future__ import annotations

from pdwatch.engines.family import Family, Kind, Routing
from pdwatch.engines.fronts.routed import Names, routing
from pdwatch.engines.row import Row
from pdwatch.engines.table import Table, View
from pdwatch.model.reading import Quantity as Q

_GRPC = "gRPC between router and workers"

ROWS = (
    Row("smg_router_requests", Q.FINISHED),
    Row("smg_router_request_errors", Q.FINISHED_ERROR),
    Row("smg_router_request_duration_seconds", Q.E2E),
    Row("sgl_router_request_duration_seconds", Q.E2E),
    Row("smg_router_ttft_seconds", Q.TTFT, needs=_GRPC, buckets=True),
    Row("sgl_router_ttft_seconds", Q.TTFT, buckets=True),
    Row("smg_router_tpot_seconds", Q.ITL, needs=_GRPC, buckets=True, note="mean of each request, not each gap"),
)

NAMES = Names(
    health=("smg_worker_health", "sgl_router_worker_health"),
    requests={"smg_worker_cb_outcomes_total": None},
    errors={},
    labels=("worker", "worker_url"),
    failed={"outcome": "failure"},
)
_POOL = "smg_worker_pool_size"


def _routing(view: View) -> Routing:
    sides = {series.labels.get("worker_type") for _, series in view if series.name == _POOL}
    return routing(view, NAMES, blames_both={"prefill", "decode"} <= sides)


FAMILY = Family(
    "sglang-router",
    Kind.FRONT,
    Table(ROWS),
    about=__doc__,
    page="`/metrics` on a port of its own (29000)",
    verified="recorded and live: 0.3.2 over HTTP with two prefill and two decode workers; gRPC and `sgl-router` are "
    "synthetic",
    marks=("smg_", "sgl_router_"),
    info=(*NAMES.all, _POOL),
    routing=_routing,
)
