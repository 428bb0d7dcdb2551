"""Single files of sysfs: a value, or the reason why there is none.

A read may fail with EINVAL (port in switch mode, no such agent), EIO, EACCES, ENODEV, EOPNOTSUPP, give the text
`N/A (no PMA)` on old kernels and virtual functions, or block for as long as the firmware does not answer.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

_LONGEST = 4096
_SHOWN = 24


@dataclass(slots=True)
class Notes:
    """What is being read, for whoever waits for it, and what could not be read, by file."""

    folder: str = ""
    """Of the files, as a prefix."""
    reading: str = ""
    unreadable: dict[str, str] = field(default_factory=dict)

    @property
    def position(self) -> str:
        """The file being read, below the device's folder."""
        return self.folder + self.reading


def content(path: str) -> bytes:
    """Return what the file holds, at most 4 KiB. Raises `OSError`."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return os.read(descriptor, _LONGEST)
    finally:
        os.close(descriptor)


def numbers(files: Iterable[tuple[str, str]], notes: Notes) -> dict[str, int]:
    """Return the counters of *files*, pairs of name and path; one that holds no counter costs itself only."""
    values: dict[str, int] = {}
    for name, path in files:
        notes.reading = name
        try:
            text = content(path).strip()
        except OSError as error:
            notes.unreadable[name] = why(error)
            continue
        if text.isdigit():
            values[name] = int(text)
        else:
            notes.unreadable[name] = _no_counter(text)
    return values


def _no_counter(text: bytes) -> str:
    words = text.decode("ascii", "replace")
    if words.startswith("N/A"):
        return "not available to this function"
    return f"not a counter: {words[:_SHOWN]!r}" if words else "empty"


def fact(folder: str, name: str, notes: Notes) -> str | None:
    """Return the text of a file that need not exist, `None` without it or when it is empty."""
    notes.reading = name
    try:
        text = content(f"{folder}/{name}")
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        notes.unreadable[name] = why(error)
        return None
    return text.decode("utf-8", "replace").strip() or None


def names(folder: str, name: str, notes: Notes) -> list[str]:
    """Return the sorted entries of a folder that need not exist."""
    notes.reading = name
    try:
        return sorted(os.listdir(f"{folder}/{name}"))  # noqa: PTH208 - a Path for each entry costs more than the read
    except FileNotFoundError:
        return []
    except OSError as error:
        notes.unreadable[name] = why(error)
        return []


def pairs(text: str | None) -> Mapping[str, str]:
    """Return the `KEY=value` lines of a `uevent` file."""
    lines = (line.partition("=") for line in (text or "").splitlines())
    return {key: value for key, _, value in lines}


def why(error: OSError) -> str:
    """Return the error in the system's words."""
    return error.strerror or str(error)
