"""The doors of the room: from a file, the environment and flags to a `Config`, and from a mapping to one and back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from pdwatch.config.access import SECRET_KEYS
from pdwatch.config.checks import faults, missing_files
from pdwatch.config.document import Document, overlaid, read_document
from pdwatch.config.environment import variable, with_environment
from pdwatch.config.errors import ConfigError, KeyPath, Place
from pdwatch.config.messages import first_error
from pdwatch.config.model import Config
from pdwatch.config.schema import Node, tree
from pdwatch.config.types import BASE


@dataclass(frozen=True, slots=True)
class Flag:
    """A setting from the command line."""

    name: str
    """As written: `--interval`."""
    path: KeyPath
    value: object
    """Text or a list of texts."""


def load(path: Path | None, environ: Mapping[str, str], flags: Sequence[Flag] = ()) -> Config:
    """Return the configuration of a file under the environment under the flags; without a file, of the other two.

    Relative paths are relative to the folder of the file. Raises `ConfigError`.
    """
    document = _read(path) if path is not None else Document("configuration")
    _refuse_secrets(document)
    document = with_environment(document, environ, schema())
    for flag in flags:
        document = overlaid(document, flag.path, flag.value, Place(flag.name))
    config = _validated(document, path.parent if path is not None else Path())
    _raise_first(document, missing_files(config))
    return config


def from_mapping(values: Mapping[str, Any], name: str) -> Config:
    """Return the configuration of a mapping with the keys of the file, such as the header of a recording.

    Files that it names need not exist. Raises `ConfigError` with *name* as the place.
    """
    return _validated(Document(name, dict(values), {(): Place(name)}), Path())


def to_mapping(config: Config) -> dict[str, Any]:
    """Return what judgements depend on with the keys of the file, for `from_mapping`: interval and window,
    and of services and thresholds what differs from the defaults. Nothing in it is secret.
    """
    values = config.model_dump(mode="json", include={"scrape": {"interval"}, "window": True})
    services = config.model_dump(mode="json", include={"services"}, exclude_defaults=True)
    changed = {
        entry.name: value
        for entry in config.thresholds.definitions()
        if (value := getattr(config.thresholds, entry.name)) != entry.default
    }
    return values | services | ({"thresholds": changed} if changed else {})


@cache
def schema() -> Node:
    """Return the tree of the configuration."""
    return tree(Config)


def _read(path: Path) -> Document:
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise ConfigError(Place(str(path)), "", reason, "name a file that can be read with --config") from error
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise ConfigError(Place(str(path), line), "", "is not UTF-8", "save the file as UTF-8") from error
    return read_document(text, str(path))


def _refuse_secrets(document: Document) -> None:
    for path, key in _keys(document.values, ()):
        node = schema().at(path)
        if key in SECRET_KEYS and node is not None and node.field is not None:
            other = f"name a file with {SECRET_KEYS[key]}"
            by_variable = f" or set {variable(path)}" if all(isinstance(part, str) for part in path) else ""
            raise document.error(path, "a secret does not stand in the configuration", other + by_variable)


def _keys(values: Any, path: KeyPath) -> Iterator[tuple[KeyPath, str]]:
    if isinstance(values, dict):
        for key, below in values.items():
            yield (*path, key), key
            yield from _keys(below, (*path, key))
    elif isinstance(values, list):
        for index, below in enumerate(values):
            yield from _keys(below, (*path, index))


def _validated(document: Document, base: Path) -> Config:
    try:
        config = Config.model_validate(document.values, context={BASE: base})
    except ValidationError as error:
        raise first_error(error, document, schema()) from None
    _raise_first(document, faults(config))
    return config


def _raise_first(document: Document, found: Iterator[Any]) -> None:
    errors = [document.error(fault.path, fault.problem, fault.mend) for fault in found]
    if errors:
        raise min(errors, key=lambda one: (one.place.line is None, one.place.line or 0))
