"""A page that has a series more than once is read by the first of each, and says so."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from pdwatch.model.page import Repeated
from pdwatch.model.reading import PageReading
from pdwatch.model.reading import Quantity as Q

PAGE = """vllm:num_requests_running{engine="0",model_name="m"} 4
vllm:num_requests_running{engine="1",model_name="m"} 2
vllm:prompt_tokens_total{engine="0",model_name="m"} 1000
"""
ReadingOf = Callable[[str], PageReading]


def test_a_page_that_repeats_nothing_says_nothing(reading_of: ReadingOf) -> None:
    """Series that differ in a label are others."""
    assert None is reading_of(PAGE).repeated


@pytest.mark.parametrize("end", ["", "# EOF\n"], ids=["text", "OpenMetrics"])
def test_a_page_that_stands_there_twice_counts_once(reading_of: ReadingOf, end: str) -> None:
    """No request is counted double."""
    reading = reading_of(PAGE + PAGE + end)

    assert [4.0, 2.0] == [engine.value(Q.REQUESTS_RUNNING) for engine in reading.engines]
    assert Repeated(3, 0, "vllm:num_requests_running") == reading.repeated


@pytest.mark.parametrize(
    "line",
    [
        'vllm:prompt_tokens_total{engine="0",model_name="m"} 7\n',
        'vllm:prompt_tokens_total{model_name="m",engine="0"} 7\n',
    ],
    ids=["same text", "labels in another order"],
)
def test_the_first_of_two_values_counts_and_the_conflict_is_told(reading_of: ReadingOf, line: str) -> None:
    """By the name of a series that has two values."""
    reading = reading_of(PAGE + 'vllm:num_requests_running{engine="0",model_name="m"} 4\n' + line)

    assert 1000.0 == reading.engines[0].value(Q.PROMPT_TOKENS)
    assert Repeated(2, 1, "vllm:prompt_tokens_total") == reading.repeated


def test_no_number_twice_is_no_conflict(reading_of: ReadingOf) -> None:
    """NaN is the same as NaN."""
    line = 'vllm:kv_cache_usage_perc{engine="0",model_name="m"} NaN\n'

    assert Repeated(1, 0, "vllm:kv_cache_usage_perc") == reading_of(PAGE + line + line).repeated
    assert Repeated(1, 1, "vllm:kv_cache_usage_perc") == reading_of(PAGE + line + line.replace("NaN", "1")).repeated


def test_workers_behind_one_page_are_not_repeats_of_each_other(reading_of: ReadingOf) -> None:
    """On a joint page each worker's series have its address; of one that stands there twice the first counts."""
    joint = "".join(PAGE.replace("{", f'{{worker_addr="http://{name}:8000",') for name in ("a", "b"))
    twice = reading_of(joint + joint.replace(" 4\n", " 5\n"))

    assert None is reading_of(joint).repeated
    assert Repeated(6, 2, "vllm:num_requests_running") == twice.repeated
    assert [4.0, 4.0] == [behind.reading.engines[0].value(Q.REQUESTS_RUNNING) for behind in twice.behind]
