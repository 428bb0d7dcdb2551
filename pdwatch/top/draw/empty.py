"""What stands where no worker is known: what was tried, and what answered what."""

from __future__ import annotations

from pdwatch.model.encode import public_url
from pdwatch.top.cells import Line, Span, Tone, wrap
from pdwatch.top.scene import Scene
from pdwatch.top.status import Status

_MEND = "Name workers with --prefill URL --decode URL, or look at what discovery says in the configuration."


def empty(scene: Scene, width: int) -> list[Line]:
    """Return what is known of the search for workers."""
    if scene.snapshot is None:
        return [(Span(f"   Waiting for the first snapshot from {scene.source}.", Tone.MUTED),)]
    errors = scene.snapshot.self_state.discovery_errors
    cycles, idle = scene.snapshot.self_state.cycles, scene.snapshot.self_state.idle
    words = f"{cycles} cycles have found no worker." if idle is None else f"Nothing to watch: {idle}."
    lines: list[Line] = [(Span(f"   {words}", Tone.STRONG),)]
    for source, error in errors.items():
        for index, text in enumerate(wrap(public_url(f"{source}: {error}"), max(10, width - 6))):
            lines.append((Span(" "), Status.BAD.span if index == 0 else Span(" "), Span(f" {text}")))
    for source, count in scene.snapshot.self_state.discovery_targets.items():
        if source not in errors:
            lines.append((Span(" "), Status.UNKNOWN.span, Span(f" {public_url(source)}: lists {_targets(count)}")))
    if idle is not None:
        return lines
    if len(lines) == 1:
        lines.append((Span("   No source of workers is configured.", Tone.MUTED),))
    return [*lines, *((Span(f"   {text}", Tone.MUTED),) for text in wrap(_MEND, max(10, width - 6)))]


def _targets(count: int) -> str:
    return "no target" if count == 0 else f"{count} target{'s' if count > 1 else ''}"
