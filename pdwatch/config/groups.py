"""Prometheus target groups, as `file_sd` files and `http_sd` answers hold them."""

from __future__ import annotations

import json
from typing import Any

from pydantic import TypeAdapter, ValidationError

from pdwatch.config.document import Document, read_yaml
from pdwatch.config.errors import ConfigError, KeyPath, Place
from pdwatch.config.messages import first_error
from pdwatch.config.schema import Node, tree
from pdwatch.config.sources import TargetGroup

_GROUPS = TypeAdapter(tuple[TargetGroup, ...])
_TREE = Node("list", item=tree(TargetGroup), is_list=True)


def groups_from_yaml(text: str, name: str) -> tuple[TargetGroup, ...]:
    """Return the groups of a YAML file. Raises `ConfigError` with *name* and line; an empty file is one."""
    values, places = read_yaml(text, name)
    if values is None:
        raise ConfigError(Place(name, 1), "", "is empty", "write [] for no targets")
    return _validated(values, name, places)


def groups_from_json(text: str | bytes, name: str) -> tuple[TargetGroup, ...]:
    """Return the groups of JSON text. Raises `ConfigError` with *name*; empty text is one."""
    try:
        values = json.loads(text)
    except json.JSONDecodeError as error:
        raise ConfigError(Place(name, error.lineno), "", "is no JSON", "write a list of target groups") from error
    except (UnicodeDecodeError, RecursionError) as error:
        raise ConfigError(Place(name), "", "is no JSON", "write a list of target groups") from error
    return _validated(values, name, {})


def _validated(values: Any, name: str, places: dict[KeyPath, Place]) -> tuple[TargetGroup, ...]:
    try:
        return _GROUPS.validate_python(values)
    except ValidationError as error:
        raise first_error(error, Document(name, {}, {(): Place(name), **places}), _TREE) from None
