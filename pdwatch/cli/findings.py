"""Findings in words: each root with its evidence and its mend, its symptoms below it, many of a kind as one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from textwrap import wrap

from pdwatch.judge.words import bandwidth, rate, seconds, size
from pdwatch.model.judgement import Cause, Evidence, Finding, Severity

WIDTH = 100
_SHOWN = 3
"""Findings of one kind that are told one by one; of more, the rest is counted."""
_CHAIN = "ttft_chain_"
_WORDS: dict[str, Callable[[float], str]] = {
    "seconds": seconds,
    "bytes": size,
    "bytes per second": bandwidth,
    "per second": rate,
    "hertz": lambda value: f"{value / 1e6:.0f} MHz",
    "celsius": lambda value: f"{value:.0f} °C",
}
"""How people read numbers of a unit."""
_USUAL = "_usual_seconds"

Key = tuple[str, tuple[tuple[str, str], ...]]


def findings_in_words(findings: Sequence[Finding], now: float) -> Iterator[str]:
    """Yield lines; *findings* are in the order of a snapshot, *now* is its time in Unix seconds."""
    symptoms: dict[Key, list[Finding]] = defaultdict(list)
    kinds: dict[tuple[str, Severity], list[Finding]] = defaultdict(list)
    for finding in findings:
        if finding.because_of is None:
            kinds[finding.finding, finding.severity].append(finding)
        else:
            symptoms[_key(finding.because_of)].append(finding)
    for roots in kinds.values():
        yield from _roots(roots, [symptom for root in roots for symptom in symptoms[root.key]], now)


def wrapped(text: str, indent: str) -> list[str]:
    """Return *text* in lines of the report's width."""
    below = " " * (len(indent) + (2 if not indent.strip() else 0))
    return wrap(text, WIDTH, initial_indent=indent, subsequent_indent=below, break_on_hyphens=False)


def _key(cause: Cause) -> Key:
    return cause.finding, tuple(sorted(cause.scope.items()))


def _roots(roots: Sequence[Finding], symptoms: Sequence[Finding], now: float) -> Iterator[str]:
    first = roots[0]
    yield ""
    yield from wrapped(f"{first.severity.word.upper()} {first.finding}: {first.summary}", "  ")
    yield from _more((root.summary for root in roots[1:]), len(roots) - 1, "    also: ")
    shown = [text for evidence in first.evidence if (text := _evidence(evidence))]
    numbers = f", evidence: {'; '.join(shown)}" if shown else ""
    age = now - min(root.since for root in roots)
    yield from wrapped(f"{f'for {seconds(age)}' if age >= 1 else 'new'}{numbers}", "    ")
    yield from wrapped(_chain(first.evidence), "    ")
    yield from wrapped(f"do: {first.fix}", "    ")
    yield from _symptoms(symptoms)


def _symptoms(symptoms: Sequence[Finding]) -> Iterator[str]:
    kinds: dict[tuple[str, Severity], list[str]] = defaultdict(list)
    for symptom in symptoms:
        kinds[symptom.finding, symptom.severity].append(f"{symptom.severity.word} {symptom.finding}: {symptom.summary}")
    if symptoms:
        yield "    with it:"
    for told in kinds.values():
        yield from _more(told, len(told), "      ")


def _more(texts: Iterable[str], count: int, indent: str) -> Iterator[str]:
    """Yield the first of *texts*, and how many more there are."""
    for index, text in enumerate(texts):
        if index == _SHOWN and count > _SHOWN + 1:
            yield f"{indent}and {count - _SHOWN} more"
            return
        yield from wrapped(text, indent)


def _chain(evidence: Iterable[Evidence]) -> str:
    """Return the hops to the first token as one sentence; empty where none is known."""
    told = {each.signal.removeprefix(_CHAIN): each.value for each in evidence if each.signal.startswith(_CHAIN)}
    usual = {name.removesuffix(_USUAL): value for name, value in told.items() if name.endswith(_USUAL)}
    hops = []
    for name, value in told.items():
        hop = name.removesuffix("_seconds")
        if not name.endswith(_USUAL) and value is not None:
            before = usual.get(hop)
            was = "" if before is None else f" (usually {seconds(before)})"
            hops.append(f"{hop.replace('_', ' ')} {seconds(value)}{was}")
    return f"way to the first token: {', '.join(hops)}" if hops else ""


def _evidence(evidence: Evidence) -> str:
    """Return a number with its unit and its limit; nothing where it is not known or told elsewhere."""
    if evidence.value is None or evidence.signal.startswith(_CHAIN):
        return ""
    limit = "" if evidence.threshold is None else f" (limit {_number(evidence.threshold, evidence.unit)})"
    return f"{evidence.signal} {_number(evidence.value, evidence.unit)}{limit}"


def _number(value: float, unit: str) -> str:
    words = _WORDS.get(unit)
    if value == 0:
        return "0"
    if words is not None:
        return words(value)
    return f"{value:.3g}" if unit == "ratio" else f"{value:,.6g} {unit}"
