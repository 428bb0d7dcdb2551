"""Samples under a definition become the lines of a metric family, in the text format or in OpenMetrics.

Text format: https://prometheus.io/docs/instrumenting/exposition_formats. OpenMetrics 1.0:
https://prometheus.io/docs/specs/om/open_metrics_spec. Names of metrics and labels come from the catalogue and need no
escaping; values of labels come from anywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from math import inf, isfinite

from pdwatch.catalog.metrics import MetricDef
from pdwatch.export.dialect import Dialect
from pdwatch.export.view import Labels, Sample
from pdwatch.model.reading import Histogram

_CONTROL = {code: "\N{REPLACEMENT CHARACTER}" for code in (*range(0x20), *range(0x7F, 0xA0)) if chr(code) not in "\t\n"}
_ESCAPED = str.maketrans({"\\": r"\\", "\n": r"\n", '"': r"\""})
_ESCAPED_HELP = {
    Dialect.TEXT: str.maketrans({"\\": r"\\", "\n": r"\n"}),
    Dialect.OPENMETRICS: _ESCAPED,
}
_Write = Callable[[Labels, str, float | Histogram], str]
"""Writes a sample by its label values, the same as they stand in braces, and its value."""
_SUFFIXES = {"counter": "_total", "info": "_info"}
_EXPONENT_FROM, _EXPONENT_TO = 1e6, 1e16
"""Numbers between are written with an exponent here and without one by Python."""


class LabelTexts(dict[Labels, str]):
    """Labels in braces by their values, each worked out once. *names* are those of the labels, in the same order."""

    def __init__(self, names: Labels) -> None:
        super().__init__()
        self._names = names
        self._order = sorted(range(len(names)), key=names.__getitem__)

    def __missing__(self, values: Labels) -> str:
        if len(values) != len(self._names):
            raise ValueError(f"the labels are {self._names}, not {values}")
        pairs = ",".join(f'{self._names[at]}="{label_text(values[at])}"' for at in self._order)
        text = self[values] = f"{{{pairs}}}" if pairs else ""
        return text


class FamilyWriter:
    """Writes families in one dialect; labels that come again are not worked out again."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._texts: dict[Labels, LabelTexts] = {}

    def family(self, definition: MetricDef, samples: Iterable[Sample]) -> tuple[str, int]:
        """Return the lines and how many samples were left out because another has the same labels.

        A value that is unknown or not finite yields no sample, and a family without samples no line. Raises
        `ValueError` when a sample does not fit the definition.
        """
        texts, write = self._texts_of(definition.labels), self._writer(definition)
        lines: dict[str, str] = {}
        duplicates = 0
        for labels, value in samples:
            if value is None or not _finite(value):
                continue
            text = texts[labels]
            if text in lines:
                duplicates += 1
            else:
                lines[text] = write(labels, text, value)
        return "".join([_head(definition, self._dialect), *lines.values()]) if lines else "", duplicates

    def _texts_of(self, names: Labels) -> LabelTexts:
        texts = self._texts.get(names)
        if texts is None:
            texts = self._texts[names] = LabelTexts(names)
        return texts

    def _writer(self, definition: MetricDef) -> _Write:
        """Return what writes one sample of the family: a line, or those of a histogram."""
        name = definition.name
        if definition.kind == "histogram":
            return self._histogram_writer(definition)

        def write(_labels: Labels, text: str, value: float | Histogram) -> str:
            if isinstance(value, Histogram):
                raise ValueError(f"{name} is a {definition.kind}; {value!r} is none")
            return f"{name}{text} {number(value)}\n"

        return write

    def _histogram_writer(self, definition: MetricDef) -> _Write:
        name, edges = definition.name, self._texts_of((*definition.labels, "le"))

        def write(labels: Labels, text: str, value: float | Histogram) -> str:
            if not isinstance(value, Histogram):
                raise ValueError(f"{name} is a histogram; {value!r} is none")
            buckets = [f"{name}_bucket{edges[*labels, le]} {number(count)}\n" for le, count in _buckets(value)]
            count = f"{name}_count{text} {number(value.count)}\n"
            return "".join((*buckets, count, f"{name}_sum{text} {number(value.sum)}\n"))

        return write


def label_text(value: str) -> str:
    """Return a label value that every parser reads: escaped, no control characters, no half of a surrogate pair."""
    if not value.isprintable():
        value = value.translate(_CONTROL).encode("utf-8", "replace").decode("utf-8")
    return value.translate(_ESCAPED) if "\\" in value or '"' in value or "\n" in value else value


def number(value: float) -> str:
    """Return a finite value as programs in Go write it: `1.0`, and `1.5e+06` from a million on."""
    text = repr(float(value))
    if not _EXPONENT_FROM <= value < _EXPONENT_TO:
        return text
    whole, _, part = text.partition(".")
    mantissa = f"{whole[0]}.{whole[1:]}{part}".rstrip("0").rstrip(".")
    return f"{mantissa}e+{len(whole) - 1:02d}"


def _finite(value: float | Histogram) -> bool:
    return isfinite(value.sum) and isfinite(value.count) if isinstance(value, Histogram) else isfinite(value)


def _head(definition: MetricDef, dialect: Dialect) -> str:
    """Return the lines that describe a family. OpenMetrics names it without the suffix of its samples."""
    text = definition.help.translate(_ESCAPED_HELP[dialect])
    if dialect is Dialect.TEXT:
        kind = "gauge" if definition.kind == "info" else definition.kind
        return f"# HELP {definition.name} {text}\n# TYPE {definition.name} {kind}\n"
    name = definition.name.removesuffix(_SUFFIXES.get(definition.kind, ""))
    unit = f"# UNIT {name} {definition.unit}\n" if definition.unit else ""
    return f"# HELP {name} {text}\n# TYPE {name} {definition.kind}\n{unit}"


def _buckets(histogram: Histogram) -> list[tuple[str, float]]:
    """Cumulative counts by upper edge, closed by an infinite edge that counts all."""
    edges = zip(histogram.bounds, histogram.buckets, strict=True)
    finite = [(str(float(bound)), count) for bound, count in edges if bound != inf]
    return [*finite, ("+Inf", histogram.count)]
