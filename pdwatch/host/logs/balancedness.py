"""Balance of experts by source and model, and whether a version's number means anything.

balancedness is mean over maximum of tokens, 1 is even. vLLM up to 0.10.0 and from 0.28.0 on takes both over ranks. From
0.10.2 to 0.27.1 it took them over layers, so that the number is near 1 however uneven the ranks are; versions between
these that nobody looked at count as wrong.
"""

from __future__ import annotations

import re

from pdwatch.model.logline import Balancedness, EplbStep

LAST_RIGHT_BEFORE = (0, 10, 0)
FIRST_RIGHT_AGAIN = (0, 28, 0)
UNNAMED_MODEL = ""
"""The key where the line names no model."""

_RELEASE = re.compile(r"v?(\d{1,6})\.(\d{1,6})(?:\.(\d{1,6}))?")


def usable(event: EplbStep, version: str | None) -> bool | None:
    """Return whether *event* tells the balance over ranks; `None` where only the version, not known, would tell.

    A line with a model and without the steps to the next rearrangement is from 0.11.2 to 0.13.0, so it does not.
    """
    release = _release(version)
    if release is not None:
        return release <= LAST_RIGHT_BEFORE or release >= FIRST_RIGHT_AGAIN
    return False if event.model is not None and event.steps_to_rearrangement is None else None


def _release(version: str | None) -> tuple[int, int, int] | None:
    match = _RELEASE.match(version or "")
    return (int(match[1]), int(match[2]), int(match[3] or 0)) if match else None


class BalancednessFold:
    """Keeps the newest balance of each source and model. A step without tokens says nothing and replaces nothing."""

    def __init__(self) -> None:
        self._newest: dict[tuple[str, str], tuple[EplbStep, float]] = {}

    def add(self, source: str, event: EplbStep, at: float) -> None:
        """Take a step that was read at *at*, Unix seconds."""
        if event.balancedness is not None:
            self._newest[source, event.model or UNNAMED_MODEL] = (event, at)

    def forget(self, source: str) -> None:
        """Drop everything of *source*."""
        self._newest = {key: newest for key, newest in self._newest.items() if key[0] != source}

    def states(self, now: float, versions: dict[str, str | None]) -> tuple[Balancedness, ...]:
        """Return the newest balance of each source and model, by name; *versions* are the engines' by source."""
        return tuple(
            Balancedness(
                source=source,
                model=model,
                ratio=event.balancedness,
                usable=usable(event, versions.get(source)),
                at=at,
                age_seconds=max(now - at, 0.0),
                step=event.step,
            )
            for (source, model), (event, at) in sorted(self._newest.items(), key=lambda item: item[0])
            if event.balancedness is not None
        )
