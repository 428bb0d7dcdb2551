"""Settings by environment.

`PDWATCH_` and the key path in capitals, levels apart by two underscores: `PDWATCH_SCRAPE__INTERVAL=2s`. A name under
`services` is matched without regard to case and with `_` for every other character. A list or a mapping
is written as YAML that begins with `[` or `{`; any other value is the text itself.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping

from pdwatch.config.document import Document, overlaid, read_document
from pdwatch.config.errors import ConfigError, KeyPath, Place
from pdwatch.config.schema import Node

PREFIX = "PDWATCH_"
LEVEL = "__"

COMMAND_VARIABLES = frozenset({"PDWATCH_CONFIG", "PDWATCH_CONNECT"})
"""Variables that stand for a flag of the command line and no key of the configuration."""

_SERVICE_LINK = re.compile(r"(?:[A-Z0-9_]+_)?(?:SERVICE_HOST|SERVICE_PORT(?:_[A-Z0-9_]+)?|PORT(?:_[A-Z0-9_]+)?)")
"""What Kubernetes puts into every pod beside a Service whose name begins with `pdwatch`."""


def with_environment(document: Document, environ: Mapping[str, str], root: Node) -> Document:
    """Return the document with the settings of *environ* in it. Raises `ConfigError` for an unknown variable."""
    for name in sorted(name for name in environ if name.startswith(PREFIX)):
        rest = name.removeprefix(PREFIX)
        if name in COMMAND_VARIABLES or _SERVICE_LINK.fullmatch(rest):
            continue
        found = _key_path(rest, root, document)
        if found is None:
            raise _unknown(name, root)
        path, node = found
        holds_more = bool(node.keys or node.item)
        value = _value(environ[name], name) if holds_more else environ[name]
        document = overlaid(document, path, value, Place(name))
    return document


def variable(path: KeyPath) -> str:
    """Return the name of the variable that sets the key at *path*."""
    return PREFIX + LEVEL.join(_spelt(str(part)) for part in path)


def _spelt(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9]", "_", name).upper()


def _key_path(rest: str, root: Node, document: Document) -> tuple[KeyPath, Node] | None:
    """Follow the words of a variable down the tree to a key and its node; None where one names nothing."""
    node: Node | None = root
    path: KeyPath = ()
    values: object = document.values
    for word in rest.split(LEVEL):
        if node is None or node.is_list or not (node.keys or node.item):
            return None
        written = list(values) if isinstance(values, dict) else []
        names = list(node.keys) or written
        name = next((name for name in names if _spelt(str(name)) == word), None)
        if name is None:
            return None
        path, node = (*path, name), node.keys.get(name, node.item)
        values = values.get(name) if isinstance(values, dict) else None
    return (path, node) if node is not None else None


def _value(text: str, name: str) -> object:
    if not text.lstrip().startswith(("[", "{")):
        return text
    try:
        return read_document(f"value: {text}", name).values["value"]
    except ConfigError as error:
        raise ConfigError(Place(name), "", error.problem, error.mend) from error


def _unknown(name: str, root: Node) -> ConfigError:
    known = [variable(path).removeprefix(PREFIX) for path, _ in root.paths() if "*" not in path]
    near = difflib.get_close_matches(name.removeprefix(PREFIX), known, n=1)
    mend = f"did you mean {PREFIX}{near[0]}?" if near else "the names are PDWATCH_ and the key, levels apart by __"
    return ConfigError(Place(name), "", "names no setting", mend)
