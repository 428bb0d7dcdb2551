"""Boxes with a title in their upper edge, and lines side by side."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pdwatch.top.cells import Line, Span, Tone, fit, line_width


def box(title: Sequence[Span], lines: Iterable[Line], width: int) -> list[Line]:
    """Return *lines* in a box of *width* cells."""
    inner = max(0, width - 2)
    head = fit(title, min(line_width(title), max(0, inner - 2)))
    rule = "─" * (inner - line_width(head) - 1)
    edge = Span("│", Tone.MUTED)
    return [
        (Span("┌─", Tone.MUTED), *head, Span(f"{rule}┐", Tone.MUTED)),
        *((edge, *fit(line, inner), edge) for line in lines),
        (Span(f"└{'─' * inner}┘", Tone.MUTED),),
    ]


def beside(first: Sequence[Line], second: Sequence[Line], width: int) -> list[Line]:
    """Return two blocks side by side, the first in *width* cells; the shorter one ends in blank lines."""
    rows = max(len(first), len(second))
    filled = [list(block) + [()] * (rows - len(block)) for block in (first, second)]
    return [(*fit(one, width), *other) for one, other in zip(*filled, strict=True)]


def title(text: str, note: str = "") -> list[Span]:
    """Return the title of a box, with a note behind it."""
    return [Span(f" {text} ", Tone.STRONG), *([Span(f" {note} ")] if note else [])]
