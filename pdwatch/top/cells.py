"""Text in terminal cells: widths, lines of toned spans, cropping, wrapping, and a spelling in ASCII."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from enum import StrEnum
from functools import lru_cache
from itertools import groupby
from operator import attrgetter
from typing import NamedTuple

ELLIPSIS = "…"


class Tone(StrEnum):
    """How a span is drawn. Colour only repeats what shape and word say."""

    PLAIN = ""
    OK = "ok"
    WARN = "warn"
    BAD = "bad"
    UNKNOWN = "unknown"
    MUTED = "muted"
    STRONG = "strong"
    HEADER = "header"
    ACTIVE = "active"
    CURSOR = "cursor"
    KEY = "key"
    REVERSE = "reverse"


class Span(NamedTuple):
    """A stretch of text in one tone."""

    text: str
    tone: Tone = Tone.PLAIN
    target: str = ""
    """What a click on it does: a command's name, with an argument behind a colon (`tab:2`)."""


Line = tuple[Span, ...]

_TEXT: Callable[[Span], str] = attrgetter("text")
_LOOK: Callable[[Span], tuple[Tone, str]] = attrgetter("tone", "target")

_MARKS = ("Mn", "Me", "Cf", "Cc", "Cs", "Co", "Cn", "Zl", "Zp")


def clean(text: str) -> str:
    """Return *text* with `?` for each character that would move the cursor or take no cell."""
    return text if text.isascii() and text.isprintable() else _cleaned(text)


@lru_cache(maxsize=8192)
def _cleaned(text: str) -> str:
    return "".join("?" if unicodedata.category(char) in _MARKS else char for char in text)


@lru_cache(maxsize=8192)
def width_of(text: str) -> int:
    """Return the cells that clean *text* takes."""
    if text.isascii():
        return len(text)
    return sum(2 if unicodedata.east_asian_width(char) in ("W", "F") else 1 for char in text)


def crop(text: str, width: int) -> str:
    """Return at most *width* cells of *text*, with an ellipsis where something was left out."""
    if width_of(text) <= width:
        return text
    if width <= 0:
        return ""
    kept, used = [], 0
    for char in text:
        used += width_of(char)
        if used > width - 1:
            break
        kept.append(char)
    return "".join(kept) + ELLIPSIS


def left(text: str, width: int) -> str:
    """Return *text* in exactly *width* cells, at the left."""
    cropped = crop(text, width)
    return cropped + " " * (width - width_of(cropped))


def right(text: str, width: int) -> str:
    """Return *text* in exactly *width* cells, at the right."""
    cropped = crop(text, width)
    return " " * (width - width_of(cropped)) + cropped


def line(*parts: Span | str) -> Line:
    """Return the parts as a line."""
    return tuple(Span(part) if isinstance(part, str) else part for part in parts)


def line_width(spans: Iterable[Span]) -> int:
    """Return the cells of a line."""
    return sum(width_of(span.text) for span in spans)


def text_of(spans: Iterable[Span]) -> str:
    """Return a line without its tones."""
    return "".join(span.text for span in spans)


def fit(spans: Sequence[Span], width: int) -> Line:
    """Return the line in exactly *width* cells, cleaned, with like neighbours joined."""
    fitted: list[Span] = []
    room = width
    for (tone, target), alike in groupby(filter(_TEXT, spans), _LOOK):
        text = clean("".join(map(_TEXT, alike)))
        if width_of(text) > room:
            text = crop(text, room)
        fitted.append(Span(text, tone, target))
        room -= width_of(text)
        if room <= 0:
            return tuple(fitted)
    if fitted and fitted[-1][1:] == (Tone.PLAIN, ""):
        return (*fitted[:-1], Span(fitted[-1].text + " " * room))
    return (*fitted, Span(" " * room))


def ends(start: Sequence[Span], end: Sequence[Span], width: int) -> Line:
    """Return a line with *start* at its left and *end* at its right; *start* gives way."""
    room = width - line_width(end)
    return (*fit(start, max(0, room)), *fit(end, min(width, line_width(end))))


def toned(spans: Sequence[Span], tone: Tone) -> Line:
    """Return the line in one tone, except for what is in reverse: that is what should be seen first."""
    return tuple(span if span.tone is Tone.REVERSE else Span(span.text, tone, span.target) for span in spans)


_SPACES = re.compile(r"\s+")


def wrap(text: str, width: int) -> list[str]:
    """Return *text* broken between words into lines of at most *width* cells; a longer word is broken itself."""
    lines, current = [], ""
    for next_word in _SPACES.split(clean(text).strip()):
        word = next_word
        joined = f"{current} {word}" if current else word
        if width_of(joined) <= width:
            current = joined
            continue
        if current:
            lines.append(current)
        while width_of(word) > width:
            head = crop(word, width + 1)[:-1] or word[0]
            lines.append(head)
            word = word[len(head) :]
        current = word
    return [*lines, current] if current else lines


_ASCII = str.maketrans(
    {
        **dict(zip("●▲■", "o!X", strict=True)),
        **dict(zip("▁▂▃▄▅▆▇█", "_.:-=+*#", strict=True)),
        **dict(zip("▏▎▍▌▋▊▉", "       ", strict=True)),
        **dict(zip("┌┐└┘─│", "++++-|", strict=True)),
        **dict(zip("–›→←↓↑…×·≥≤°", "->><v^~x.><'", strict=True)),
    }
)


def ascii_line(spans: Iterable[Span]) -> Line:
    """Return the line in ASCII, cell for cell; what has no spelling is `?`."""
    return tuple(Span(ascii_text(span.text), span.tone, span.target) for span in spans)


def ascii_text(text: str) -> str:
    """Return *text* in ASCII, cell for cell."""
    if text.isascii():
        return text
    return "".join(char if char.isascii() else "?" * width_of(char) for char in text.translate(_ASCII))


def changed_cells(old: Sequence[Span], new: Sequence[Span]) -> tuple[int, int]:
    """Return the first cell that differs between two lines of one width, and the one behind the last."""
    before, after = _characters(old), _characters(new)
    first = _equal(before, after)
    same_end = _equal(before[first:][::-1], after[first:][::-1])
    head = sum(width_of(char) for char, _ in after[:first])
    return head, head + sum(width_of(char) for char, _ in after[first : len(after) - same_end])


def _characters(spans: Sequence[Span]) -> list[tuple[str, Tone]]:
    return [(char, span.tone) for span in spans for char in span.text]


def _equal(one: Sequence[object], other: Sequence[object]) -> int:
    """Return how many entries are equal from the start."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((index for index, (a, b) in pairs if a != b), min(len(one), len(other)))
