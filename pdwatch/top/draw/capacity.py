"""What the replicas bear and what is asked of them; what was advised before, and what became of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pdwatch.model.judgement import Decision, Outcome
from pdwatch.model.snapshot import ServiceState
from pdwatch.model.target import Role
from pdwatch.top import numbers
from pdwatch.top.cells import Line, Span, Tone, left, right, wrap
from pdwatch.top.scene import Scene
from pdwatch.top.spark import bar
from pdwatch.top.status import against
from pdwatch.top.verdict import action_status, action_words, sizes

_CELLS = (20, 12, 12, 7)
_BAR = (10, 40)
_HISTORY = 8
_Row = tuple[str, float | None, float | None, float]
"""A bound, its demand, its capacity, and the share of it that is used."""
_OUTCOMES: Mapping[Outcome, Tone] = {Outcome.FOLLOWED: Tone.OK, Outcome.PENDING: Tone.STRONG}


def bounds(scene: Scene, width: int) -> list[Line]:
    """Return every known bound: demand and capacity in tokens a second, and a bar up to the limit."""
    service = scene.service
    loads = service.advice.bounds if service is not None else ()
    rows: list[_Row] = [(load.bound.value, load.demand, load.capacity, load.utilization_ratio) for load in loads]
    rows += [(bound, None, None, ratio) for bound, ratio in _gauged(service)] if service is not None else []
    if not rows:
        text = "Not known: the engines have not shown yet how much they bear."
        return [(Span(f"   {text}", Tone.MUTED),)]
    bound, *others = _CELLS
    names = "".join(right(name, size) for name, size in zip(("demand", "capacity", "used"), others, strict=True))
    limit = scene.thresholds.pressure_high
    head = f"   {left('bound', bound)}{names}   to {numbers.percent(limit)}"
    ordered = sorted(rows, key=lambda row: -row[3])
    return [(Span(head, Tone.MUTED),), *(_bound(row, limit, width - 2) for row in ordered)]


def _gauged(service: ServiceState) -> Iterator[tuple[str, float]]:
    """Yield the load of each pool whose capacity is not learned yet, as its gauges show it."""
    learned = {load.role for load in service.advice.bounds}
    for role, pool in service.pools.items():
        if role not in learned and pool.pressure_ratio is not None and pool.pressure_bound:
            yield pool.pressure_bound, pool.pressure_ratio


def _bound(row: _Row, limit: float, width: int) -> Line:
    name, demand, capacity, ratio = row
    status = against(ratio, limit, hard=True)
    cells = (numbers.rate(demand), numbers.rate(capacity), numbers.percent(ratio))
    text = left(name, _CELLS[0]) + "".join(right(cell, size) for cell, size in zip(cells, _CELLS[1:], strict=True))
    room = min(_BAR[1], width - 7 - sum(_CELLS))
    graph = bar(ratio, limit, room) if room >= _BAR[0] else ""
    return (Span(" "), status.span, Span(f" {text}   "), Span(graph, status.tone))


def history(service: ServiceState, width: int) -> list[Line]:
    """Return the last changes of advice, newest first: what each predicted, what became of it, and in which words."""
    if not service.decisions:
        return [(Span("   The advice has not changed yet.", Tone.MUTED),)]
    return [line for decision in service.decisions[: -_HISTORY - 1 : -1] for line in _decision(decision, width - 2)]


def _decision(decision: Decision, width: int) -> Iterator[Line]:
    words = f"{action_words(decision.action)}{sizes(decision)}"
    predicted = f"predicted {_shares(decision.predicted)}" if _resizes(decision) and decision.predicted else ""
    yield (
        Span(f" {numbers.clock(decision.at)}  ", Tone.MUTED),
        action_status(decision.action).span,
        Span(f" {left(words, min(44, max(30, width // 3)))} "),
        Span(left(_outcome(decision), 10), _OUTCOMES.get(decision.outcome, Tone.MUTED)),
        Span(predicted),
    )
    if decision.note:
        seen = f" Then {_shares(decision.observed)}." if decision.observed and "predicted" not in decision.note else ""
        for text in wrap(f"{decision.note}{seen}", max(10, width - 14)):
            yield (Span(f"             {text}", Tone.MUTED),)


def _outcome(decision: Decision) -> str:
    stands = decision.outcome is Outcome.PENDING and not _resizes(decision)
    return "stands" if stands else decision.outcome.value


def _resizes(decision: Decision) -> bool:
    return any(replicas.desired != replicas.current for replicas in (decision.prefill, decision.decode))


def _shares(shares: Mapping[Role, float]) -> str:
    return ", ".join(f"{role.value} at {numbers.percent(share)}" for role, share in shares.items())
