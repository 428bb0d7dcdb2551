"""How evenly a mixture of experts is loaded."""

from __future__ import annotations

from pdwatch.top import numbers
from pdwatch.top.cells import Line, Span, Tone, left, right
from pdwatch.top.scene import Scene
from pdwatch.top.spark import bar

_EMPTY = (
    "No replica tells how its experts are loaded.",
    "vLLM writes it to its log with --enable-eplb and log_balancedness; pdwatch agent on the host reads it there.",
    "A dense model has no experts.",
)


def experts(scene: Scene, width: int) -> list[Line]:
    """Return each replica's balancedness, least even first."""
    found = scene.service.experts if scene.service is not None else {}
    if not found:
        return [(Span(f"   {text}", Tone.MUTED),) for text in _EMPTY]
    room = min(40, max(10, width - 44))
    lines: list[Line] = [
        (Span("   balancedness: mean over maximum of tokens per rank; 100 % is even", Tone.MUTED),),
        (Span(f"   {left('replica', 24)}{right('even', 8)}", Tone.MUTED),),
    ]
    for replica, ratio in sorted(found.items(), key=lambda entry: entry[1]):
        text = f"   {left(replica, 24)}{right(numbers.percent(ratio), 8)}  "
        lines.append((Span(text), Span(bar(ratio, 1.0, room), Tone.OK)))
    return lines
