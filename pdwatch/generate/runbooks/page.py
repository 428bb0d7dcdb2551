"""What every runbook is made of: facts, what it means, how to confirm it, how to fix it, what it is confused with."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields

from pdwatch.catalog.thresholds import Thresholds
from pdwatch.generate.runbooks.words import linked

_THRESHOLDS = {each.name: each for each in fields(Thresholds)}


@dataclass(frozen=True, slots=True)
class Runbook:
    """The parts of a page, as Markdown."""

    title: str
    facts: Mapping[str, str]
    meaning: str
    thresholds: Iterable[str]
    """Names in the catalogue."""
    confirm: str
    with_pdwatch: tuple[str, ...]
    """Lines that say how to see it with pdwatch."""
    fix: str
    confused_with: str
    related: tuple[str, ...] = ()
    """Lines of a section of its own."""


def page(runbook: Runbook) -> str:
    """Return the text."""
    return "\n".join(_lines(runbook)) + "\n"


def _lines(runbook: Runbook) -> Iterator[str]:
    yield from (f"# {runbook.title}", "", "| | |", "|---|---|")
    yield from (f"| {name} | {value} |" for name, value in runbook.facts.items())
    yield from ("", "## What it means and how it was measured", "", linked(runbook.meaning), "")
    yield from _limits(list(runbook.thresholds))
    yield from ("## How to confirm it", "", linked(runbook.confirm), "", *runbook.with_pdwatch, "")
    yield from ("## How to fix it", "", linked(runbook.fix), "")
    yield from ("## What it is confused with", "", linked(runbook.confused_with), "")
    if runbook.related:
        yield from ("## Related findings", "", *runbook.related, "")
    yield "[All runbooks](README.md)"


def _limits(names: list[str]) -> Iterator[str]:
    if not names:
        return
    yield from ("| Threshold | Default | Meaning |", "|---|---|---|")
    for name in names:
        each = _THRESHOLDS[name]
        yield f"| `{name}` | {each.default:g} {each.metadata['unit']} | {each.metadata['help']} |"
    yield from ("", "Change them under `thresholds` in the [configuration](../configuration.md).", "")


def fenced(language: str, text: str) -> tuple[str, ...]:
    """Return lines of a block of code."""
    return (f"```{language}", *text.splitlines(), "```")
