"""Findings over time: onset and clearing take time, so that nothing flickers."""

from __future__ import annotations

from dataclasses import dataclass

from pdwatch.judge.causes import Causes
from pdwatch.judge.definition import FindingDef, Hit, View
from pdwatch.model.judgement import Finding

Key = tuple[str, tuple[tuple[str, str], ...]]


@dataclass(slots=True)
class _Standing:
    since: float
    seen: float
    finding: Finding
    given: bool = False


class StandingFindings:
    """The findings of one service from tick to tick."""

    def __init__(self, definitions: tuple[FindingDef, ...]) -> None:
        self._definitions = definitions
        self._causes = Causes(definitions)
        self._clear = {definition.id: definition.clear_seconds for definition in definitions}
        self._standing: dict[Key, _Standing] = {}

    def update(self, view: View, now: float) -> tuple[Finding, ...]:
        """Evaluate every condition at *now* and return what stands, the gravest roots first, each with its symptoms."""
        for definition in self._definitions:
            onset = definition.onset_seconds * view.thresholds.onset_factor
            for hit in definition.detect(view):
                self._saw(definition, hit, onset, now)
        for key, standing in list(self._standing.items()):
            wait = self._clear[key[0]] if standing.given else 0.0
            if standing.seen < now and now - standing.seen >= wait:
                del self._standing[key]
        given = [standing.finding for standing in self._standing.values() if standing.given]
        return self._causes.ordered(given, _hosts(view)) if given else ()

    def _saw(self, definition: FindingDef, hit: Hit, onset: float, now: float) -> None:
        key = (definition.id, tuple(sorted(hit.scope.items())))
        held = self._standing.get(key)
        since = held.since if held is not None else now
        finding = Finding(
            definition.id,
            definition.severity if hit.severity is None else hit.severity,
            hit.scope,
            since,
            hit.summary,
            definition.fix,
            hit.evidence,
        )
        given = (held is not None and held.given) or now - since >= onset
        self._standing[key] = _Standing(since, now, finding, given)


def _hosts(view: View) -> dict[str, str]:
    """Return the host of each worker, as far as it is known."""
    told = {worker.worker: worker.host for worker in view.service.workers if worker.host is not None}
    return told | {placement.worker: placement.host for placement in view.service.placements}
