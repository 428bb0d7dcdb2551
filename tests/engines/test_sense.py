"""A counter that cannot be makes a page of no use; a gauge that cannot be is absent."""

from __future__ import annotations

import pytest

from pdwatch.engines import read, wants
from pdwatch.engines.sense import NonsenseError
from pdwatch.model.reading import Quantity as Q
from pdwatch.scrape.exposition import PageParser

OWN = '{engine="0",model_name="m"}'
GOOD = f"vllm:num_requests_running{OWN} 4\nvllm:prompt_tokens_total{OWN} 100\n"


def reading(text: str):
    """Return the reading of the only engine on a page."""
    (engine,) = read(PageParser(wants).parse(text), 1.0).engines
    return engine


@pytest.mark.parametrize("value", ["-1", "NaN", "+Inf", "-Inf"])
def test_a_counter_that_cannot_be_is_named(value):
    """The metric and its value are told."""
    with pytest.raises(
        NonsenseError, match=f"counts {float(value):g} of vllm:num_preemptions, which cannot be".replace("+", "\\+")
    ):
        reading(f"{GOOD}vllm:num_preemptions_total{OWN} {value}\n")


@pytest.mark.parametrize("part", ['bucket{engine="0",model_name="m",le="1"}', f"count{OWN}"])
def test_a_histogram_that_cannot_be_is_named(part):
    """Buckets and counts are counters."""
    with pytest.raises(NonsenseError, match="counts -3 of vllm:time_to_first_token_seconds"):
        reading(f"{GOOD}vllm:time_to_first_token_seconds_{part} -3\n")


def test_a_sum_below_zero_may_be():
    """vLLM observes negative queue times for requests that failed early."""
    text = f"{GOOD}vllm:request_queue_time_seconds_sum{OWN} -3\nvllm:request_queue_time_seconds_count{OWN} 3\n"

    assert -3 == reading(text).histogram(Q.QUEUE_TIME).sum


@pytest.mark.parametrize("value", ["-1", "NaN", "+Inf"])
def test_a_gauge_that_cannot_be_is_absent(value):
    """The rest of the page is read."""
    found = reading(f"{GOOD}vllm:num_requests_waiting{OWN} {value}\n")

    assert (None, 4, 100) == tuple(map(found.value, (Q.REQUESTS_WAITING, Q.REQUESTS_RUNNING, Q.PROMPT_TOKENS)))
