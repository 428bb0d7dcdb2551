"""Mooncake's own pages: the TENT transfer engine (port 9100) and the store's client. Times are microseconds.

The classic transfer engine only writes log lines, and what vLLM counts of Mooncake is read there. The store's master
(port 9003) tells of the store and of no transfer.
"""

from __future__ import annotations

from pdwatch.engines.family import Family, Kind
from pdwatch.engines.row import Row
from pdwatch.engines.table import Table
from pdwatch.model.reading import Quantity as Q

_TENT = "TENT built with metrics"

ROWS = (
    Row("tent_read_latency_us", Q.TRANSFER_TIME, needs=_TENT, buckets=True, scale=1e-6),
    Row("tent_write_latency_us", Q.TRANSFER_TIME, needs=_TENT, buckets=True, scale=1e-6, adds=True),
    Row("mooncake_transfer_get_latency", Q.TRANSFER_TIME, needs="the store's client", buckets=True, scale=1e-6),
    Row("tent_read_bytes", Q.TRANSFER_BYTES, needs=_TENT, count="tent_read_requests"),
    Row("tent_write_bytes", Q.TRANSFER_BYTES, needs=_TENT, count="tent_write_requests", adds=True),
    Row(
        "mooncake_transfer_read_bytes",
        Q.TRANSFER_BYTES,
        needs="the store's client",
        count="mooncake_transfer_get_latency_count",
    ),
    Row("tent_read_failures", Q.TRANSFER_FAILURES, needs=_TENT),
    Row("tent_write_failures", Q.TRANSFER_FAILURES, needs=_TENT, adds=True),
)

FAMILY = Family(
    "mooncake",
    Kind.LAYER,
    Table(ROWS),
    about=__doc__,
    page="`/metrics` of TENT (9100), if it was built with `TENT_METRICS_ENABLED`; the store's client",
    verified="synthetic, after the sources of August 2026",
    marks=("master_put_", "master_get_", "tent_"),
)
