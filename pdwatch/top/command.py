"""Every command of the screen, once: keys, footer, help, palette and docs are made of this table."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from pdwatch.top.view import Tab


@dataclass(frozen=True, slots=True)
class Situation:
    """Where the viewer is; decides which commands work."""

    tab: Tab = Tab.WORKERS
    drilled: bool = False
    help: bool = False
    past: bool = False
    """Whether something other than the newest snapshot is shown."""
    replay: bool = False
    services: int = 1


When = Callable[[Situation], bool]


def _always(_: Situation) -> bool:
    return True


def _table(at: Situation) -> bool:
    return at.tab is Tab.WORKERS and not at.drilled and not at.help


def _rows(at: Situation) -> bool:
    return at.tab in (Tab.WORKERS, Tab.ALERTS) and not at.drilled and not at.help


@dataclass(frozen=True, slots=True)
class Command:
    """One command. Its name is stable; its keys are defaults."""

    name: str
    keys: tuple[str, ...]
    title: str
    help: str
    group: str
    when: When = _always
    footer: bool = False
    """Whether it stands in the last line while it works."""


def _tab(tab: Tab, *more: str) -> Command:
    return Command(tab.name.lower(), (str(tab.number), *more), tab.value, f"Show the page {tab.value}.", "Pages")


COMMANDS: tuple[Command, ...] = (
    Command("quit", ("q", "ctrl+c"), "Quit", "Leave and restore the terminal.", "Program", footer=True),
    Command("help", ("?", "f1"), "Help", "Show the keys that work here; again to close.", "Program", footer=True),
    Command("palette", (":", "ctrl+p"), "Commands", "Search all commands by name.", "Program", footer=True),
    Command(
        "filter",
        ("/",),
        "Filter",
        "Keep rows that contain every word; !word keeps those without.",
        "Table",
        _table,
        True,
    ),
    Command("sort", ("s",), "Sort", "Sort by the next column.", "Table", _table, True),
    Command("open", ("enter",), "Open", "Open the row under the cursor.", "Move", _rows, True),
    Command("back", ("escape", "backspace"), "Back", "Go one level up; clear the filter.", "Move", footer=True),
    Command("why", ("w", "7"), "Why", "Show the evidence behind the advice.", "Pages", footer=True),
    Command(
        "pause", ("p", "space"), "Pause", "Freeze the screen; again to go on. Collecting goes on.", "Time", footer=True
    ),
    Command("step-back", ("[",), "Step back", "Show the snapshot before.", "Time"),
    Command("step-forward", ("]",), "Step", "Show the next snapshot.", "Time", footer=True),
    Command("record", ("R",), "Record", "Start or stop writing a recording.", "Program", footer=True),
    Command("copy", ("y",), "Copy", "Copy the advice, the worker or the finding as text.", "Program", footer=True),
    *(_tab(tab) for tab in Tab if tab is not Tab.WHY),
    Command("next-tab", ("tab", "right", "l"), "Next page", "Show the next page.", "Pages"),
    Command("previous-tab", ("shift+tab", "left", "h"), "Previous page", "Show the page before.", "Pages"),
    Command(
        "next-service", ("n",), "Next service", "Show the next service.", "Pages", lambda at: at.services > 1, True
    ),
    Command(
        "previous-service", ("N",), "Previous service", "Show the service before.", "Pages", lambda at: at.services > 1
    ),
    Command("maximize", ("M",), "Maximize", "Give the table the whole screen; again for all panels.", "Pages", _table),
    Command("up", ("up", "k"), "Up", "Move up.", "Move"),
    Command("down", ("down", "j"), "Down", "Move down.", "Move"),
    Command("page-up", ("pageup", "ctrl+b"), "Page up", "Move up by a screen.", "Move"),
    Command("page-down", ("pagedown", "ctrl+f"), "Page down", "Move down by a screen.", "Move"),
    Command("first", ("home",), "First", "Move to the first row.", "Move"),
    Command("last", ("end",), "Last", "Move to the last row.", "Move"),
    Command("reverse", ("S",), "Reverse", "Turn the order round.", "Table", _table),
    Command("unhealthy", ("!",), "Only trouble", "Keep only workers that are not ok.", "Table", _table),
    Command("follow", ("f",), "Follow", "Keep the cursor's row in sight while rows move.", "Table", _rows),
    Command("columns", ("c",), "Columns", "Show the next set of columns: load, traffic, build.", "Table", _table),
    Command("event-back", ("{",), "Event before", "Show the moment of the event before.", "Time"),
    Command("event-forward", ("}",), "Next event", "Show the moment of the next event.", "Time"),
    Command("goto", ("g",), "Go to time", "Go to a time of day (UTC) such as 14:18, or back by -10m.", "Time"),
    Command("newest", ("G",), "Newest", "Go back to the newest snapshot.", "Time", lambda at: at.past),
    Command("slower", ("<",), "Slower", "Halve the speed of the replay.", "Time", lambda at: at.replay),
    Command("faster", (">",), "Faster", "Double the speed of the replay.", "Time", lambda at: at.replay),
    Command("less-often", ("+",), "Less often", "Draw less often.", "Program"),
    Command("more-often", ("-",), "More often", "Draw more often.", "Program"),
    Command(
        "save",
        ("e",),
        "Save",
        "Write the screen as text, the workers as CSV and the snapshot as JSON to files.",
        "Program",
    ),
    Command("theme", ("t",), "Theme", "Choose the colours.", "Program"),
    Command("leave", ("Q",), "Quit, keep screen", "Leave, and print the last screen below the prompt.", "Program"),
)

GROUPS = ("Pages", "Move", "Table", "Time", "Program")


class KeysError(ValueError):
    """Keys that cannot be given to a command; the text is one line."""

    def __init__(self, command: str, problem: str, mend: str) -> None:
        super().__init__(f"{command}: {problem}; {mend}")
        self.command, self.problem, self.mend = command, problem, mend


def remapped(changes: Mapping[str, Sequence[str]], commands: Sequence[Command] = COMMANDS) -> tuple[Command, ...]:
    """Return the commands with the keys of *changes*, by name; an empty list takes all keys.

    Raises `KeysError` for an unknown command, an unknown key, and a key that two commands would have.
    """
    names = [command.name for command in commands]
    for name in changes:
        if name not in names:
            raise KeysError(name, "is no command", _nearest(name, names, "docs/top.md lists them"))
    changed = tuple(
        replace(command, keys=tuple(_key(command.name, key) for key in changes[command.name]))
        if command.name in changes
        else command
        for command in commands
    )
    _refuse_doubles(changed, changes)
    return changed


def _nearest(word: str, known: Iterable[str], otherwise: str) -> str:
    near = difflib.get_close_matches(word, list(known), n=1)
    return f"did you mean {near[0]}?" if near else otherwise


def _refuse_doubles(commands: Iterable[Command], changes: Container[str]) -> None:
    """Refuse a key of two commands, and blame the one that was changed."""
    held: dict[str, str] = {}
    for command in commands:
        for key in command.keys:
            other = held.setdefault(key, command.name)
            if other != command.name:
                blamed, first = (command.name, other) if command.name in changes else (other, command.name)
                mend = f'give one of them another key, or take it from {first} with {first}: ""'
                raise KeysError(blamed, f"has the key {key_words(key)} of {first}", mend)


_SHOWN = {
    "enter": "Enter",
    "escape": "Esc",
    "space": "Space",
    "comma": ",",
    "tab": "Tab",
    "up": "Up",
    "down": "Down",
    "left": "Left",
    "right": "Right",
    "home": "Home",
    "end": "End",
    "pageup": "PgUp",
    "pagedown": "PgDn",
    "insert": "Ins",
    "delete": "Del",
    "backspace": "Backspace",
    **{f"f{number}": f"F{number}" for number in range(1, 25)},
}
_SPELT = {shown.lower(): name for name, shown in _SHOWN.items()} | {name: name for name in _SHOWN}
_WITH = ("ctrl", "alt", "shift")


def _key(command: str, text: str) -> str:
    """Return a key by the name that the terminal gives it. Raises `KeysError`."""
    if len(text) == 1:
        return text
    *held, last = text.lower().split("+")
    name = _SPELT.get(last, last if len(last) == 1 and held else "")
    if name and set(held) <= set(_WITH):
        return "+".join([*held, name])
    mend = _nearest(last, _SPELT, "write a character, or a name such as ctrl+y, f2 or pagedown")
    raise KeysError(command, f"{text!r} is no key", mend)


def key_words(key: str) -> str:
    """Return a key as people call it."""
    *held, last = key.split("+") if len(key) > 1 else [key]
    return "+".join([*(word.capitalize() for word in held), _SHOWN.get(last, last)])


def working(commands: Iterable[Command], at: Situation) -> list[Command]:
    """Return the commands that do something here and have a key."""
    return [command for command in commands if command.keys and command.when(at)]


def keys_table(commands: Iterable[Command] = COMMANDS) -> str:
    """Return the commands as a table in Markdown, in groups."""
    listed = list(commands)
    lines = ["| Keys | Name | Does |", "|---|---|---|"]
    for group in GROUPS:
        for command in listed:
            if command.group == group:
                keys = " ".join(f"`{key_words(key)}`" for key in command.keys)
                lines.append(f"| {keys} | `{command.name}` | {command.help} |")
    return "\n".join(lines)
