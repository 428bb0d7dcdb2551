"""YAML text as plain values with the place of each: every scalar stays the text that was written.

Types come from the models alone, so that `01`, `1:30` and `yes` mean what they say and a message can quote them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from pdwatch.config.errors import ConfigError, KeyPath, Place, dotted, shown

_NULL = "tag:yaml.org,2002:null"
_STANDARD_TAG = "tag:yaml.org,2002:"
_MERGE = "<<"

_MENDS = (
    ("\\t", "a tab in the indentation", "indent with spaces"),
    (
        "mapping values are not allowed",
        "a colon where none fits",
        "give each key its own line as key: value, and put quotes around a value that holds a colon",
    ),
    ("could not find expected ':'", "a key without a colon", "write key: value"),
    ("expected <block end>", "indentation that fits no line above", "indent keys of one level alike"),
    ("unexpected end of stream", "a quote that is never closed", "close it"),
    ("found '<stream end>'", "a bracket that is never closed", "close it"),
    ("expected ',' or", "a bracket that is never closed", "close it"),
    ("expected a single document", "a second document", "keep one and remove the line ---"),
)
"""What the parser says, what is wrong in plain words, and the mend."""


@dataclass(frozen=True, slots=True)
class Document:
    """Values of a configuration with their places. Places of values that stand nowhere are those of their parents."""

    name: str
    """What messages call the file."""
    values: dict[str, Any] = field(default_factory=dict)
    """Nested dicts and lists of text and None."""
    places: dict[KeyPath, Place] = field(default_factory=dict)

    def place(self, path: KeyPath) -> Place:
        """Return the place of the value at *path* or of its nearest parent."""
        for end in range(len(path), -1, -1):
            if path[:end] in self.places:
                return self.places[path[:end]]
        return Place(self.name, 1)

    def error(self, path: KeyPath, problem: str, mend: str) -> ConfigError:
        """Return the error about the value at *path*."""
        return ConfigError(self.place(path), dotted(path), problem, mend)


def read_document(text: str, name: str) -> Document:
    """Return the values of YAML *text*, whose top is a mapping; empty text has none. Raises `ConfigError`."""
    values, places = read_yaml(text, name)
    if values is None:
        return Document(name)
    if not isinstance(values, dict):
        raise ConfigError(Place(name, 1), "", "is no mapping", "begin with a key such as discovery:")
    return Document(name, values, places)


def read_yaml(text: str, name: str) -> tuple[Any, dict[KeyPath, Place]]:
    """Return the value of YAML *text*, None where it is empty, and the places of what is in it.

    Raises `ConfigError`.
    """
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        raise _syntax_error(error, name) from error
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise ConfigError(Place(name, line), "", "holds a control character", "remove it") from error
    except RecursionError as error:
        raise ConfigError(Place(name, 1), "", "is nested too deep", "close its brackets") from error
    walk = _Walk(name)
    return (walk.value(node, ()) if node is not None else None), walk.places


def _syntax_error(error: yaml.MarkedYAMLError, name: str) -> ConfigError:
    said = f"{error.context or ''} {error.problem or ''}".strip()
    known = (entry for entry in _MENDS if entry[0] in said)
    _, problem, mend = next(known, ("", said, "check this line and the one above"))
    unclosed = mend == "close it" and error.context_mark is not None
    mark = error.context_mark if unclosed else error.problem_mark
    return ConfigError(Place(name, mark.line + 1 if mark else 1), "", f"not YAML: {problem}", mend)


class _Walk:
    """One pass over the nodes of a text that notes the place of each."""

    def __init__(self, name: str) -> None:
        self.places: dict[KeyPath, Place] = {}
        self._name = name
        self._open: set[int] = set()

    def value(self, node: yaml.Node, path: KeyPath) -> Any:
        if not (node.tag or "").startswith(_STANDARD_TAG):
            raise self._error(node, path, f"has the tag {shown(node.tag)}", "remove it")
        if isinstance(node, yaml.ScalarNode):
            return None if node.tag == _NULL else node.value
        if id(node) in self._open:
            raise self._error(node, path, "refers to itself", "remove the * alias")
        self._open.add(id(node))
        values = self._mapping(node, path) if isinstance(node, yaml.MappingNode) else self._sequence(node, path)
        self._open.remove(id(node))
        return values

    def _sequence(self, node: yaml.Node, path: KeyPath) -> list[Any]:
        values = []
        for index, item in enumerate(node.value):
            self._note((*path, index), item)
            values.append(self.value(item, (*path, index)))
        return values

    def _mapping(self, node: yaml.MappingNode, path: KeyPath) -> dict[str, Any]:
        values: dict[str, Any] = {}
        merged: list[yaml.Node] = []
        lines: dict[str, int] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                raise self._error(key_node, path, "has a key that is no text", "write key: value")
            key = key_node.value
            if key == _MERGE:
                merged.append(value_node)
                continue
            line = key_node.start_mark.line + 1
            if key in lines:
                raise self._error(key_node, (*path, key), f"is given twice, first on line {lines[key]}", "keep one")
            lines[key] = line
            self._note((*path, key), key_node)
            values[key] = self.value(value_node, (*path, key))
        return self._merge(values, merged, path)

    def _merge(self, values: dict[str, Any], merged: list[yaml.Node], path: KeyPath) -> dict[str, Any]:
        sources = [item for node in merged for item in (node.value if isinstance(node, yaml.SequenceNode) else [node])]
        for node in sources:
            if not isinstance(node, yaml.MappingNode):
                raise self._error(node, (*path, _MERGE), "merges what is no mapping", "name an anchor of a mapping")
            places = dict(self.places)
            base = self.value(node, path)
            self.places.update(places)
            values = base | values
        return values

    def _note(self, path: KeyPath, node: yaml.Node) -> None:
        self.places[path] = Place(self._name, node.start_mark.line + 1)

    def _error(self, node: yaml.Node, path: KeyPath, problem: str, mend: str) -> ConfigError:
        place = Place(self._name, node.start_mark.line + 1)
        return ConfigError(place, dotted(path), problem, mend)


def overlaid(document: Document, path: KeyPath, value: Any, place: Place) -> Document:
    """Return the document with the value at *path* replaced; mappings on the way are made where they are missing."""
    values = _put(document.values, path, value)
    kept = {known: at for known, at in document.places.items() if known[: len(path)] != path}
    new = {path[:end]: place for end in range(1, len(path) + 1)}
    return Document(document.name, values, new | kept)


def _put(values: Mapping[str, Any], path: KeyPath, value: Any) -> dict[str, Any]:
    head, *rest = path
    below = values.get(str(head))
    new = _put(below if isinstance(below, dict) else {}, tuple(rest), value) if rest else value
    return {**values, str(head): new}
