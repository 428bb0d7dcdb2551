"""Prometheus `file_sd`: JSON and YAML files of target groups."""

from __future__ import annotations

import asyncio
import itertools
from dataclasses import dataclass, replace
from pathlib import Path

from pdwatch.config.errors import ConfigError, Place
from pdwatch.config.groups import groups_from_json, groups_from_yaml
from pdwatch.config.sources import FileSource, TargetGroup
from pdwatch.discover.groups import found_in
from pdwatch.discover.source import Found
from pdwatch.model.target import Target

MAX_FILE_BYTES = 16 * 1024**2

_Stamp = tuple[int, int, int]


@dataclass(slots=True)
class _File:
    """What is known of one file: the stamp of the version read last, its last good targets, what is wrong."""

    stamp: _Stamp | None = None
    targets: tuple[Target, ...] = ()
    problem: str | None = None


class FileDiscovery:
    """Files read again when inode, time or size changed.

    A file that is broken, truncated or gone keeps its last good targets and is a problem, file by file.
    """

    def __init__(self, source: FileSource) -> None:
        self.name = ", ".join(str(path) for path in source.paths)
        self.refresh = source.refresh
        self._patterns = source.paths
        self.files: dict[Path, _File] = {}
        """What is known of each file."""

    async def find(self) -> Found:
        """Return the targets of all files in order of their names."""
        return await asyncio.to_thread(self._find)

    def inherit(self, other: object) -> None:
        """Begin with what *other* knew of the files that are looked for here, also of those that are broken or gone."""
        for path, file in other.files.items() if isinstance(other, FileDiscovery) else ():
            if any(path.match(str(pattern)) for pattern in self._patterns):
                self.files.setdefault(path, replace(file, stamp=None))

    async def aclose(self) -> None:
        """Nothing is open."""

    def _find(self) -> Found:
        matches = {pattern: sorted(pattern.parent.glob(pattern.name)) for pattern in self._patterns}
        for path in dict.fromkeys([*self.files, *itertools.chain(*matches.values())]):
            _look(path, self.files.setdefault(path, _File()))
        problems = [file.problem for file in self.files.values() if file.problem]
        problems += [
            f"{pattern}: no such file; write one or remove the pattern"
            for pattern, paths in matches.items()
            if not paths and not any(path.match(str(pattern)) for path in self.files)
        ]
        targets = tuple(target for _, file in sorted(self.files.items()) for target in file.targets)
        return Found(targets, " | ".join(problems) or None)


def _look(path: Path, file: _File) -> None:
    """Read the file where it changed since it was read last."""
    try:
        status = path.stat()
        stamp = (status.st_ino, status.st_mtime_ns, status.st_size)
        if stamp == file.stamp:
            return
        content = _content(path)
        file.stamp = stamp
        found = found_in(_groups(path, content), str(path))
    except FileNotFoundError:
        file.stamp, file.problem = None, f"{path}: is gone; bring it back, or write [] into it for no targets"
    except OSError as error:
        file.stamp, file.problem = None, f"{path}: {(error.strerror or str(error)).lower()}; let it be read"
    except ConfigError as error:
        file.problem = str(error)
    else:
        file.targets, file.problem = found.targets, found.problem


def _content(path: Path) -> str:
    """Return the text of a file. Raises `OSError`, or `ConfigError` for a file that is too large or no text."""
    with path.open("rb") as file:
        content = file.read(MAX_FILE_BYTES + 1)
    if len(content) > MAX_FILE_BYTES:
        raise ConfigError(Place(str(path)), "", f"is larger than {MAX_FILE_BYTES} bytes", "split it")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigError(Place(str(path)), "", "is not UTF-8", "save the file as UTF-8") from error


def _groups(path: Path, content: str) -> tuple[TargetGroup, ...]:
    read = groups_from_json if path.suffix == ".json" else groups_from_yaml
    return read(content, str(path))
