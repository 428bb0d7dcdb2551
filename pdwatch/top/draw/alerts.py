"""Findings, each root with what comes from it: the list, the one under the cursor in full, and short forms."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from pdwatch.model.judgement import Finding, Severity
from pdwatch.top import numbers
from pdwatch.top.cells import Line, Span, Tone, left, wrap
from pdwatch.top.draw.boxes import box, title
from pdwatch.top.draw.table import window
from pdwatch.top.events import scope_of
from pdwatch.top.once import evidence_words
from pdwatch.top.scene import Scene, finding_key
from pdwatch.top.status import of_severity
from pdwatch.top.troubles import Trouble
from pdwatch.top.view import Tab

_NAME, _STOOD = 30, 8
_SHORT_NAME = (18, 30)
_SCOPE = (12, 22)
_SUBJECT = (14, 24)
_DETAIL = 12
_BRANCH = "└ "
"""Before a symptom, below its root."""


def alerts(scene: Scene, width: int, height: int) -> list[Line]:
    """Return the findings in at most *height* lines, the chosen one with evidence and what to do."""
    if not scene.findings:
        return [(Span("   No finding stands.", Tone.MUTED),)]
    chosen = scene.findings[scene.cursor]
    detail = box(title(chosen.finding, scope_of(chosen)), list(_detail(scene, chosen, width))[:_DETAIL], width)
    room = max(2, height - len(detail) - 1)
    first, last = window(scene, len(scene.findings), room - 1)
    head = f"   {left('finding', _NAME)}{left('about', _part(_SCOPE, width))}{left('for', _STOOD)}says"
    lines: list[Line] = [(Span(head, Tone.MUTED),)]
    for index, finding in list(enumerate(scene.findings))[first:last]:
        lines.append(_row(scene, finding, width, index == scene.cursor))
    return [*lines, (), *detail][:height]


def _row(scene: Scene, finding: Finding, width: int, chosen: bool) -> Line:
    status = of_severity(finding.severity)
    target = f"select:{finding_key(finding)}"
    symptom = _is_symptom(scene.troubles, finding)
    name = f"{_BRANCH if symptom else ''}{finding.finding}"
    text = f" {left(name, _NAME)}{_about(finding, width)}{left(_stood(scene, finding), _STOOD)}"
    base = Tone.CURSOR if chosen else Tone.MUTED if symptom else Tone.PLAIN
    return (
        Span("›" if chosen else " ", base, target),
        Span(status.glyph, Tone.MUTED if symptom else status.tone, target),
        Span(left(f"{text}{finding.summary}", width - 2), base, target),
    )


def _part(bounds: tuple[int, int], width: int) -> int:
    """Return a quarter of the width, within the bounds."""
    return min(max(bounds[0], width // 4), bounds[1])


def _about(finding: Finding, width: int) -> str:
    room = _part(_SCOPE, width)
    return left(scope_of(finding), room - 1) + " "


def _is_symptom(groups: Sequence[Trouble], finding: Finding) -> bool:
    return any(finding in trouble.symptoms for trouble in groups)


def _stood(scene: Scene, finding: Finding) -> str:
    return numbers.duration(scene.t - finding.since)


def _detail(scene: Scene, finding: Finding, width: int) -> Iterator[Line]:
    inner = max(10, width - 4)
    for text in wrap(finding.summary, inner):
        yield (Span(f" {text}"),)
    for evidence in finding.evidence:
        words = evidence_words(evidence)
        if words:
            yield (Span(f"   {words}", Tone.MUTED),)
    for text in wrap(_relation(scene, finding), inner):
        yield (Span(f" {text}", Tone.STRONG),)
    for text in wrap(f"do: {finding.fix}", inner):
        yield (Span(f" {text}", Tone.STRONG),)


def _relation(scene: Scene, finding: Finding) -> str:
    """Return what a finding comes from, or what comes from it."""
    for trouble in scene.troubles:
        if trouble.root.key == finding.key and trouble.symptoms:
            names = Counter(symptom.finding for symptom in trouble.symptoms)
            counted = ", ".join(f"{name} x {number}" if number > 1 else name for name, number in names.items())
            return f"from it comes: {counted}"
        if finding in trouble.symptoms:
            return f"it comes from: {trouble.root.finding} {scope_of(trouble.root)}: {trouble.root.summary}"
    return ""


def finding_lines(scene: Scene, width: int) -> list[Line]:
    """Return every finding in one line, each root followed by what comes from it, indented and muted."""
    return [
        _short(scene, finding, width, symptom=index > 0)
        for trouble in scene.troubles
        for index, finding in enumerate(trouble.findings)
    ]


def _short(scene: Scene, finding: Finding, width: int, *, symptom: bool) -> Line:
    status = of_severity(finding.severity)
    name = f"{_BRANCH if symptom else ''}{finding.finding}"
    tone = Tone.MUTED if symptom else Tone.PLAIN
    text = f" {left(name, _part(_SHORT_NAME, width))}{_about(finding, width)}{_stood(scene, finding)}"
    text += f"  {finding.summary}"
    glyph = Span(status.glyph, Tone.MUTED if symptom else status.tone)
    return (Span(" "), glyph, Span(left(text, max(8, width - 2)), tone, Tab.ALERTS.name.lower()))


def alert_lines(scene: Scene, width: int, most: int) -> list[Line]:
    """Return at most *most* findings, one line each; the last one tells how many more there are."""
    lines = finding_lines(scene, width) if most > 0 else []
    if len(lines) > most > 0:
        more = f"   {len(lines) - most + 1} more: page {Tab.ALERTS.value}"
        lines[most - 1 :] = [(Span(more, Tone.MUTED, Tab.ALERTS.name.lower()),)]
    return (lines or [(Span("   No finding stands.", Tone.MUTED),)])[:most]


def alert_summary(scene: Scene) -> Line:
    """Return the roots in one line, most severe first."""
    spans: list[Span] = []
    for trouble in scene.troubles:
        status, root = of_severity(trouble.severity), trouble.root
        more = f" (+{len(trouble.symptoms)})" if trouble.symptoms else ""
        words = f" {root.finding} {scope_of(root)} {_stood(scene, root)}{more}  "
        spans += [Span(" "), status.span, Span(words, Tone.PLAIN, Tab.ALERTS.name.lower())]
    return tuple(spans) or (Span("   No finding stands.", Tone.MUTED),)


def count_words(groups: Sequence[Trouble]) -> str:
    """Return how many there are: `2 firing, 3 symptoms`; information alone does not fire."""
    firing = sum(trouble.severity > Severity.INFO for trouble in groups)
    symptoms = sum(len(trouble.symptoms) for trouble in groups)
    return f"{firing} firing" + (f", {symptoms} symptom{'s' if symptoms > 1 else ''}" if symptoms else "")


def event_lines(scene: Scene, width: int, most: int) -> list[Line]:
    """Return at most *most* events, newest first."""
    if not scene.events or most <= 0:
        return [(Span("   Nothing has changed since this screen began to look.", Tone.MUTED),)] if most > 0 else []
    several, room = len(scene.services) > 1, min(max(_SUBJECT[0], width // 6), _SUBJECT[1])
    return [
        (
            Span(f" {numbers.clock(event.t)}  ", Tone.MUTED),
            event.status.span,
            Span(f" {left(f'{event.service} ' + event.subject if several else event.subject, room)} "),
            Span(left(event.text, max(8, width - room - 14))),
        )
        for event in reversed(scene.events[-most:])
    ]


def about(scene: Scene, worker: str, hosts: Sequence[str]) -> list[tuple[Finding, bool]]:
    """Return the findings about a worker, or about one of its *hosts* and no other worker, and the roots of these.

    Each with whether it is a symptom; a root comes before its symptoms.
    """

    def concerns(finding: Finding) -> bool:
        named = finding.scope.get("worker")
        return named == worker or (named is None and finding.scope.get("host") in hosts)

    found: list[tuple[Finding, bool]] = []
    for trouble in scene.troubles:
        symptoms = [symptom for symptom in trouble.symptoms if concerns(symptom)]
        if symptoms or concerns(trouble.root):
            found += [(trouble.root, False), *((symptom, True) for symptom in symptoms)]
    return found
