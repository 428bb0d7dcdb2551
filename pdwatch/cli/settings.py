"""The configuration that a command runs with: file, environment and flags, the nearest wins."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from pathlib import Path

from pdwatch.cli.errors import UsageError
from pdwatch.cli.flags import SETTINGS
from pdwatch.config.load import Flag, load
from pdwatch.config.model import Config
from pdwatch.config.types import STDIN

AGENT_LISTEN = "127.0.0.1:10078"


def resolve(args: argparse.Namespace, environ: Mapping[str, str]) -> Config:
    """Return the configuration of `--config` or `PDWATCH_CONFIG`, the environment and the flags.

    Raises `ConfigError`. Call it again to reload.
    """
    config = load(config_path(args, environ), environ, tuple(_flags(args)))
    if args.command == "agent" and "listen" not in config.model_fields_set:
        return config.model_copy(update={"listen": AGENT_LISTEN})
    return config


def config_path(args: argparse.Namespace, environ: Mapping[str, str]) -> Path | None:
    """Return the configuration file, None where there is none."""
    name = getattr(args, "config", None) or environ.get("PDWATCH_CONFIG")
    return Path(name) if name else None


def require_targets(config: Config) -> None:
    """Raise `UsageError` for a configuration that names no worker and no host."""
    if not (config.discovery or config.hosts or config.prefill or config.decode or config.router):
        raise UsageError("there is nothing to watch; name workers with --prefill and --decode, or a file with --config")


def _flags(args: argparse.Namespace) -> Iterator[Flag]:
    for flag in SETTINGS:
        value = getattr(args, flag.dest, None)
        if value is not None:
            yield Flag(flag.name, flag.path, _absolute(value) if flag.is_path else value)


def _absolute(value: str | list[str]) -> str | list[str]:
    """Return paths as seen from the working directory; `-` stands for standard input."""
    if isinstance(value, list):
        return [STDIN if path == STDIN else str(Path(path).absolute()) for path in value]
    return str(Path(value).absolute())
