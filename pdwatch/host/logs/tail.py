"""Log files: one path, every file of a directory or a glob pattern, through rotation by renaming and by truncation."""

from __future__ import annotations

import glob
import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path

from pdwatch.host.logs.follow import Follow, Inode
from pdwatch.host.logs.source import BYTES_PER_POLL, Batch

COMPRESSED = (".gz", ".zst", ".xz", ".bz2", ".lz4", ".zip")
"""Endings of files that are left alone: what is in them was read before it was compressed."""
MOST_FILES = 256
_QUIET_POLLS = 2


class LogTail:
    """Follows files by inode, so that a renamed file is neither read twice nor lost.

    Files that are there at the first poll are read from their end (`from_start`: from their start) or from where
    *positions* has them; files that come later from their start. A file that is renamed away or removed is read until
    it has been quiet for two polls.
    """

    def __init__(
        self,
        pattern: str,
        *,
        from_start: bool = False,
        positions: Mapping[Inode, int] | None = None,
        bytes_per_poll: int = BYTES_PER_POLL,
    ) -> None:
        self._pattern = pattern
        self._from_start = from_start
        self._resume = dict(positions or {})
        self._bytes_per_poll = bytes_per_poll
        self._follows: dict[Inode, Follow] = {}
        self._listed = False
        self._notes: dict[str, str] = {}

    def poll(self) -> Iterator[Batch]:
        """Yield new lines, a chunk of each file in turn, at most `bytes_per_poll` bytes in all."""
        present = self._open_new()
        for inode in [inode for inode in self._follows if inode not in present]:
            follow = self._follows[inode]
            follow.quiet_polls = 0 if follow.behind_bytes else follow.quiet_polls + 1
        budget = self._bytes_per_poll
        active = list(self._follows.values())
        while active and budget > 0:
            for follow in list(active):
                lines, count = follow.read()
                budget -= count
                if lines:
                    yield Batch(follow.source, lines)
                if count == 0:
                    active.remove(follow)
        yield from self._close_finished(present)

    @property
    def positions(self) -> dict[Inode, int]:
        """Where each file is read up to, to resume from with `positions=`."""
        return {inode: follow.position for inode, follow in self._follows.items()}

    @property
    def behind_bytes(self) -> int:
        """Bytes in the followed files that are not read yet."""
        return sum(follow.behind_bytes for follow in self._follows.values())

    @property
    def notes(self) -> tuple[str, ...]:
        """Files that cannot be read, and a pattern that matches none."""
        return tuple(self._notes.values())

    def close(self) -> None:
        """Close every file."""
        for follow in self._follows.values():
            follow.finish()
        self._follows.clear()

    def _open_new(self) -> set[Inode]:
        """Follow files that are not followed yet; return the inodes there are."""
        self._notes.clear()
        present: set[Inode] = set()
        for path in self._paths():
            try:
                status = os.stat(path)  # noqa: PTH116 - a pattern may match thousands of names
            except OSError:
                continue
            inode = (status.st_dev, status.st_ino)
            if stat.S_ISREG(status.st_mode) and inode not in present:
                present.add(inode)
                self._follow(path, inode)
        if not present:
            self._notes[""] = f"no log file matches {self._pattern}"
        self._listed = True
        self._resume.clear()
        return present

    def _follow(self, path: str, inode: Inode) -> None:
        if inode in self._follows:
            return
        if len(self._follows) >= MOST_FILES:
            self._notes["many"] = f"{self._pattern} matches more than {MOST_FILES} files; narrow the pattern"
            return
        start = 0 if self._from_start or self._listed else None
        try:
            follow = Follow(path, self._resume.get(inode, start))
        except OSError as error:
            self._notes[path] = f"{path} cannot be read ({error.strerror}); run as a user who may"
            return
        self._follows[follow.inode] = follow

    def _paths(self) -> list[str]:
        path = Path(self._pattern)
        if path.is_dir():
            found = [str(inner) for inner in path.iterdir()]
        elif path.exists():
            found = [self._pattern]
        else:
            found = glob.glob(self._pattern, recursive=True)  # noqa: PTH207 - the pattern may be absolute
        return sorted(name for name in found if not name.endswith(COMPRESSED))

    def _close_finished(self, present: set[Inode]) -> Iterator[Batch]:
        for inode, follow in list(self._follows.items()):
            if inode not in present and follow.quiet_polls >= _QUIET_POLLS:
                del self._follows[inode]
                lines = follow.finish()
                if lines:
                    yield Batch(follow.source, lines)
