"""Pages that are refused, and the one line that says why."""

from __future__ import annotations

import pytest

from pdwatch.scrape.errors import PageError
from pdwatch.scrape.exposition import PageParser
from pdwatch.scrape.series import PageLimits

REFUSED = {
    "HTML": ("<!DOCTYPE html>\n<html></html>", "answered HTML, not metrics: is this the metrics port?"),
    "HTML after blanks": ("\n  <html>", "answered HTML, not metrics: is this the metrics port?"),
    "empty": ("", "answered an empty page: are metrics switched off?"),
    "blank": ("\n" * 300, "answered an empty page: are metrics switched off?"),
    "JSON": ('{"detail":"Not Found"}', 'line 1 is no sample: {"detail":"Not Found"}'),
    "no value": ("m 1\nm\n", "line 2 is no sample: m"),
    "words": ("# TYPE m gauge\nm one\n", "line 2 is no sample: m one"),
    "digit grouping": ("m 1_000\n", "line 1 is no sample: m 1_000"),
    "no-break space inside": ("m 1\u00a02\n", "line 1 is no sample: m 1?2"),
    "timestamp": ("m 1 now\n", "line 1 is no sample: m 1 now"),
    "open braces": ('m{a="b 1\n', 'line 1 is no sample: m{a="b 1'),
    "label twice": ('m{a="b",a="c"} 1\n', 'line 1 is no sample: m{a="b",a="c"} '),
    "no label name": ('m{a="b", ="c"} 1\n', 'line 1 is no sample: m{a="b", ="c"} '),
    "reserved label": ('m{__a="b"} 1\n', 'line 1 is no sample: m{__a="b"} '),
    "control characters": ("m\x1b[31m\x00 1\n", "line 1 is no sample: m?[31m? 1"),
    "long": ("m" * 99, f"line 1 is no sample: {'m' * 60}…"),
    "labels after the value": ('m 1 {a="b"} 2', 'line 1 is no sample: m 1 {a="b"} 2'),
}


@pytest.mark.parametrize(("text", "message"), REFUSED.values(), ids=REFUSED)
def test_a_page_that_cannot_be_read_is_refused_in_one_line(text, message):
    """The message names the line and shows its start without control characters."""
    with pytest.raises(PageError) as caught:
        PageParser().parse(text)

    assert message == str(caught.value)


@pytest.mark.parametrize(("text", "message"), REFUSED.values(), ids=REFUSED)
def test_a_bad_page_after_a_good_one_is_refused_and_forgotten(text, message):
    """The next good page is read as if nothing had been between."""
    parser = PageParser()
    parser.parse("m 1\n")

    with pytest.raises(PageError) as caught:
        parser.parse(text)

    assert message == str(caught.value)
    assert [2.0] == parser.parse("m 2\n").values


def test_an_openmetrics_page_without_its_end_was_cut_short():
    """The content type promises `# EOF`; without it half the fleet's counters might be missing."""
    with pytest.raises(PageError, match="ends without '# EOF'"):
        PageParser().parse("m 1\n", "application/openmetrics-text; version=1.0.0")


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        (PageLimits(max_samples=2), "has 3 samples, limit 2"),
        (PageLimits(max_labels=1), "has a series with 2 labels, limit 1"),
        (PageLimits(max_label_value=3), "has a label value of 4 characters, limit 3"),
    ],
)
def test_a_page_beyond_a_limit_is_refused(limits, message):
    """The message names what there is too much of, and the limit."""
    with pytest.raises(PageError, match=message):
        PageParser(limits=limits).parse('a{b="c",d="e"} 1\nf{g="long"} 2\nh 3\n')


def test_a_page_at_its_limits_is_read():
    """A limit is the most that is accepted."""
    limits = PageLimits(max_samples=3, max_labels=2, max_label_value=4)

    assert [1.0, 2.0, 3.0] == PageParser(limits=limits).parse('a{b="c",d="e"} 1\nf{g="long"} 2\nh 3\n').values


def test_a_page_of_comments_is_no_error():
    """A front end without traffic has no series, and that is what the page says."""
    assert [] == PageParser().parse("# TYPE m counter\n# EOF\n").values


def test_values_that_nobody_wants_are_not_judged():
    """The filter spares the time to read them; the wanted samples are whole."""
    assert [1.0] == PageParser(wanted=lambda name: name == "m").parse("m 1\nn one\n").values
