"""The keys that work here."""

from __future__ import annotations

from pdwatch.top.cells import Line, Span, Tone, left, wrap
from pdwatch.top.command import GROUPS, Command, key_words, working
from pdwatch.top.scene import Scene
from pdwatch.top.status import Status

_KEYS = 18
_TITLE = 18


def help_lines(scene: Scene, width: int) -> list[Line]:
    """Return every command that works here with its keys, and what the shapes mean."""
    legend: list[Span] = [Span("   ")]
    for status, word in ((Status.OK, "ok"), (Status.WARN, "warning"), (Status.BAD, "bad"), (Status.UNKNOWN, "unknown")):
        legend += [status.span, Span(f" {word}    ")]
    lines: list[Line] = [(Span(" The keys that work here", Tone.STRONG),), tuple(legend)]
    here = working(scene.commands, scene.situation)
    for group in GROUPS:
        members = [command for command in here if command.group == group]
        if members:
            lines += [(), (Span(f" {group}", Tone.HEADER),)]
            lines += [line for command in members for line in _command(command, width)]
    return [*lines, (), (Span("   No key changes the cluster.", Tone.MUTED),)]


def _command(command: Command, width: int) -> list[Line]:
    keys = " ".join(key_words(key) for key in command.keys)
    texts = wrap(command.help, max(20, width - _KEYS - _TITLE - 4))
    head = (
        Span(f"   {left(keys, _KEYS)}", Tone.KEY, command.name),
        Span(left(command.title, _TITLE), Tone.STRONG, command.name),
        Span(texts[0], Tone.PLAIN, command.name),
    )
    return [head, *((Span(" " * (_KEYS + _TITLE + 3) + text),) for text in texts[1:])]
