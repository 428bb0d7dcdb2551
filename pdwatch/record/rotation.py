"""Names of finished recordings: `fleet.jsonl.gz` is the one being written, `fleet.1.jsonl.gz` the one before it,
`fleet.2.jsonl.gz` the one before that.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pdwatch.record.compression import GZIP, PLAIN, ZSTD, Compression
from pdwatch.record.errors import RecordingError


@dataclass(frozen=True, slots=True)
class Rotation:
    """When a recording is ended and another begun, looked at after each round."""

    max_bytes: int = 256 * 1024 * 1024
    """Size on disk."""
    max_age: float = 86_400.0
    """Seconds."""
    keep: int = 16
    """Finished recordings that are kept beside the one being written, 1 or more."""


def compression_of(path: Path) -> Compression:
    """Return the compression of a recording to write. Raises `RecordingError` for a name that is none."""
    for way in (GZIP, ZSTD, PLAIN):
        if path.name.endswith(way.suffix) and path.name != way.suffix:
            return way
    raise RecordingError(f"{path}: end the name in .jsonl, .jsonl.gz or .jsonl.zst")


def numbered(path: Path, number: int) -> Path:
    """Return the name of a finished recording, 1 for the newest."""
    suffix = compression_of(path).suffix
    return path.with_name(f"{path.name.removesuffix(suffix)}.{number}{suffix}")


def make_way(path: Path, keep: int) -> None:
    """Rename what is at *path* to number 1 and each older one to the next number, up to the first free number; with
    *keep* numbers taken, the oldest is replaced. An empty file is removed.

    Raises `RecordingError` for what is no regular file, and `OSError`.
    """
    if not path.exists():
        return
    if not path.is_file():
        raise RecordingError(f"{path} is no regular file; name a file to write")
    if path.stat().st_size == 0:
        path.unlink()
        return
    free = next((number for number in range(1, keep) if not numbered(path, number).exists()), keep)
    for number in range(free, 1, -1):
        numbered(path, number - 1).replace(numbered(path, number))
    path.replace(numbered(path, 1))
