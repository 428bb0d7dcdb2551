"""The page on the dashboards is true."""

from __future__ import annotations

import re
from pathlib import Path

DOCS = Path(__file__).parents[3] / "docs"
PAGE = (DOCS / "dashboards.md").read_text(encoding="utf-8")
LARGEST = 150_000
"""Bytes of a picture."""


def test_every_board_is_listed_by_its_uid(boards):
    """In the order in which they link to each other."""
    assert list(boards) == re.findall(r"^\| [^|]+ \| `([^`]+)` \|", PAGE, re.MULTILINE)


def test_titles_on_the_page_are_those_of_the_boards(boards):
    """Without the name of their set."""
    listed = dict(re.findall(r"^\| ([^|]+) \| `([^`]+)` \|", PAGE, re.MULTILINE))

    assert listed == {board["title"].removeprefix("pdwatch / "): uid for uid, board in boards.items()}


def test_pictures_are_there_and_small(boards):
    """Each shows a board, and none is left over."""
    shown = re.findall(r"\]\((images/[^)]+\.png)\)", PAGE)
    pictures = {path.relative_to(DOCS).as_posix(): path.stat().st_size for path in (DOCS / "images").glob("*.png")}

    assert set(shown) == set(pictures)
    assert {Path(name).stem for name in shown} <= set(boards)
    assert {} == {name: size for name, size in pictures.items() if size > LARGEST}
