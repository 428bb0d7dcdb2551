"""The keys of the terminal: those of the configuration and, over them, of the file that `--keys` names."""

from __future__ import annotations

from pathlib import Path

from pdwatch.cli.errors import UsageError
from pdwatch.config.document import Document, read_yaml
from pdwatch.config.errors import ConfigError, Place
from pdwatch.config.model import Config
from pdwatch.config.types import key_names
from pdwatch.top.command import Command, KeysError, remapped


def keymap(config: Config, file: str | None) -> tuple[Command, ...]:
    """Return the commands with their keys. Raises `ConfigError` and `UsageError` for what cannot be."""
    document = _read(Path(file)) if file else Document("")
    own = {name: _keys(document, name, value) for name, value in document.values.items()}
    try:
        return remapped(config.top.keys | own)
    except KeysError as error:
        if error.command in own:
            raise document.error((error.command,), error.problem, error.mend) from error
        raise UsageError(f"top.keys.{error.command}: {error.problem}; {error.mend}") from error


def _keys(document: Document, command: str, value: object) -> tuple[str, ...]:
    keys = key_names(value)
    if not isinstance(keys, list):
        raise document.error((command,), "is no key", "write a key such as z, or a list of keys")
    return tuple(keys)


def _read(path: Path) -> Document:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = (error.strerror or str(error)).lower() if isinstance(error, OSError) else "is not UTF-8"
        raise ConfigError(Place(str(path)), "", reason, "name a file of keys with --keys") from error
    values, places = read_yaml(text, str(path))
    if not isinstance(values, dict | None):
        raise ConfigError(Place(str(path), 1), "", "is no mapping", "write lines such as why: z")
    return Document(str(path), values or {}, places)
