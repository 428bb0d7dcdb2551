"""The runbook of a finding."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields

from pdwatch.catalog.thresholds import Thresholds
from pdwatch.generate.runbooks.thresholds import thresholds_of
from pdwatch.generate.runbooks.words import begins, ends, link, linked
from pdwatch.judge.definition import FindingDef
from pdwatch.judge.findings import FINDINGS

_THRESHOLDS = {each.name: each for each in fields(Thresholds)}


def finding_runbook(definition: FindingDef) -> str:
    """Return the page."""
    return "\n".join(_lines(definition)) + "\n"


def _lines(definition: FindingDef) -> Iterator[str]:
    yield from (f"# {definition.title}", "", *_facts(definition), "")
    yield from ("## What it means and how it was measured", "", linked(definition.meaning), "")
    yield from _limits(definition)
    yield from ("## How to confirm it", "", linked(definition.confirm), "")
    yield from ("That is without pdwatch. With it, the numbers behind the finding and where it stands:", "", "```sh")
    yield from ("pdwatch check --connect http://MONITOR:10077", "```", "", "```promql")
    yield from (f'pdwatch_finding_active{{finding="{definition.id}"}}', "```", "")
    yield from ("## How to fix it", "", linked(definition.fix), "")
    yield from ("## What it is confused with", "", linked(definition.confused_with), "")
    yield from _related(definition)
    yield "[All runbooks](README.md)"


def _facts(definition: FindingDef) -> Iterator[str]:
    yield from ("| | |", "|---|---|")
    yield f"| Finding | `{definition.id}` |"
    yield f"| Severity | {definition.severity.word} |"
    yield f"| Named | {begins(definition)} |"
    yield f"| Over | {ends(definition)} |"
    if definition.not_capacity:
        yield "| Advice while it stands | `fix`: more replicas do not cure it |"


def _limits(definition: FindingDef) -> Iterator[str]:
    names = thresholds_of(definition)
    if not names:
        return
    yield from ("| Threshold | Default | Meaning |", "|---|---|---|")
    for name in names:
        each = _THRESHOLDS[name]
        yield f"| `{name}` | {each.default:g} {each.metadata['unit']} | {each.metadata['help']} |"
    yield from ("", "Change them under `thresholds` in the [configuration](../configuration.md).", "")


def _related(definition: FindingDef) -> Iterator[str]:
    causes = [other.id for other in FINDINGS if definition.id in other.explains]
    if not causes and not definition.explains:
        return
    yield from ("## Related findings", "")
    if causes:
        yield from (f"It may be a symptom of one of these; look for them first, {definition.reach.value}:", "")
        yield from (f"- {link(cause)}" for cause in causes)
        yield ""
    if definition.explains:
        yield from ("It explains these, which are told under it while both stand:", "")
        yield from (f"- {link(symptom)}" for symptom in definition.explains)
        yield ""
