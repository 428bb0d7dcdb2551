"""The dashboards as they would be written, and a reader of PromQL that knows names and labels."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from pdwatch.generate.dashboards.files import files
from pdwatch.generate.options import Options

Json = dict[str, Any]
_WORDS = {"and", "or", "unless", "bool", "by", "on", "without", "ignoring", "group_left", "group_right", "offset"}
_LISTS = re.compile(r"\b(?:by|on|without|ignoring|group_left|group_right)\s*\(([^)]*)\)")
_SELECTOR = re.compile(r"(?<![\w:$])([a-zA-Z_:][\w:]*)(?![\w:]|\s*\()(\{[^}]*\})?(\[[^\]]*\])?")


@dataclass(frozen=True)
class Selector:
    """One metric in an expression."""

    metric: str
    labels: tuple[str, ...]
    window: str
    """What stands in brackets behind it, or nothing."""


def selectors(expr: str) -> list[Selector]:
    """Return the metrics that an expression asks for."""
    bare = _LISTS.sub(" ", re.sub(r'"[^"]*"', '""', expr))
    found = []
    for match in _SELECTOR.finditer(bare):
        if match[1] not in _WORDS and not re.fullmatch(r"e\d*|inf|nan", match[1]):
            labels = tuple(re.findall(r"(\w+)\s*[=!]", match[2] or ""))
            found.append(Selector(match[1], labels, (match[3] or "")[1:-1]))
    return found


def grouped_by(expr: str) -> set[str]:
    """Return the labels that stand behind `by`, `on` and their like."""
    return {label.strip() for match in _LISTS.finditer(expr) for label in match[1].split(",") if label.strip()}


@pytest.fixture(scope="session")
def written() -> Mapping[str, str]:
    """Every file by its path, made with default choices."""
    return files(Options())


@pytest.fixture(scope="session")
def boards(written: Mapping[str, str]) -> dict[str, Json]:
    """Every board by its uid."""
    loaded = [json.loads(text) for path, text in written.items() if path.endswith(".json")]
    return {board["uid"]: board for board in loaded}


@pytest.fixture(scope="session")
def panels_of() -> Callable[[Json], Iterator[Json]]:
    """Return the panels of a board, those in folded rows too, without the rows."""

    def walk(board: Json) -> Iterator[Json]:
        for panel in board["panels"]:
            yield from panel["panels"] if panel["type"] == "row" else [panel]

    return walk


@pytest.fixture(scope="session")
def expressions(boards: Mapping[str, Json], panels_of: Callable[[Json], Iterator[Json]]) -> list[tuple[str, str]]:
    """Every expression with where it stands: panels, marks, and the selectors of variables."""
    found = []
    for uid, board in boards.items():
        for panel in panels_of(board):
            found += [(f"{uid}: {panel['title']}", target["expr"]) for target in panel["targets"]]
        found += [(f"{uid}: mark {a['name']}", a["expr"]) for a in board["annotations"]["list"] if "expr" in a]
        for variable in board["templating"]["list"]:
            match = re.fullmatch(r"label_values\((.*), \w+\)", variable["query"])
            found += [(f"{uid}: variable {variable['name']}", match[1])] if match else []
    return found


@pytest.fixture(scope="session", name="selectors")
def selectors_fixture() -> Callable[[str], list[Selector]]:
    """Return the reader of selectors."""
    return selectors


@pytest.fixture(scope="session", name="grouped_by")
def grouped_by_fixture() -> Callable[[str], set[str]]:
    """Return the reader of label lists."""
    return grouped_by
