"""Which pages share a layout, and which do not."""

from __future__ import annotations

import gc
import weakref

import pytest

from pdwatch.scrape.exposition import PageParser
from pdwatch.scrape.series import identify

PAGE = '# HELP m about m\n# TYPE m gauge\nm{a="1"} 1\nm{a="2"} 2\nn 3\n'


def test_targets_with_the_same_lines_share_one_layout():
    """What is worked out from names and labels is worked out once for a whole fleet."""
    one, other = PageParser(), PageParser()

    assert one.parse(PAGE).layout is other.parse(PAGE.replace(" 3", " 4")).layout


def test_targets_with_other_filters_share_no_layout():
    """A layout holds only what its parser wants."""
    one, other = PageParser(), PageParser(wanted=lambda name: name == "n")
    one.parse(PAGE)

    assert ["n"] == [series.name for series in other.parse(PAGE).layout.series]


def test_lines_in_another_order_keep_the_layout():
    """The routers shuffle their lines at every scrape; each value still stands at its series."""
    parser = PageParser()
    first = parser.parse(PAGE)

    page = parser.parse('n 30\n# TYPE m gauge\n# HELP m about m\nm{a="2"} 20\nm{a="1"} 10\n')

    assert first.layout is page.layout
    assert [10.0, 20.0, 30.0] == page.values


def test_another_help_text_keeps_the_layout():
    """Words about a family are no part of its series."""
    parser = PageParser()
    first = parser.parse(PAGE)

    page = parser.parse(PAGE.replace("about", "all about"))

    assert first.layout is page.layout


@pytest.mark.parametrize(
    "changed",
    [
        PAGE.replace("gauge", "counter"),
        PAGE.replace('a="2"', 'a="3"'),
        PAGE + "o 5\n",
        PAGE.replace("n 3\n", ""),
        PAGE + "n 3\n",
    ],
    ids=["type", "label", "line added", "line removed", "line repeated"],
)
def test_other_series_or_types_are_another_layout(changed, samples_of, prometheus_samples):
    """A layout never stands for a page that it does not describe."""
    parser = PageParser()
    first = parser.parse(PAGE)

    page = parser.parse(changed)

    assert first.layout is not page.layout
    assert len(page.layout.series) == len(page.values)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("m 1\n", "mm 1\n"),
        ("mm 1\n", "m 1\n"),
        ("m 1\n", 'm {a="b"} 1\n'),
        ('m{a="b"} 1\n', 'm{a="b}"} 1\n'),
        ("m 1\n\n", "m 1\nn 2\n"),
        ("m 1\nn 2\n", "m 1\n\n"),
        ("m 1\n", "m 1\r\n"),
        ("m 1\n", "m 1"),
        ("m 1\n", "m  1 \n"),
        ("m 1\n", "# 1\n"),
    ],
)
def test_a_line_that_only_looks_alike_is_not_taken_for_the_one_before(before, after, samples_of, prometheus_samples):
    """Names, labels, blank lines and line ends are compared whole."""
    parser = PageParser()
    parser.parse(before)

    assert prometheus_samples(after) == samples_of(parser.parse(after))


def test_repeated_lines_are_samples_of_their_own():
    """In both formats: who reads the page decides what it means."""
    assert [1.0, 2.0] == PageParser().parse("m 1\nm 2\n").values
    assert [1.0, 2.0] == PageParser().parse("m 1\nm 2\n# EOF\n").values


def test_openmetrics_types_that_do_not_fit_their_samples_are_read():
    """vLLM's page at `/metrics/` declares a counter under the name of its sample."""
    text = "# TYPE vllm:prompt_tokens_total counter\nvllm:prompt_tokens_total 5.0\n# EOF\n"

    page = PageParser().parse(text, "application/openmetrics-text; version=1.0.0; charset=utf-8")

    assert ["vllm:prompt_tokens_total"] == [series.name for series in page.layout.series]


def test_series_are_forgotten_with_their_targets():
    """A fleet that comes and goes leaves no series behind."""
    parser = PageParser()
    parser.parse('passing{request="8f3a"} 1\n')
    identity = weakref.ref(identify('passing{request="8f3a"} '))
    assert identity() is not None

    del parser
    gc.collect()

    assert None is identity()
