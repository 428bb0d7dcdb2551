"""The advice with its bounds and evidence, what would change it, and what became of those before it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pdwatch.model.snapshot import ServiceState
from pdwatch.top.cells import Line, Span, Tone, left, wrap
from pdwatch.top.draw.alerts import count_words, finding_lines
from pdwatch.top.draw.boxes import box, title
from pdwatch.top.draw.capacity import bounds, history
from pdwatch.top.scene import Scene
from pdwatch.top.signals import Signal, case
from pdwatch.top.spark import sparkline

_CELLS = (32, 18, 12, 14)


def why(scene: Scene, width: int) -> list[Line]:
    """Return the whole page."""
    service = scene.service
    if service is None:
        return [(Span("   There is no service to judge yet.", Tone.MUTED),)]
    found = case(service, scene.thresholds)
    looked = len(found.pressing) + len(found.quiet) + len(found.unknown)
    quiet = f"{len(found.quiet)} quiet, {len(found.unknown)} unknown"
    against = _signals(scene, (*found.quiet, *found.unknown), width)
    return [
        *box(title("BOUNDS", "what the replicas bear, the fullest first"), bounds(scene, width), width),
        *box(
            title("EVIDENCE FOR", f"{len(found.pressing)} of {looked} signals"),
            _signals(scene, found.pressing, width),
            width,
        ),
        *_findings(scene, width),
        *box(title("READING IT"), _reading(service, width), width),
        *box(title("HISTORY", "changes of the advice and what became of them"), history(service, width), width),
        *box(title("CHECKED, NOT PRESSING", quiet), against, width),
    ]


def _findings(scene: Scene, width: int) -> list[Line]:
    """Return what is wrong, each root with what comes from it; nothing where nothing is."""
    lines = finding_lines(scene, width - 2)
    return box(title("FINDINGS", count_words(scene.troubles)), lines, width) if lines else []


def _signals(scene: Scene, signals: Sequence[Signal], width: int) -> list[Line]:
    if not signals:
        return [(Span("   nothing", Tone.MUTED),)]
    first, *others = _CELLS
    first = min(first, max(16, width - 2 - sum(others) - 4))
    sizes = (first, *others)
    names = [left(name, size) for name, size in zip(("signal", "scope", "value", "limit"), sizes, strict=True)]
    room = min(20, width - 2 - sum(sizes) - 4)
    head = (Span(f"   {''.join(names)}{'last 10 min' if room >= 10 else ''}", Tone.MUTED),)
    return [head, *(_signal(scene, signal, sizes, room) for signal in signals)]


def _signal(scene: Scene, signal: Signal, sizes: Sequence[int], room: int) -> Line:
    cells = (signal.name, signal.scope, signal.value_words, signal.limit_words)
    text = "".join(left(cell, size) for cell, size in zip(cells, sizes, strict=True))
    graph = ""
    if signal.key is not None and room >= 10:
        graph = sparkline(scene.trails.columns(signal.key, scene.t, room), signal.limit, room)
    return (Span(" "), signal.status.span if signal.status is not None else Span("·"), Span(f" {text}{graph}"))


def _reading(service: ServiceState, width: int) -> Iterator[Line]:
    advice = service.advice
    for text in (advice.reason, *(f"Would change: {clause}." for clause in advice.reconsider)):
        for index, part in enumerate(wrap(text, max(10, width - 6))):
            yield (Span(" · " if index == 0 else "   ", Tone.MUTED), Span(part))
