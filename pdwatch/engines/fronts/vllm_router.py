"""vllm-router 0.1: what it counts about the workers behind it, and how long requests take through it."""

from __future__ import annotations

from pdwatch.engines.family import Family, Kind, Routing
from pdwatch.engines.fronts.routed import Names, routing
from pdwatch.engines.row import Row
from pdwatch.engines.table import Table, View
from pdwatch.model.reading import Quantity as Q

PREFIX = "vllm_router_"

ROWS = (
    Row("pd_requests", Q.FINISHED),
    Row("pd_errors", Q.FINISHED_ERROR),
    Row("pd_request_duration_seconds", Q.E2E),
)

NAMES = Names(
    health=(f"{PREFIX}worker_health",),
    requests={f"{PREFIX}pd_prefill_requests_total": "prefill", f"{PREFIX}pd_decode_requests_total": "decode"},
    errors={f"{PREFIX}pd_prefill_errors_total": "prefill", f"{PREFIX}pd_decode_errors_total": "decode"},
)


def _routing(view: View) -> Routing:
    return routing(view, NAMES)


FAMILY = Family(
    "vllm-router",
    Kind.FRONT,
    Table(ROWS, (PREFIX,)),
    about=__doc__,
    page="`/metrics` on a port of its own (29000)",
    verified="recorded and live: 0.1.17 with two prefill and two decode workers",
    marks=(PREFIX,),
    info=NAMES.all,
    routing=_routing,
)
