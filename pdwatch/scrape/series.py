"""One sample line of an exposition page: where its series ends, what the series is, what its value is."""

from __future__ import annotations

import re
from dataclasses import dataclass
from weakref import WeakValueDictionary

from prometheus_client.parser import text_string_to_metric_families

from pdwatch.model.page import Series
from pdwatch.scrape.errors import PageError

_QUOTED = r'"(?:[^"\\]|\\.)*+"'
_LABELS = rf'\{{(?:[^"\\}}]|{_QUOTED})*+\}}'
SERIES = re.compile(rf"\s*+(?:([a-zA-Z_:][a-zA-Z0-9_:]*+)(?:\s*+{_LABELS}\s*+|[ \t]\s*+)|{_LABELS}\s*+)")
"""Matches a sample line from its start to its value; group 1 is the name where it stands before the labels."""
QUOTED = re.compile(_QUOTED)


@dataclass(frozen=True, slots=True)
class PageLimits:
    """How much of a page is accepted; beyond it the page is refused whole."""

    max_samples: int = 200_000
    max_labels: int = 64
    """Labels of one series."""
    max_label_value: int = 4096
    """Characters of one label value as written on the page."""


DEFAULT_LIMITS = PageLimits()


@dataclass(frozen=True, slots=True, weakref_slot=True, eq=False)
class Identity:
    """A series with the text it was read from; one object per text as long as a page layout holds it."""

    text: str
    series: Series


_identities: WeakValueDictionary[str, Identity] = WeakValueDictionary()


def identify(text: str) -> Identity:
    """Return the identity of the series text *text*; raises `ValueError` where it is malformed."""
    identity = _identities.get(text)
    if identity is None:
        try:
            (family,) = text_string_to_metric_families(f"{text} 1")
        except IndexError as error:  # its answer to an empty label name
            raise ValueError("empty label name") from error
        sample = family.samples[0]
        identity = _identities[text] = Identity(text, Series(sample.name, sample.labels))
    return identity


def check_limits(text: str, limits: PageLimits) -> None:
    """Refuse a series text with too many or too long labels before anything costly reads it."""
    quoted = QUOTED.findall(text)
    if len(quoted) > limits.max_labels:
        raise PageError(f"has a series with {len(quoted)} labels, limit {limits.max_labels}")
    longest = max(map(len, quoted), default=2) - 2
    if longest > limits.max_label_value:
        raise PageError(f"has a label value of {longest} characters, limit {limits.max_label_value}")


def unquote(name: str) -> str:
    """Return a metric name of a comment line without the quotes and escapes that names beyond ASCII need."""
    if not name.startswith('"'):
        return name
    return re.sub(r'\\([\\"])', r"\1", name[1:-1])


def sample_value(tail: str) -> float:
    """Return the value in what follows the series: `value [timestamp] [# exemplar]`.

    As prometheus_client does, the first and the last word must be numbers. Raises `ValueError`.
    """
    text = tail.strip()
    brace = text.find("{")
    if brace >= 0 and " # " not in text[:brace]:
        raise ValueError("labels after the value")
    words = [word for word in map(str.strip, text.split(" " if " " in text else "\t")) if word]
    if not words:
        raise ValueError("no value")
    _number(words[-1])
    return _number(words[0])


def _number(word: str) -> float:
    """Return *word* as a number; Python's digit grouping is no number on a page."""
    if "_" in word:
        raise ValueError(f"{word} is no number")
    return float(word)
