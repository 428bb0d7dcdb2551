"""What was chosen of generated files, from the flags of `pdwatch generate`."""

from __future__ import annotations

import argparse
import os
import re
from collections.abc import Callable, Mapping
from math import isfinite
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pdwatch.cli.errors import UsageError
from pdwatch.cli.flags import CHOICES
from pdwatch.config.load import load
from pdwatch.config.units import parse_duration
from pdwatch.generate.options import Options
from pdwatch.generate.rules.document import duration


def choices(args: argparse.Namespace) -> Options:
    """Return what was chosen. Raises `UsageError` for a wrong call, `ConfigError` for a wrong configuration."""
    values: dict[str, Any] = {}
    for flag in CHOICES:
        given = getattr(args, flag.dest)
        if given is None:
            continue
        if args.kind not in flag.kinds:
            raise UsageError(f"{flag.name} is for {' and '.join(flag.kinds)}; leave it out for {args.kind}")
        entry, read = _READ[flag.dest]
        try:
            values[entry] = read(given)
        except ValueError as error:
            raise UsageError(f"{flag.name} {given}: {error}") from error
    return Options(**values)


def _url(text: str) -> str:
    if urlsplit(text).scheme not in {"http", "https"} or not urlsplit(text).netloc:
        raise ValueError("is no URL; write one such as https://docs.example.com/runbooks")
    return text


def _factor(text: str) -> float:
    try:
        factor = float(text)
    except ValueError:
        factor = 0.0
    if not isfinite(factor) or factor <= 0:
        raise ValueError("is no factor; write a number above 0 such as 0.05")
    return factor


def _labels(text: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(","))
    if not all(_LABEL.fullmatch(name) for name in names):
        raise ValueError("are no labels; write names such as cluster, parted by commas")
    return names


_LABEL = re.compile("[a-zA-Z_][a-zA-Z0-9_]*")
_READ: Mapping[str, tuple[str, Callable[[Any], Any]]] = {
    "config": ("thresholds", lambda name: load(Path(name), os.environ).thresholds),
    "runbook_base": ("runbook_base", _url),
    "grafana": ("grafana", _url),
    "scale_for": ("scale_for", _factor),
    "without_keep_firing_for": ("keep_firing_for", lambda _: False),
    "keep": ("keep", _labels),
    "window": ("window", lambda text: duration(parse_duration(text))),
}
"""By flag: the entry of the options and how its value is read."""
