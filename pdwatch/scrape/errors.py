"""Why a page that arrived is of no use."""

from __future__ import annotations

EXCERPT_CHARS = 60


class PageError(ValueError):
    """A page that cannot be read; its text is one line for people that names the line of the page or the limit."""


def excerpt(text: str) -> str:
    """Return the start of *text* fit for one line of a message: short, and free of control characters."""
    shown = "".join(char if char.isprintable() else "?" for char in text[:EXCERPT_CHARS])
    return f"{shown}…" if len(text) > EXCERPT_CHARS else shown
