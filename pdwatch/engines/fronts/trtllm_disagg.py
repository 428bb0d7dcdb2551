"""The orchestrator of `trtllm-serve disaggregated`: what it counts of requests, under names without a prefix.

It times its own calls of either side, so that no number of it is the time to the first token as a user waits for it:
that is added up from the workers' own. Gaps between chunks of an answer are taken as gaps between tokens.
"""

from __future__ import annotations

from pdwatch.engines.family import Family, Kind
from pdwatch.engines.row import Row
from pdwatch.engines.table import Table
from pdwatch.model.reading import Quantity as Q

MARKS = ("ctx_total_requests", "gen_total_requests")
"""Declared by the orchestrator alone; the other names are too common to tell it by."""

ROWS = (
    Row("total_requests", Q.FINISHED, note="counted when they arrive"),
    Row("internal_errors", Q.FINISHED_ERROR),
    Row("queue_latency_seconds", Q.QUEUE_TIME),
    Row("gen_per_token_latency_seconds", Q.ITL, buckets=True, note="gaps between chunks"),
    Row("gen_complete_latency_seconds", Q.E2E, note="of the generation server's part"),
)


FAMILY = Family(
    "trtllm-disagg",
    Kind.FRONT,
    Table(ROWS),
    about=__doc__,
    page="`/prometheus/metrics` of the orchestrator (8000)",
    verified="synthetic, after the sources of the 1.3 line",
    marks=MARKS,
    common=True,
)
