from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics_families
from prometheus_client.parser import text_string_to_metric_families as text_families

from pdwatch.model.page import Page

PAGES = Path(__file__).parent.parent / "pages"

Samples = list[tuple[str, dict[str, str], str]]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test that takes `recorded_page` once per page under tests/pages."""
    if "recorded_page" in metafunc.fixturenames:
        paths = sorted(PAGES.rglob("*.txt"))
        metafunc.parametrize("recorded_page", paths, ids=[path.stem for path in paths], indirect=True)


@pytest.fixture
def recorded_page(request: pytest.FixtureRequest) -> str:
    """The text of one page of a real program."""
    return request.param.read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def page_text() -> Callable[[str], str]:
    """Return the text of a page by its path under tests/pages."""
    return lambda path: (PAGES / path).read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def samples_of() -> Callable[[Page], Samples]:
    """Return the samples of a page, values spelled so that NaN equals NaN and -0 equals 0."""
    return lambda page: [
        (series.name, dict(series.labels), repr(value + 0.0))
        for series, value in zip(page.layout.series, page.values, strict=True)
    ]


@pytest.fixture(scope="session")
def prometheus_samples() -> Callable[[str], Samples]:
    """Return what prometheus_client reads from a text page, under the names on the page."""

    def read(text: str) -> Samples:
        counters = set(re.findall(r"^# TYPE (\S+(?<!_total)) counter$", text, re.MULTILINE))
        return [
            (
                sample.name.removesuffix("_total") if family.name in counters else sample.name,
                dict(sample.labels),
                repr(float(sample.value) + 0.0),
            )
            for family in text_families(text)
            for sample in family.samples
        ]

    return read


@pytest.fixture(scope="session")
def openmetrics_samples() -> Callable[[str], Samples]:
    """Return what prometheus_client reads from an OpenMetrics page."""
    return lambda text: [
        (sample.name, dict(sample.labels), repr(float(sample.value) + 0.0))
        for family in openmetrics_families(text)
        for sample in family.samples
    ]
