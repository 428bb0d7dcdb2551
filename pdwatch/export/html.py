"""Markup that cannot be forgotten to escape: text is escaped unless it was built here."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape


class Html(str):
    """Markup that is safe as it stands."""

    __slots__ = ()


def tag(name: str, *content: str, **attributes: str) -> Html:
    """Return one element. Text in *content* and the attribute values are escaped; `css` is the attribute `class`."""
    given = "".join(f' {_attribute(key)}="{escape(value)}"' for key, value in attributes.items() if value)
    return Html(f"<{name}{given}>{join(content)}</{name}>")


def join(parts: Iterable[str]) -> Html:
    """Return the parts one after the other, text escaped."""
    return Html("".join(part if isinstance(part, Html) else escape(part) for part in parts))


def table(caption: str, head: Iterable[str], rows: Iterable[Iterable[str]]) -> Html:
    """Return a table that scrolls on its own where the screen is narrow. Text is a cell, markup is one already."""
    header = tag("tr", *(tag("th", cell, scope="col") for cell in head))
    lines = (tag("tr", *(cell if isinstance(cell, Html) else tag("td", cell) for cell in row)) for row in rows)
    body = tag("table", tag("caption", caption), tag("thead", header), tag("tbody", *lines))
    return tag("div", body, css="scroll")


def _attribute(key: str) -> str:
    return "class" if key == "css" else key.replace("_", "-")
