"""The error of a wrong configuration.

ConfigError
    anything in the file, the environment or the flags that cannot be used; its text is one line
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

KeyPath = tuple[str | int, ...]
"""Where a value stands in the configuration: `("discovery", 0, "static", 1, "labels", "role")`."""

_SHOWN_CHARACTERS = 40


@dataclass(frozen=True, slots=True)
class Place:
    """Where a value was written: a line of a file, or the name of a variable or flag (then without a line)."""

    name: str
    line: int | None = None

    def __str__(self) -> str:
        return self.name if self.line is None else f"{self.name}:{self.line}"


class ConfigError(Exception):
    """A configuration that cannot be used. `str` is `PLACE: key.path: what is wrong; the mend`, one line."""

    def __init__(self, place: Place, key: str, problem: str, mend: str) -> None:
        self.place = place
        self.key = key
        self.problem = problem
        self.mend = mend
        parts = [str(place), key, f"{problem}; {mend}"]
        super().__init__(" ".join(": ".join(part for part in parts if part).split()))


def dotted(path: Iterable[str | int]) -> str:
    """Return the path as people write it: `discovery[0].static[1].labels.role`."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}"
    return text.removeprefix(".")


def shown(value: object) -> str:
    """Return a value as a message shows it: quoted, on one line, cut where it is long."""
    text = value if isinstance(value, str) else str(value)
    cut = text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}…"
    return repr(cut)


def listed(names: Sequence[str]) -> str:
    """Return names as a message lists them: `a, b and c`."""
    return " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))
