"""The files of the dashboards, by path below their folder."""

from __future__ import annotations

from collections.abc import Mapping


def files() -> Mapping[str, str]:
    """Return the contents of every file by its path."""
    return {}
