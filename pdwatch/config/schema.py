"""The shape of the configuration as a tree: which keys a place knows, and what each of them holds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from pdwatch.config.errors import KeyPath


@dataclass(frozen=True, slots=True)
class Kind:
    """What the docs call a type."""

    name: str


@dataclass(frozen=True, slots=True)
class Shape:
    """The model that names the keys of a value which itself is no model."""

    model: type[BaseModel]


@dataclass(frozen=True, slots=True)
class Node:
    """One place of the tree: a mapping with known `keys`, a mapping or list of `item`s, or a plain value."""

    kind: str
    keys: Mapping[str, Node] = field(default_factory=dict)
    item: Node | None = None
    is_list: bool = False
    field: FieldInfo | None = None
    """The field that holds the value; None for the root and for items."""

    def at(self, path: KeyPath) -> Node | None:
        """Return the node below, None where the path leaves the tree."""
        node: Node | None = self
        for part in path:
            if node is None:
                return None
            node = node.keys.get(str(part), node.item)
        return node

    def paths(self, prefix: KeyPath = ()) -> Iterator[tuple[KeyPath, Node]]:
        """Yield every key with its path, in order of declaration; `*` stands for any item."""
        for name, node in self.keys.items():
            yield (*prefix, name), node
            yield from node.paths((*prefix, name))
        if self.item is not None:
            yield from self.item.paths((*prefix, "*"))


def tree(model: type[BaseModel], info: FieldInfo | None = None) -> Node:
    """Return the tree of a model."""
    keys = {name: _node(entry.annotation, entry.metadata, entry) for name, entry in model.model_fields.items()}
    return Node(kind="mapping", keys=keys, field=info)


def _node(annotation: Any, metadata: Sequence[Any], info: FieldInfo | None = None) -> Node:
    annotation, metadata = _bare(annotation, metadata)
    kind = next((entry.name for entry in metadata if isinstance(entry, Kind)), "")
    model = next((entry.model for entry in metadata if isinstance(entry, Shape)), annotation)
    if isinstance(model, type) and issubclass(model, BaseModel):
        return tree(model, info)
    arguments = get_args(annotation)
    if get_origin(annotation) is tuple:
        return Node(kind or "list", item=_node(arguments[0], ()), is_list=True, field=info)
    if get_origin(annotation) is dict:
        return Node(kind or "mapping", item=_node(arguments[1], ()), field=info)
    return Node(kind or annotation.__name__, field=info)


def _bare(annotation: Any, metadata: Sequence[Any]) -> tuple[Any, Sequence[Any]]:
    """Take `Annotated` and `| None` off an annotation, and collect what they carried."""
    if get_origin(annotation) is Annotated:
        inner, *more = get_args(annotation)
        return _bare(inner, [*metadata, *more])
    if get_origin(annotation) in (Union, UnionType):
        (inner,) = (part for part in get_args(annotation) if part is not NoneType)
        return _bare(inner, metadata)
    return annotation, metadata
