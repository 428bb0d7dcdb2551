"""An argument list against a table of known flags: typed values out, everything else dropped.

Understood are `--x=y`, `--x y`, `-tp 4`, underscores for dashes, `--no-x`, JSON values and dotted JSON keys
(`--kv-transfer-config.kv_role kv_producer`, a `+` after a key appends to a list), as vLLM's own parser takes them.
What follows an unknown flag is taken for its values and dropped, so that no secret passes for a positional argument.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from itertools import takewhile

from pdwatch.host.processes.values import Reader, truth

_NEGATIVE_NUMBER = re.compile(r"-\d")


class Take(Enum):
    """What a flag takes from the arguments after it."""

    SWITCH = "switch"
    VALUE = "value"
    LIST = "list"
    JSON = "json"


@dataclass(frozen=True, slots=True)
class Flag:
    """One known flag: where its value goes and how it is read."""

    target: str
    """Field of `EngineConfig`, `eplb.` or `kv.` and a field of those; empty to read and forget."""
    take: Take
    reader: Reader = truth
    inverted: bool = False
    """A switch that turns its target off."""


@dataclass(slots=True)
class Parsed:
    """What an argument list held: values by target, JSON documents by target, positional arguments and complaints."""

    values: dict[str, object] = field(default_factory=dict)
    documents: dict[str, dict[str, object]] = field(default_factory=dict)
    positionals: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def parse(argv: Sequence[str], flags: Mapping[str, Flag]) -> Parsed:
    """Read *argv*, without program and subcommand, by *flags* (names without leading dashes)."""
    parsed = Parsed()
    at = 0
    while at < len(argv):
        token = argv[at]
        at += 1
        if not _is_flag(token):
            parsed.positionals.append(token)
            continue
        flag_name, equals, inline = token.partition("=")
        following = [] if equals else list(takewhile(lambda text: not _is_flag(text), argv[at:]))
        at += _read_flag(parsed, flags, flag_name, inline if equals else None, following)
    return parsed


def _is_flag(token: str) -> bool:
    return len(token) > 1 and token.startswith("-") and _NEGATIVE_NUMBER.match(token) is None


def _read_flag(
    parsed: Parsed, flags: Mapping[str, Flag], written: str, inline: str | None, following: list[str]
) -> int:
    """Read one flag and return how many of the *following* arguments belong to it."""
    key, _, path = written.partition(".")
    key = key.lstrip("-").replace("_", "-")
    flag, negated = flags.get(key), False
    if flag is None and key.startswith("no-"):
        flag, negated = flags.get(key[3:]), True
    if flag is None or (negated and flag.take is not Take.SWITCH):
        return len(following)
    if flag.take is Take.SWITCH:
        _switch(parsed, flag, f"--{key}", inline, negated)
        return 0
    given = following if inline is None else [inline]
    if not given:
        parsed.notes.append(f"--{key} has no value")
        return 0
    if flag.take is Take.JSON:
        _document(parsed, flag, f"--{key}", path, given[0])
    else:
        _value(parsed, flag, f"--{key}", given)
    if inline is not None:
        return 0
    return len(given) if flag.take is Take.LIST else 1


def _switch(parsed: Parsed, flag: Flag, key: str, inline: str | None, negated: bool) -> None:
    try:
        on = True if inline is None else truth(inline)
    except ValueError as error:
        parsed.notes.append(f"{key} is {error}")
        return
    if flag.target:
        parsed.values[flag.target] = on ^ negated ^ flag.inverted


def _value(parsed: Parsed, flag: Flag, key: str, given: list[str]) -> None:
    try:
        read = [flag.reader(text) for text in (given if flag.take is Take.LIST else given[:1])]
    except ValueError as error:
        parsed.notes.append(f"{key} is {error}")
        return
    if flag.target == "":
        return
    if flag.take is Take.LIST:
        earlier = parsed.values.get(flag.target, ())
        parsed.values[flag.target] = (
            *(earlier if isinstance(earlier, tuple) else ()),
            *(value for value in read if value is not None),
        )
    elif read[0] is not None:
        parsed.values[flag.target] = read[0]


def _document(parsed: Parsed, flag: Flag, key: str, path: str, text: str) -> None:
    document = parsed.documents.setdefault(flag.target, {})
    if path:
        _put(document, path.split("."), _loose_json(text))
        return
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        where = f" at column {error.colno}" if isinstance(error, json.JSONDecodeError) else ""
        parsed.notes.append(f"{key} is not valid JSON{where}")
        return
    if isinstance(value, dict):
        document.update(value)
    else:
        parsed.notes.append(f"{key} is not a JSON object")


def _loose_json(text: str) -> object:
    try:
        value: object = json.loads(text)
    except (ValueError, RecursionError):
        return text
    return value


def _put(document: dict[str, object], path: list[str], value: object) -> None:
    """Set a dotted key; a step through something that is no object replaces it."""
    for step in path[:-1]:
        inner = document.get(step)
        if not isinstance(inner, dict):
            inner = document[step] = {}
        document = inner
    last = path[-1]
    if last.endswith("+"):
        earlier = document.get(last[:-1])
        document[last[:-1]] = [*(earlier if isinstance(earlier, list) else []), value]
    else:
        document[last] = value
