"""NIXL's own telemetry (`NIXL_TELEMETRY_EXPORTER=prometheus`, port 9090): transfers of any engine that uses NIXL.

The agent that starts a transfer counts it: what it reads as received, what it writes as sent. Every rank has an agent;
they are summed. Times are microseconds.
"""

from __future__ import annotations

from pdwatch.engines.family import Family, Kind
from pdwatch.engines.row import Row
from pdwatch.engines.table import Table
from pdwatch.model.reading import Quantity as Q

_FAILED = ("remote_disconnect", "canceled", "unknown")
"""Statuses besides `backend` that are failed transfers; the others are mistakes of a caller."""

ROWS = (
    Row("agent_xfer_time_us", Q.TRANSFER_TIME, since="1.3", buckets=True, scale=1e-6),
    Row("agent_xfer_post_time_us", Q.TRANSFER_POST_TIME, since="1.3", scale=1e-6),
    Row("agent_rx_bytes", Q.TRANSFER_BYTES, count="agent_rx_requests_num"),
    Row("agent_tx_bytes", Q.TRANSFER_BYTES, count="agent_tx_requests_num", adds=True),
    Row("agent_errors", Q.TRANSFER_FAILURES, {"status": "backend"}, since="1.3"),
    *(Row("agent_errors", Q.TRANSFER_FAILURES, {"status": status}, since="1.3", adds=True) for status in _FAILED),
)

FAMILY = Family(
    "nixl",
    Kind.LAYER,
    Table(ROWS),
    about=__doc__,
    page="`/metrics` on `NIXL_TELEMETRY_PROMETHEUS_PORT` (9090), with `NIXL_TELEMETRY_ENABLE=y` and "
    "`NIXL_TELEMETRY_EXPORTER=prometheus` (`prometheus_mp` where ranks share a host)",
    verified="synthetic, after its documentation of August 2026",
)
