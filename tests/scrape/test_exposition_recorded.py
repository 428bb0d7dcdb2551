"""Pages of real programs."""

from __future__ import annotations

import random
import re

import pytest

from pdwatch.scrape.exposition import PageParser


def moved(text, seed):
    """Return the page with every value replaced by a random number."""
    rng = random.Random(seed)
    return re.sub(r"^(?!#)(.*) \S+$", lambda line: f"{line[1]} {rng.uniform(0, 1e6)!r}", text, flags=re.MULTILINE)


def test_first_page_has_the_samples_that_prometheus_client_reads(recorded_page, samples_of, prometheus_samples):
    """Names, labels, values and order are those of the reference parser."""
    page = PageParser().parse(recorded_page)

    assert prometheus_samples(recorded_page) == samples_of(page)


def test_later_pages_have_the_samples_that_prometheus_client_reads(recorded_page, samples_of, prometheus_samples):
    """A page read by the template of the page before it has the values of its own."""
    parser = PageParser()
    first = parser.parse(recorded_page)
    later = moved(recorded_page, seed=1)

    page = parser.parse(later)

    assert first.layout is page.layout
    assert prometheus_samples(later) == samples_of(page)


def test_filter_keeps_the_wanted_names_and_their_order(recorded_page, samples_of, prometheus_samples):
    """A filtered page is the full page without the samples that nobody asked for."""
    parser = PageParser(wanted=lambda name: "requests" in name)
    parser.parse(recorded_page)
    later = moved(recorded_page, seed=2)

    page = parser.parse(later)

    assert [sample for sample in prometheus_samples(later) if "requests" in sample[0]] == samples_of(page)


@pytest.mark.parametrize("name", ["vllm/vllm-0.33.0-decode.txt", "vllm/vllm-0.9.2-prefill.txt"])
def test_declared_types_are_kept_by_family_name(page_text, name):
    """The layout knows what the page says about its families."""
    types = PageParser().parse(page_text(name)).layout.types

    assert "gauge" == types["vllm:num_requests_running"]
    assert "counter" == types["vllm:prompt_tokens_total"]
    assert "histogram" == types["vllm:time_to_first_token_seconds"]
