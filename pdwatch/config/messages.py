"""From what pydantic found to the one line that people read."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from pdwatch.config.document import Document
from pdwatch.config.errors import ConfigError, KeyPath, dotted, listed, shown
from pdwatch.config.schema import Node

_NUMBER = ("is no number", "write a number such as 0.9")
_WHOLE = ("is no whole number", "write a number such as 4")
_SWITCH = ("is neither true nor false", "write true or false")
_TEXT = ("is no text", "write a single value")
_MAPPING = ("is no mapping", "write keys with values below it")
_LIST = ("is no list", "write [a, b], or each item on a line that begins with -")

_WORDS: Mapping[str, tuple[str, str]] = {
    **dict.fromkeys(("float_parsing", "float_type", "finite_number"), _NUMBER),
    **dict.fromkeys(("int_parsing", "int_type", "int_from_float"), _WHOLE),
    **dict.fromkeys(("bool_parsing", "bool_type"), _SWITCH),
    **dict.fromkeys(("string_type", "string_sub_type"), _TEXT),
    **dict.fromkeys(("model_type", "model_attributes_type", "dict_type"), _MAPPING),
    **dict.fromkeys(("tuple_type", "list_type"), _LIST),
}
"""Problem and mend by pydantic's type of error, where the value itself is shown before the problem."""

_DOCS = "see docs/configuration.md"

_BOUNDS = {
    "greater_than": ("gt", "above"),
    "less_than": ("lt", "below"),
    "greater_than_equal": ("ge", "at least"),
    "less_than_equal": ("le", "at most"),
}

_EMPTY = frozenset({"string_too_short", "too_short"})


def first_error(error: ValidationError, document: Document, root: Node) -> ConfigError:
    """Return the error that stands first in the file, those of the environment and of flags after it."""
    found = [_explained(details, document, root) for details in error.errors(include_url=False)]
    return min(found, key=lambda one: (one.place.line is None, one.place.line or 0))


def _explained(details: ErrorDetails, document: Document, root: Node) -> ConfigError:
    path = tuple(part for part in details["loc"] if part != "[key]")
    problem, mend = _problem(details, path, root)
    return document.error(path, problem, mend)


def _problem(details: ErrorDetails, path: KeyPath, root: Node) -> tuple[str, str]:
    kind = details["type"]
    if kind == "extra_forbidden":
        return "unknown key", nearest_key(path, root)
    if kind == "missing":
        return "is missing", f"add the key {path[-1]}"
    if kind in _EMPTY:
        return "is empty", "write a value or remove the key"
    if kind == "value_error":
        problem, _, mend = details["msg"].removeprefix("Value error, ").partition("; ")
        return problem, mend or _DOCS
    if kind in _BOUNDS:
        return _bound(details)
    problem, mend = _WORDS.get(kind, (details["msg"], _DOCS))
    value = details["input"]
    return (f"{shown(value)} {problem}" if isinstance(value, str | int | float) else problem), mend


def _bound(details: ErrorDetails) -> tuple[str, str]:
    limit, words = _BOUNDS[details["type"]]
    bound: float = details.get("ctx", {})[limit]
    value = str(details["input"])
    mend = f"write a value {words} {bound:g}"
    if limit == "le" and bound == 1 and float(value) <= 100:
        mend = f"write {float(value) / 100:g} for {value} percent"
    return f"{value} is not {words} {bound:g}", mend


def nearest_key(path: KeyPath, root: Node) -> str:
    """Return the mend of an unknown key: the known one that it resembles, the place where it is known, or all known."""
    parent = root.at(path[:-1])
    known = list(parent.keys) if parent is not None else []
    name = str(path[-1])
    near = difflib.get_close_matches(name, known, n=1)
    if near:
        return f"did you mean {near[0]}?"
    elsewhere = _elsewhere(name, root)
    if elsewhere:
        return f"did you mean {elsewhere}?"
    return f"known keys are {listed(known)}"


def _elsewhere(name: str, root: Node) -> str | None:
    paths: Iterable[tuple[Any, ...]] = (path for path, _ in root.paths() if path[-1] == name)
    return next((dotted(path) for path in paths), None)
