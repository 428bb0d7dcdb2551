"""Error budgets of the latency objectives: how fast what was promised is used up.

Several windows and rates, after the SRE workbook: a long window tells that it matters, a short one that it goes on. A
budget of 10 % cannot burn faster than 10 times, so the share that may miss is bounded by what can still be exceeded.
What is summed are observations that missed and observations, never percentiles.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from pdwatch.catalog.metrics import SLO_TARGET
from pdwatch.generate.alerts.definition import PREFIX, Alert, Board, Component
from pdwatch.generate.alerts.shares import missed_share

MOST_MISSED = 0.9
"""Share of observations that is enough for any rate of burning."""


class Burn(NamedTuple):
    """Two windows and how many times faster than allowed the budget burns in both."""

    long: str
    short: str
    factor: float


class _Speed(NamedTuple):
    name: str
    burns: tuple[Burn, ...]
    severity: str
    hold: float
    pace: str


_SPEEDS = (
    # 2 % of a month's budget in an hour, 5 % in six hours: somebody gets up
    _Speed(
        "Fast",
        (Burn("1h", "5m", 14.4), Burn("6h", "30m", 6.0)),
        "critical",
        120.0,
        "a month's budget is gone within days",
    ),
    # 10 % of a month's budget in a day or in three: a ticket
    _Speed(
        "Slow",
        (Burn("1d", "2h", 3.0), Burn("3d", "6h", 1.0)),
        "warning",
        1800.0,
        "the month's budget will not last",
    ),
)


@dataclass(frozen=True, slots=True)
class _Objective:
    key: str
    """Label `objective`."""
    name: str
    what: str
    seen: str
    mend: str


_OBJECTIVES = (
    _Objective(
        "ttft",
        "Ttft",
        "time to first token",
        "the router's or a load test's own time to the first token",
        "Look where the time goes on the service's board: router, prefill queue, prefill, transfer, decode admission. "
        "Follow the advice: a pool that is too small, or a fault between the pools.",
    ),
    _Objective(
        "itl",
        "Itl",
        "time between tokens",
        "the pauses within streamed answers of a client",
        "Look at decode: a full KV cache and preemptions, too many sequences at once, a slow worker, experts out of "
        "balance. Follow the advice.",
    ),
)


def _burning(objective: str, burns: tuple[Burn, ...]) -> str:
    return "\nor\n".join(_one(objective, burn) for burn in burns)


def _one(objective: str, burn: Burn) -> str:
    budget = f"(1 - max by (service, objective) ({SLO_TARGET.name}))"
    limit = f"clamp_max({burn.factor:g} * {budget}, {MOST_MISSED:g})"
    long, short = (f'{missed_share(window)}{{objective="{objective}"}}' for window in (burn.long, burn.short))
    return (
        f"(\n  {long}\n    > on (service, objective) {limit}\n"
        f"  and\n  {short}\n    > on (service, objective) {limit}\n)"
    )


_MEANING = (
    "More requests miss the objective for the {what} than its target allows, so fast that {pace}. From the share of "
    "observations within the objective that pdwatch reads off bucket edges of the whole way, weighted by traffic and "
    "summed over windows of {windows}. Windows with few requests do not count."
)


def _alert(objective: _Objective, speed: _Speed) -> Alert:
    windows = " and ".join(f"{burn.long} with {burn.short}" for burn in speed.burns)
    return Alert(
        name=f"{PREFIX}{objective.name}BudgetBurn{speed.name}",
        component=Component.OBJECTIVE,
        expr=_burning(objective.key, speed.burns),
        severity=speed.severity,
        summary=f"{{{{ $labels.service }}}} misses its objective for the {objective.what}.",
        description="{{ $value | humanizePercentage }} of its observations in the long window missed it, "
        f"and it goes on: {speed.pace}.",
        meaning=_MEANING.format(what=objective.what, pace=speed.pace, windows=windows),
        confirm=f"Compare with {objective.seen}, over the same minutes; look at the attainment and its bucket edge "
        "(`pdwatch_slo_attainment_ratio`, `pdwatch_slo_edge_seconds`).",
        fix=objective.mend,
        confused_with="An objective between two bucket edges, where the nearest edge is judged: read "
        "`pdwatch_slo_edge_seconds`. A change of the objective, after which old windows tell of both.",
        for_seconds=speed.hold,
        keep_firing_for_seconds=300.0,
        board=Board.SERVICE,
    )


ALERTS = tuple(_alert(objective, speed) for objective in _OBJECTIVES for speed in _SPEEDS)
