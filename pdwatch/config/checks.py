"""What one value asks of another or of the disk, checked after each value was found good by itself."""

from __future__ import annotations

import difflib
import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from pdwatch.config.errors import KeyPath, listed, shown
from pdwatch.config.model import Config
from pdwatch.config.sources import FileSource, Source, StaticGroup
from pdwatch.config.units import format_duration
from pdwatch.config.urls import worker_url
from pdwatch.model.target import Role

_SCHEMES = ("http", "https")
_WRITTEN = frozenset({("state_file",)})
"""Files that need not be there: pdwatch writes them itself."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A value that does not fit the others."""

    path: KeyPath
    problem: str
    mend: str


def faults(config: Config) -> Iterator[Fault]:
    """Yield what does not fit together, without a look at the disk."""
    yield from _timing(config)
    yield from _services(config)
    yield from _thresholds(config)
    for name in ("discovery", "hosts"):
        yield from _static((name,), getattr(config, name))


def missing_files(config: Config) -> Iterator[Fault]:
    """Yield each file that is named and cannot be read. Patterns of `file` entries may match nothing yet."""
    for path, file in _files(config, ()):
        if path in _WRITTEN:
            continue
        try:
            with file.open("rb"):
                pass
        except OSError as error:
            reason = (error.strerror or "cannot be read").lower()
            yield Fault(path, f"{str(file)!r}: {reason}", "name a file that can be read")


def _timing(config: Config) -> Iterator[Fault]:
    scrape = config.scrape
    interval = format_duration(scrape.interval)
    if scrape.timeout >= scrape.interval:
        timeout = format_duration(scrape.timeout)
        yield Fault(
            ("scrape", "timeout"), f"{timeout} is not below the interval of {interval}", f"write less than {interval}"
        )
    if config.window < 2 * scrape.interval:
        least = format_duration(2 * scrape.interval)
        yield Fault(
            ("window",),
            f"{format_duration(config.window)} does not hold two intervals of {interval}",
            f"write {least} or more",
        )


def _services(config: Config) -> Iterator[Fault]:
    for name, service in config.services.items():
        for role in ("prefill", "decode", "both"):
            pool = getattr(service.pools, role)
            if pool.max_replicas is not None and pool.min_replicas > pool.max_replicas:
                yield Fault(
                    ("services", name, "pools", role, "max_replicas"),
                    f"{pool.max_replicas} is below min_replicas, {pool.min_replicas}",
                    f"write {pool.min_replicas} or more",
                )


def _thresholds(config: Config) -> Iterator[Fault]:
    rising = ("pressure_low", "pressure_target", "pressure_high")
    defaults = type(config.thresholds)()
    for lower, upper in itertools.pairwise(rising):
        low, high = getattr(config.thresholds, lower), getattr(config.thresholds, upper)
        if low > high:
            written = lower if low != getattr(defaults, lower) else upper
            problem = f"{lower} is {low:g} and {upper} is {high:g}"
            yield Fault(("thresholds", written), problem, f"keep {listed(rising)} in rising order")


def _static(prefix: KeyPath, sources: tuple[Source, ...]) -> Iterator[Fault]:
    seen: dict[str, dict[str, str]] = {}
    for entry, source in enumerate(sources):
        for number, group in enumerate(source.static or ()):
            path = (*prefix, entry, "static", number)
            wrong = list(_labels((*path, "labels"), group.labels))
            yield from wrong or _twice((*path, "targets"), group, seen)


def _twice(path: KeyPath, group: StaticGroup, seen: dict[str, dict[str, str]]) -> Iterator[Fault]:
    scheme, page = group.labels.get("__scheme__", "http"), group.labels.get("__metrics_path__", "/metrics")
    for index, target in enumerate(group.targets):
        if seen.setdefault(worker_url(target, scheme, page), group.labels) != group.labels:
            problem = f"{shown(target)} stands here a second time with other labels"
            yield Fault((*path, index), problem, "keep one of the two")


def _labels(path: KeyPath, labels: Mapping[str, str]) -> Iterator[Fault]:
    role, roles = labels.get("role"), [str(role) for role in Role]
    if role is not None and role not in roles:
        near = difflib.get_close_matches(role, roles, n=1)
        mend = f"did you mean {near[0]}?" if near else f"the roles are {listed(roles)}"
        yield Fault((*path, "role"), f"{shown(role)} is no role", mend)
    scheme = labels.get("__scheme__", "http")
    if scheme not in _SCHEMES:
        yield Fault((*path, "__scheme__"), f"{shown(scheme)} is no scheme", "write http or https")
    page = labels.get("__metrics_path__", "/")
    if not page.startswith("/"):
        yield Fault((*path, "__metrics_path__"), f"{shown(page)} is no path", f"write /{page}")


def _files(value: Any, path: KeyPath) -> Iterator[tuple[KeyPath, Path]]:
    if isinstance(value, FileSource):
        return
    if isinstance(value, Path) and str(path[-1]).endswith("_file"):
        yield path, value
    elif isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from _files(getattr(value, name), (*path, name))
    elif isinstance(value, tuple):
        for index, item in enumerate(value):
            yield from _files(item, (*path, index))
