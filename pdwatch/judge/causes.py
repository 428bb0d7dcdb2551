"""Which of the findings that stand are symptoms of which.

A finding names in its entry what it explains, and a symptom how far away its cause may lie. Nothing is hidden: a
symptom keeps standing, but is told after its root and names it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from pdwatch.judge.definition import FindingDef, Reach
from pdwatch.model.judgement import Cause, Finding, Severity

Scope = Mapping[str, str]
_PARTS = ("role", "replica", "worker", "engine", "host", "gpu", "port")


def fits(reach: Reach, symptom: Scope, cause: Scope) -> bool:
    """Tell whether a cause at *cause* is near enough to a symptom at *symptom*."""
    if reach is Reach.SERVICE or _same_place(symptom, cause):
        return True
    one, other = symptom.get("role"), cause.get("role")
    if one is None or other is None:
        return False
    return (reach is Reach.POOL and one == other) or (reach is Reach.SIDES and one != other)


def _same_place(symptom: Scope, cause: Scope) -> bool:
    """Tell that nothing differs that both name; a worker whose host is not known is on no host that is named."""
    if "worker" in symptom and "host" in cause and "worker" not in cause and "host" not in symptom:
        return False
    return all(symptom.get(name, cause[name]) == cause[name] for name in _PARTS if name in cause)


class _Standing:
    """The findings of one kind that may be causes, gravest first, by where they are."""

    def __init__(self) -> None:
        self._all: list[tuple[Finding, Scope]] = []
        self._by_role: dict[str, list[tuple[Finding, Scope]]] = defaultdict(list)
        self._by_worker: dict[str, list[tuple[Finding, Scope]]] = defaultdict(list)

    def add(self, finding: Finding, scope: Scope) -> None:
        """Take the next one."""
        each = (finding, scope)
        self._all.append(each)
        self._by_role[scope.get("role", "")].append(each)
        self._by_worker[scope.get("worker", "")].append(each)

    def nearest(self, reach: Reach, symptom: Scope) -> Finding | None:
        """Return the gravest cause that is near enough to a symptom."""
        return next((cause for cause, scope in self._candidates(reach, symptom) if fits(reach, symptom, scope)), None)

    def _candidates(self, reach: Reach, symptom: Scope) -> Iterator[tuple[Finding, Scope]]:
        """Yield those that may be near enough; a thousand findings at other workers are not looked at."""
        worker, role = symptom.get("worker"), symptom.get("role", "")
        if worker is None or reach is Reach.SERVICE:
            yield from self._all
            return
        yield from self._by_worker.get(worker, ())
        yield from self._by_worker.get("", ())
        for other, found in self._by_role.items():
            if (reach is Reach.POOL and other == role) or (reach is Reach.SIDES and other != role):
                yield from found


class Causes:
    """The graph of explanations over all definitions."""

    def __init__(self, definitions: Sequence[FindingDef]) -> None:
        self._definitions = {definition.id: definition for definition in definitions}
        self._causes: dict[str, list[str]] = defaultdict(list)
        for definition in definitions:
            for symptom in definition.explains:
                self._causes[symptom].append(definition.id)

    def ordered(self, findings: Iterable[Finding], hosts: Mapping[str, str]) -> tuple[Finding, ...]:
        """Return the findings, each symptom with its root: the gravest group first, the root before its symptoms.

        A group is as grave as its worst finding; of the same gravity, the oldest comes first. *hosts* tells where
        workers live whose findings do not say it.
        """
        ranked = sorted(findings, key=lambda finding: (-finding.severity, finding.since, finding.key))
        standing: dict[str, _Standing] = defaultdict(_Standing)
        for finding in ranked:
            if self._may_explain(finding):
                standing[finding.finding].add(finding, _placed(finding.scope, hosts))
        symptoms: dict[tuple[object, ...], list[Finding]] = defaultdict(list)
        roots: list[Finding] = []
        for finding in ranked:
            root = self._root(finding, standing, hosts)
            if root is finding:
                roots.append(finding)
            else:
                symptoms[root.key].append(replace(finding, because_of=Cause(root.finding, root.scope)))
        roots.sort(key=lambda root: -max(f.severity for f in (root, *symptoms[root.key])))
        return tuple(finding for root in roots for finding in (root, *symptoms[root.key]))

    def _may_explain(self, finding: Finding) -> bool:
        """A case told as information only, where its kind is worse, is too mild to be the cause of anything."""
        definition = self._definitions[finding.finding]
        mild = finding.severity is Severity.INFO and definition.severity is not Severity.INFO
        return bool(definition.explains) and not mild

    def _root(self, finding: Finding, standing: Mapping[str, _Standing], hosts: Mapping[str, str]) -> Finding:
        """Follow the gravest fitting cause up to one that has none. The graph has no cycle."""
        names = [name for name in self._causes.get(finding.finding, ()) if name in standing]
        if not names:
            return finding
        reach, scope = self._definitions[finding.finding].reach, _placed(finding.scope, hosts)
        fitting = [cause for name in names if (cause := standing[name].nearest(reach, scope)) is not None]
        if not fitting:
            return finding
        return self._root(min(fitting, key=lambda cause: (-cause.severity, cause.since, cause.key)), standing, hosts)


def _placed(scope: Scope, hosts: Mapping[str, str]) -> Scope:
    """Return the scope with the host of its worker."""
    host = hosts.get(scope.get("worker", ""))
    return scope if host is None or "host" in scope else {**scope, "host": host}
