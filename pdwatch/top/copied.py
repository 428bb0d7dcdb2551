"""What a copy holds: what is looked at, as text for a chat or a ticket."""

from __future__ import annotations

from pdwatch.model.encode import public_url
from pdwatch.top.cells import text_of
from pdwatch.top.draw.why import why
from pdwatch.top.events import scope_of
from pdwatch.top.scene import Scene
from pdwatch.top.verdict import suggestion
from pdwatch.top.view import Tab, View

COPY_WIDTH = 100


def copied(scene: Scene, view: View) -> str:
    """Return what a copy holds here: a worker, a finding, the evidence, else the advice."""
    if scene.service is None:
        return ""
    if scene.drilled is not None:
        state = scene.drilled.state
        error = f": {state.error}" if state.error else ""
        return f"{state.worker} {public_url(state.url)} {state.role.value}: {scene.drilled.word}{error}"
    if view.tab is Tab.ALERTS and scene.findings:
        finding = scene.findings[scene.cursor]
        cause = finding.because_of
        because = f" It comes from {cause.finding}." if cause is not None else ""
        return f"{finding.finding} {scope_of(finding)}: {finding.summary}{because} Do: {finding.fix}"
    if view.tab is Tab.WHY:
        lines = [text_of(line).rstrip() for line in why(scene, COPY_WIDTH)]
        return "\n".join([suggestion(scene.service), *lines])
    return suggestion(scene.service)
