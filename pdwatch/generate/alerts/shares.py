"""Recording rules behind the error budgets: observations and those that missed, per service and objective.

Both are gauges over pdwatch's window, so a sum over time of each is traffic, and the quotient a share weighted by it.
Windows with fewer requests than `min_requests` are left out of both, as everywhere.
"""

from __future__ import annotations

from pdwatch.catalog.metrics import ENGINE_GENERATION_TOKENS, POOL_REQUESTS, POOL_WINDOW, SLO_ATTAINMENT
from pdwatch.generate.rules.definition import Record

WINDOWS = ("5m", "30m", "1h", "2h", "6h", "1d", "3d")
OBSERVED = "service_objective:pdwatch_slo_observations:per_second"
MISSED = "service_objective:pdwatch_slo_missed:per_second"


def missed_share(window: str) -> str:
    """Return the name of the record of the share that missed within *window*."""
    return f"service_objective:pdwatch_slo_missed:share{window}"


def _judged(objective: str, traffic: str) -> str:
    return (
        f"{traffic}\n"
        f'and on (service) {SLO_ATTAINMENT.name}{{objective="{objective}"}}\n'
        f"and on (service) (max by (service) ({POOL_WINDOW.name}) >= $min_requests)"
    )


def _by_service(metric: str, roles: str) -> str:
    """Sum over the roles that count the observations, or over all where no pool has such a role."""
    return f'(\n  sum by (service) ({metric}{{role=~"{roles}"}})\n  or sum by (service) ({metric})\n)'


def _records() -> tuple[Record, ...]:
    attained = f"min by (service, objective) ({SLO_ATTAINMENT.name})"
    return (
        Record(
            OBSERVED,
            _judged("ttft", _by_service(POOL_REQUESTS.name, "prefill|both")),
            "Requests per second whose time to first token is judged.",
            {"objective": "ttft"},
        ),
        Record(
            OBSERVED,
            _judged("itl", _by_service(ENGINE_GENERATION_TOKENS.name, "decode|both")),
            "Tokens per second whose distance is judged.",
            {"objective": "itl"},
        ),
        Record(
            MISSED,
            f"(1 - {attained})\n* on (service, objective) {OBSERVED}",
            "Observations per second that missed their objective.",
        ),
        *(
            Record(
                missed_share(window),
                f"sum_over_time({MISSED}[{window}])\n/ sum_over_time({OBSERVED}[{window}])",
                f"Share of the observations of {window} that missed their objective.",
            )
            for window in WINDOWS
        ),
    )


RECORDS = _records()
