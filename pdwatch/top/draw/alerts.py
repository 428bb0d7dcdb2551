"""Findings: the list, and the one under the cursor in full."""

from __future__ import annotations

from collections.abc import Iterator

from pdwatch.model.judgement import Finding
from pdwatch.top import numbers
from pdwatch.top.cells import Line, Span, Tone, left, wrap
from pdwatch.top.draw.boxes import box, title
from pdwatch.top.draw.table import window
from pdwatch.top.events import scope_of
from pdwatch.top.once import evidence_words
from pdwatch.top.scene import Scene, finding_key
from pdwatch.top.status import of_severity
from pdwatch.top.view import Tab

_SCOPE = 16
_DETAIL = 12


def alerts(scene: Scene, width: int, height: int) -> list[Line]:
    """Return the findings in at most *height* lines, the chosen one with evidence and what to do."""
    if not scene.findings:
        return [(Span("   No finding stands.", Tone.MUTED),)]
    chosen = scene.findings[scene.cursor]
    detail = box(title(chosen.finding, scope_of(chosen)), list(_detail(chosen, width))[:_DETAIL], width)
    room = max(2, height - len(detail) - 1)
    first, last = window(scene, len(scene.findings), room - 1)
    lines: list[Line] = [(Span(f"   {left('finding', 28)}{left('about', _SCOPE)}{left('for', 8)}says", Tone.MUTED),)]
    for index, finding in list(enumerate(scene.findings))[first:last]:
        lines.append(_row(scene, finding, width, index == scene.cursor))
    return [*lines, (), *detail][:height]


def _row(scene: Scene, finding: Finding, width: int, chosen: bool) -> Line:
    status = of_severity(finding.severity)
    target = f"select:{finding_key(finding)}"
    stood = numbers.duration(scene.t - finding.since)
    text = f" {left(finding.finding, 28)}{left(scope_of(finding), _SCOPE)}{left(stood, 8)}{finding.summary}"
    base = Tone.CURSOR if chosen else Tone.PLAIN
    return (
        Span("›" if chosen else " ", base, target),
        Span(status.glyph, status.tone, target),
        Span(left(text, width - 2), base, target),
    )


def _detail(finding: Finding, width: int) -> Iterator[Line]:
    inner = max(10, width - 4)
    for text in wrap(finding.summary, inner):
        yield (Span(f" {text}"),)
    for evidence in finding.evidence:
        words = evidence_words(evidence)
        if words:
            yield (Span(f"   {words}", Tone.MUTED),)
    for text in wrap(f"do: {finding.fix}", inner):
        yield (Span(f" {text}", Tone.STRONG),)


def alert_lines(scene: Scene, width: int, most: int) -> list[Line]:
    """Return at most *most* findings, one line each; the last one tells how many more there are."""
    lines: list[Line] = [
        (
            Span(" "),
            of_severity(finding.severity).span,
            Span(f" {left(finding.finding, 24)}{left(scope_of(finding), _SCOPE)}", Tone.PLAIN, "alerts"),
            Span(left(f"{numbers.duration(scene.t - finding.since)}  {finding.summary}", max(8, width - 44))),
        )
        for finding in scene.findings
    ]
    if len(lines) > most > 0:
        lines[most - 1 :] = [(Span(f"   {len(lines) - most + 1} more: page {Tab.ALERTS.value}", Tone.MUTED, "alerts"),)]
    return (lines or [(Span("   No finding stands.", Tone.MUTED),)])[:most]


def alert_summary(scene: Scene) -> Line:
    """Return all findings in one line, most severe first."""
    spans: list[Span] = []
    for finding in scene.findings:
        status = of_severity(finding.severity)
        stood = numbers.duration(scene.t - finding.since)
        spans += [
            Span(" "),
            status.span,
            Span(f" {finding.finding} {scope_of(finding)} {stood}  ", Tone.PLAIN, "alerts"),
        ]
    return tuple(spans) or (Span("   No finding stands.", Tone.MUTED),)


def event_lines(scene: Scene, width: int, most: int) -> list[Line]:
    """Return at most *most* events, newest first."""
    if not scene.events or most <= 0:
        return [(Span("   Nothing has changed since this screen began to look.", Tone.MUTED),)] if most > 0 else []
    several = len(scene.services) > 1
    return [
        (
            Span(f" {numbers.clock(event.t)}  ", Tone.MUTED),
            event.status.span,
            Span(f" {left(f'{event.service} ' + event.subject if several else event.subject, 14)} "),
            Span(left(event.text, max(8, width - 28))),
        )
        for event in reversed(scene.events[-most:])
    ]
