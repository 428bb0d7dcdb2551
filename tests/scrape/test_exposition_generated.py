"""Pages that no program wrote: whatever the format allows, read as prometheus_client reads it."""

from __future__ import annotations

import string

from hypothesis import given, settings
from hypothesis import strategies as st

from pdwatch.scrape.exposition import PageParser

NAMES = st.from_regex(r"[a-zA-Z_:][a-zA-Z0-9_:]{0,8}", fullmatch=True)
LABEL_NAMES = st.from_regex(r"[a-zA-Z][a-zA-Z0-9_]{0,5}", fullmatch=True)
LABEL_VALUES = st.text(st.characters(codec="utf-8") | st.sampled_from('\\"\n{}=, #'), max_size=8)
LABELS = st.dictionaries(LABEL_NAMES, LABEL_VALUES, max_size=3)
NUMBERS = st.floats().map(repr) | st.integers(-(10**6), 10**6).map(str)
SPELLINGS = NUMBERS | st.sampled_from(["NaN", "+Inf", "-Inf", "1e+06", "1.5E-3", ".5", "5.", "+7", "-0"])
SPACE = st.sampled_from([" ", " ", "  ", "\t", " \t"])
LINE_END = st.sampled_from(["", "", " ", "\t", "\r"])
COMMENT = st.sampled_from(["", "   ", "# note", "#", "# HELP m text of m", "# EO", "# TYPE m histogram", "\r"])
COUNTS = st.integers(0, 10**6).map(str)
FAST = settings(max_examples=150, deadline=None)


def quoted(value):
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def braces(labels):
    return "{" + ",".join(f"{name}={quoted(value)}" for name, value in labels.items()) + "}"


@st.composite
def text_pages(draw):
    """Two pages of the text format with the same lines and other values."""
    lines = []
    for _ in range(draw(st.integers(1, 6))):
        series = draw(NAMES) + (braces(draw(LABELS)) if draw(st.booleans()) else "")
        lines.append((series + draw(SPACE), draw(st.sampled_from(["", "", " 1700000000000"])) + draw(LINE_END)))
    between = [draw(COMMENT) for _ in lines]
    end = draw(st.sampled_from(["", "\n"]))

    def page():
        samples = [f"{head}{draw(SPELLINGS)}{tail}" for head, tail in lines]
        return "\n".join(text for pair in zip(between, samples, strict=True) for text in pair) + end

    return page(), page()


@st.composite
def openmetrics_pages(draw):
    """Two OpenMetrics pages with the same lines and other values, counters with exemplars among them."""
    names = draw(st.lists(st.sampled_from(string.ascii_lowercase), min_size=1, max_size=4, unique=True))
    lines = []
    for name in names:
        kind = draw(st.sampled_from(["counter", "gauge", "unknown"]))
        lines.append((f"# HELP {name} about {name}", None, ""))
        lines.append((f"# TYPE {name} {kind}", None, ""))
        stamp = draw(st.sampled_from(["", " 1700000000.5"]))
        series = draw(st.lists(LABELS, min_size=1, max_size=3, unique_by=lambda labels: tuple(sorted(labels.items()))))
        for labels in series:
            if kind == "counter":
                exemplar = draw(st.sampled_from(["", ' # {trace="a }b_1"} 0.5', " # {} 1 1700000000.1"]))
                lines.append((f"{name}_total{braces(labels)} ", COUNTS, stamp + exemplar))
            else:
                lines.append((f"{name}{braces(labels)} ", SPELLINGS, stamp))

    def page():
        drawn = [head + (draw(values) if values is not None else "") + tail for head, values, tail in lines]
        return "\n".join([*drawn, "# EOF", ""])

    return page(), page()


@FAST
@given(pages=text_pages())
def test_text_pages_are_read_as_prometheus_client_reads_them(pages, samples_of, prometheus_samples):
    """Escapes, white space, timestamps, odd numbers: the first page and the one after it."""
    parser = PageParser()
    for text in pages:
        assert prometheus_samples(text) == samples_of(parser.parse(text))


@FAST
@given(pages=openmetrics_pages())
def test_openmetrics_pages_are_read_as_prometheus_client_reads_them(pages, samples_of, openmetrics_samples):
    """Exemplars and timestamps are passed over."""
    parser = PageParser()
    for text in pages:
        assert openmetrics_samples(text) == samples_of(parser.parse(text))


@st.composite
def edited_pages(draw):
    """A page and the same page after lines were added, removed, swapped or replaced."""
    line = st.tuples(st.sampled_from(["m", "mm", 'm{a="1"}', 'm{a="12"}', "n"]), COUNTS).map(" ".join)
    lines = draw(st.lists(line | st.sampled_from(["", "# TYPE m counter", "# HELP m x"]), min_size=1, max_size=8))
    edited = list(lines)
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(edited)))
        edited[at : at + draw(st.integers(0, 2))] = draw(st.lists(line, max_size=2))
    if draw(st.booleans()):
        edited = draw(st.permutations(edited))
    return "\n".join(["keep 1", *lines, ""]), "\n".join(["keep 2", *edited, ""])


@FAST
@given(pages=edited_pages())
def test_a_page_that_changed_its_lines_is_read_as_if_it_were_the_first(pages, samples_of, prometheus_samples):
    """Whatever was edited between two scrapes, no sample is lost, made up or given to another series."""
    parser = PageParser()
    parser.parse(pages[0])

    samples = samples_of(parser.parse(pages[1]))

    assert sorted(map(repr, prometheus_samples(pages[1]))) == sorted(map(repr, samples))
