"""Requests that fail, whatever the cause."""

from __future__ import annotations

from pdwatch.catalog.metrics import ERRORS, POOL_REQUESTS, POOL_WINDOW
from pdwatch.generate.alerts.definition import KEEP_MUTED_SECONDS, Alert, Component

ALERTS = (
    Alert(
        name="PDWatchErrorShareHigh",
        component=Component.SYMPTOM,
        expr=f"sum by (service, role) (max by (service, role, worker, engine) ({ERRORS.name}))\n"
        f"  / (max by (service, role) ({POOL_REQUESTS.name}) > 0)\n"
        "  > $error_share_high\n"
        f"and on (service, role) max by (service, role) ({POOL_WINDOW.name}) >= $min_requests",
        severity="critical",
        summary="Requests of {{ $labels.service }} fail on {{ $labels.role }}.",
        description="{{ $value | humanizePercentage }} of the requests that {{ $labels.role }} finishes end in an error.",
        meaning="The share of requests that engines finish with reason `error`, among all that they finish within "
        "pdwatch's window, is above the threshold for minutes. Clients see HTTP 500.",
        confirm="Count the finished requests by reason on the role (`vllm:request_success_total`), and the answers of the "
        "router by status.",
        fix="Read the findings of the service: failing KV transfers and dead workers come first. Read the error in the log "
        "of the workers of the role.",
        confused_with="Aborts by clients and rejections at admission, which are counted apart.",
        for_seconds=120.0,
        keep_firing_for_seconds=KEEP_MUTED_SECONDS,
        muted_by=("requests_failing", "role_empty"),
    ),
)
