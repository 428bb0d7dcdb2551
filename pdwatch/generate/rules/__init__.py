"""Recording rules: what pdwatch derives of a service, computed by Prometheus from what vLLM itself exports.

Series carry the labels `service`, `role` and `worker`, as Prometheus gives them to targets of `/sd/workers`.
"""

from __future__ import annotations

from pdwatch.generate.rules import flows, latency, pools, transfer
from pdwatch.generate.rules.definition import Record

RECORDS: tuple[Record, ...] = (*flows.RECORDS, *pools.RECORDS, *latency.RECORDS, *transfer.RECORDS)
"""In an order in which each uses only what stands before it."""
