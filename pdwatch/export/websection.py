"""YAML of a web configuration as sections whose values know their lines.

WebConfigError      the file, or a file that it names, cannot be used

No message shows a value that could be a secret: keys, file names and known words only.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import yaml

from pdwatch.model.text import plain

_TAG = "tag:yaml.org,2002:"
_FLAGS = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}


class WebConfigError(Exception):
    """A web configuration that cannot be used; the text is `FILE:LINE: key: what is wrong; the mend`, one line."""


def web_error(place: str, problem: str, mend: str) -> WebConfigError:
    """Return the error about a *place*."""
    return WebConfigError(plain(f"{place}: {problem}; {mend}"))


@dataclass(frozen=True, slots=True)
class Section:
    """A mapping of the file. What is null counts as not there."""

    file: str
    """What messages call the file."""
    path: str
    """Where the section stands, such as `tls_server_config`; the top is empty."""
    line: int
    nodes: Mapping[str, yaml.Node] = field(default_factory=dict)
    lines: Mapping[str, int] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.nodes)

    def error(self, key: str, problem: str, mend: str) -> WebConfigError:
        """Return the error about *key* of this section, or about the section where *key* is missing or empty."""
        where = ".".join(filter(None, (self.path, key)))
        place = f"{self.file}:{self.lines.get(key, self.line)}"
        return web_error(f"{place}: {where}" if where else place, problem, mend)

    def refuse_unknown(self, known: Sequence[str], unsupported: Mapping[str, str] | None = None) -> None:
        """Raise `WebConfigError` for a key that is not *known*; those *unsupported* have a mend each."""
        for key in self.nodes:
            if key in (unsupported or {}):
                raise self.error(key, "is not supported by pdwatch", (unsupported or {})[key])
            if key not in known:
                near = difflib.get_close_matches(key, known, n=1)
                mend = f"did you mean {near[0]}?" if near else f"known keys are {', '.join(known)}"
                raise self.error(key, "is no known key", mend)

    def section(self, key: str) -> Section:
        """Return the section at *key*, empty where it is missing. Raises `WebConfigError`."""
        node = self._given(key)
        path = ".".join(filter(None, (self.path, key)))
        if node is None:
            return Section(self.file, path, self.lines.get(key, self.line))
        if not isinstance(node, yaml.MappingNode):
            raise self.error(key, "is no mapping", "write one key: value a line, indented below it")
        return _section(self.file, path, self.lines[key], node)

    def text(self, key: str) -> str | None:
        """Return the text at *key*. Raises `WebConfigError`."""
        node = self._given(key)
        if node is None:
            return None
        if not isinstance(node, yaml.ScalarNode):
            raise self.error(key, "is no text", f"write {key}: value")
        return str(node.value)

    def word(self, key: str, known: Sequence[str], default: str) -> str:
        """Return the word at *key*, one of those *known*. Raises `WebConfigError`."""
        word = self.text(key)
        if word is not None and word not in known:
            raise self.error(key, "is no known value", f"choose one of {', '.join(known)}")
        return default if word is None else word

    def flag(self, key: str) -> bool | None:
        """Return the truth value at *key*. Raises `WebConfigError`."""
        text = self.text(key)
        if text is None:
            return None
        if text.lower() not in _FLAGS:
            raise self.error(key, "is neither true nor false", f"write {key}: true or {key}: false")
        return _FLAGS[text.lower()]

    def texts(self, key: str) -> tuple[str, ...]:
        """Return the list of texts at *key*, empty where it is missing. Raises `WebConfigError`."""
        node = self._given(key)
        if node is None:
            return ()
        if not isinstance(node, yaml.SequenceNode) or not all(isinstance(item, yaml.ScalarNode) for item in node.value):
            raise self.error(key, "is no list of names", f"write {key}: [NAME, NAME]")
        return tuple(str(item.value) for item in node.value)

    def _given(self, key: str) -> yaml.Node | None:
        node = self.nodes.get(key)
        return None if node is None or node.tag == f"{_TAG}null" else node


def read_top(text: str, file: str) -> Section:
    """Return the top of YAML *text*; empty text has no keys. Raises `WebConfigError`."""
    look = "look at this line and the one above"
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:  # its words may quote a secret
        mark = error.problem_mark
        raise web_error(f"{file}:{mark.line + 1 if mark else 1}", "is not YAML", look) from error
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise web_error(f"{file}:{line}", "holds a control character", "remove it") from error
    except RecursionError as error:
        raise web_error(f"{file}:1", "is nested too deep", "close its brackets") from error
    if node is None or node.tag == f"{_TAG}null":
        return Section(file, "", 1)
    if not isinstance(node, yaml.MappingNode):
        raise web_error(f"{file}:1", "is no mapping", "begin with a key such as tls_server_config:")
    return _section(file, "", 1, node)


def _section(file: str, path: str, line: int, node: yaml.MappingNode) -> Section:
    nodes: dict[str, yaml.Node] = {}
    lines: dict[str, int] = {}
    found = Section(file, path, line, nodes, lines)
    for key, value in node.value:
        number = key.start_mark.line + 1
        if not isinstance(key, yaml.ScalarNode):
            raise Section(file, path, number).error("", "has a key that is no text", "write key: value")
        name = str(key.value)
        if name in nodes:
            first = lines[name]
            lines[name] = number
            raise found.error(name, f"is given twice, first on line {first}", "keep one")
        nodes[name], lines[name] = value, number
    return found
