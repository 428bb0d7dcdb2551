"""The recommendation with its evidence, what speaks against it, what would change it, and how it came about."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pdwatch.top import numbers
from pdwatch.top.cells import Line, Span, Tone, left, wrap
from pdwatch.top.draw.boxes import box, title
from pdwatch.top.events import VERDICT
from pdwatch.top.scene import Scene
from pdwatch.top.signals import Signal, case, mind_changers
from pdwatch.top.spark import sparkline

_CELLS = (30, 18, 12, 14)
_HISTORY = 8


def why(scene: Scene, width: int) -> list[Line]:
    """Return the whole page."""
    service = scene.service
    if service is None:
        return [(Span("   There is no service to judge yet.", Tone.MUTED),)]
    found = case(service, scene.thresholds)
    quiet = f"{len(found.quiet)} quiet, {len(found.unknown)} unknown"
    return [
        *box(
            title("PRESSING", f"{sum(signal.limit is not None for signal in found.pressing)} past a limit"),
            _signals(scene, found.pressing, width),
            width,
        ),
        *box(title("CHECKED, NOT PRESSING", quiet), _signals(scene, (*found.quiet, *found.unknown), width), width),
        *box(title("READING IT"), _reading(scene, width), width),
        *box(title("HISTORY", "changes of the verdict seen"), _history(scene, width), width),
    ]


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


def _reading(scene: Scene, width: int) -> Iterator[Line]:
    service = scene.service
    if service is None:
        return
    for text in (service.advice.reason, *mind_changers(service, scene.thresholds)):
        for index, part in enumerate(wrap(text, max(10, width - 6))):
            yield (Span(" · " if index == 0 else "   ", Tone.MUTED), Span(part))


def _history(scene: Scene, width: int) -> list[Line]:
    name = scene.service.service if scene.service is not None else ""
    seen = [event for event in scene.events if event.subject == VERDICT and event.service == name]
    if not seen:
        return [(Span("   none since this screen began to look", Tone.MUTED),)]
    return [
        (
            Span(f" {numbers.clock(event.t)}  ", Tone.MUTED),
            event.status.span,
            Span(f" {left(event.text, max(10, width - 18))}"),
        )
        for event in reversed(seen[-_HISTORY:])
    ]
