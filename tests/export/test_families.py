"""Lines of metric families, held against prometheus_client: it reads them, and writes what it read the same way."""

from __future__ import annotations

from collections.abc import Iterable
from math import inf, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.core import Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.openmetrics.parser import text_string_to_metric_families as read_openmetrics
from prometheus_client.parser import text_string_to_metric_families as read_text
from prometheus_client.registry import Collector

from pdwatch.catalog.definition import Kind, define
from pdwatch.export.dialect import Dialect
from pdwatch.export.exposition import body_of, page_of
from pdwatch.export.families import FamilyWriter, label_text, number
from pdwatch.export.itself import Instant
from pdwatch.export.view import Sample
from pdwatch.model.reading import Histogram

NAMES = {"gauge": "x_seconds", "counter": "x_bytes_total", "info": "x_info", "histogram": "x_tokens"}
UNICODE = st.text(st.characters(), max_size=12)
"""Whatever a string can hold, halves of surrogate pairs included."""
ODD = st.text('a\\"\n\t\r\x00\x1b\x85\u2028 ={},#e\N{SNOWMAN}\ud800', max_size=12)
FINITE = st.floats(allow_nan=False, allow_infinity=False)
COUNTS = st.lists(st.integers(0, 10**9), min_size=4, max_size=4).map(sorted)


class Read(Collector):
    """Families as prometheus_client read them."""

    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = list(families)

    def collect(self) -> Iterable[Metric]:
        return self._families


def again(text: str, dialect: Dialect) -> str:
    """Return what prometheus_client writes after it has read *text*, a whole page."""
    read = read_openmetrics if dialect is Dialect.OPENMETRICS else read_text
    return choose_encoder(dialect.value)[0](Read(read(text))).decode()


def written(dialect: Dialect, kind: Kind, *samples: Sample) -> str:
    """Return a page of one family with two labels that do not stand in the order of their names."""
    definition = define(NAMES[kind], 'What "x" is: \\ and\nmore.', ("worker", "engine"), kind)
    text = FamilyWriter(dialect).family(definition, samples)[0]
    return text + ("# EOF\n" if dialect is Dialect.OPENMETRICS else "")


@pytest.mark.parametrize("dialect", Dialect)
@pytest.mark.parametrize("kind", ["gauge", "counter", "info"])
@given(labels=st.tuples(UNICODE | ODD, UNICODE | ODD), value=FINITE)
def test_any_label_and_value_is_written_as_prometheus_client_writes_it(dialect, kind, labels, value):
    """Escaping, order of labels, names and numbers are its own, byte for byte."""
    page = written(dialect, kind, (labels, abs(value) if kind == "counter" else 1.0 if kind == "info" else value))

    assert page == again(page, dialect)


@pytest.mark.parametrize("dialect", Dialect)
@given(label=UNICODE | ODD, counts=COUNTS, total=st.floats(0, 1e18))
def test_any_histogram_is_written_as_prometheus_client_writes_it(dialect, label, counts, total):
    """Buckets, sum and count, the edge among the labels in the order of their names."""
    histogram = Histogram((0.005, 1.0, 2.5e6, inf), tuple(map(float, counts)), total, float(counts[-1]))
    page = written(dialect, "histogram", ((label, "0"), histogram))

    assert page == again(page, dialect)


@pytest.mark.parametrize("dialect", Dialect)
def test_the_page_of_a_fleet_is_written_as_prometheus_client_writes_it(fleet, dialect):
    """Every family of the catalogue."""
    page = page_of(body_of(fleet, dialect), Instant()).decode()

    assert page == again(page, dialect)


@pytest.mark.parametrize("dialect", Dialect)
def test_the_media_type_is_that_of_prometheus_client(dialect):
    """Clients choose their parser by it."""
    assert choose_encoder(dialect.value)[1] == dialect.content_type


@pytest.mark.parametrize(
    ("value", "text"),
    [
        *[(0, "0.0"), (True, "1.0"), (999999.5, "999999.5"), (-2e6, "-2000000.0"), (1e-7, "1e-07"), (1e16, "1e+16")],
        *[(1e6, "1e+06"), (1234567.5, "1.2345675e+06"), (1e15, "1e+15"), (9999999999999998.0, "9.999999999999998e+15")],
    ],
)
def test_numbers_are_written_as_programs_in_go_write_them(value, text):
    """Exponents begin at a million."""
    assert text == number(value)


def test_a_plain_label_is_left_as_it_is():
    """What is not escaped is the same text."""
    assert "ünïcode 漢字 {a=b}, #" == label_text("ünïcode 漢字 {a=b}, #")


@pytest.mark.parametrize("value", [None, nan, inf, -inf])
def test_a_family_without_a_value_is_not_on_the_page(value):
    """Neither unknown nor infinite is a number, and a head without samples says nothing."""
    assert ("", 0) == FamilyWriter(Dialect.TEXT).family(define("x", "X.", ()), [((), value)])


def test_labels_that_become_equal_when_cleaned_are_one_series():
    """Two control characters look alike once replaced, and Prometheus refuses the same series twice."""
    samples = [(("a\x00",), 1.0), (("a\x01",), 2.0)]
    text, duplicates = FamilyWriter(Dialect.TEXT).family(define("x", "X.", ("worker",)), samples)

    assert (1, 1) == (text.count("pdwatch_x{"), duplicates)


@pytest.mark.parametrize(
    ("kind", "labels", "value"),
    [("gauge", ("a",), 1.0), ("gauge", ("a", "b"), Histogram((), (), 0.0, 0.0)), ("histogram", ("a", "b"), 1.0)],
)
def test_a_sample_that_does_not_fit_its_definition_is_refused(kind, labels, value):
    """Too few labels, or a value of another kind, is a mistake of the program."""
    with pytest.raises(ValueError, match=r"labels are|pdwatch_x_"):
        written(Dialect.TEXT, kind, (labels, value))
