"""From the answer of a query to the pages that the targets printed."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pdwatch.discover.prometheus.pages import Instance, instances
from pdwatch.discover.prometheus.query import read_answer, selector
from pdwatch.discover.source import DiscoveryError
from pdwatch.engines import wanted
from pdwatch.scrape.exposition import PageParser

TARGET = {"job": "vllm", "instance": "10.0.0.1:8000"}


def series(name: str, *values: tuple[float, str], **labels: str) -> dict[str, Any]:
    """Return one series of an answer."""
    return {"metric": {"__name__": name, **TARGET, **labels}, "values": [list(value) for value in values]}


def answer(*result: Any) -> bytes:
    """Return the answer of Prometheus."""
    return json.dumps({"status": "success", "data": {"resultType": "matrix", "result": result}}).encode()


def only(*result: Any) -> Instance:
    """Return the one target of an answer."""
    (instance,) = instances(read_answer(answer(*result), "http://p"))
    return instance


def samples(instance: Instance) -> dict[str, float]:
    """Return the page as a reader of pages sees it."""
    page = PageParser().parse(instance.page())
    names = [f"{one.name}{dict(sorted(one.labels.items())) or ''}" for one in page.layout.series]
    return dict(zip(names, page.values, strict=True))


def test_the_newest_sample_with_the_time_of_its_scrape() -> None:
    """Of the range the last value counts; its time is that of the scrape, not of the question."""
    instance = only(
        series("vllm:num_requests_running", (100.0, "3"), (105.25, "4")), series("up", (100.0, "1"), (105.25, "1"))
    )

    assert 105.25 == instance.at
    assert {"vllm:num_requests_running": 4.0} == samples(instance)
    assert not instance.failed


def test_a_series_that_the_last_scrape_no_longer_had_is_gone() -> None:
    """Within the lookback there are samples of series that ended; they are not on the page."""
    instance = only(
        series("a", (100.0, "3"), engine="0"),
        series("a", (100.0, "1"), (105.0, "4"), engine="1"),
        series("up", (105.0, "1")),
    )

    assert {"a{'engine': '1'}": 4.0} == samples(instance)


def test_labels_of_the_target_are_taken_back() -> None:
    """What Prometheus added goes, and what it renamed for that has its own name again."""
    instance = only(
        series("up", (1.0, "1"), role="prefill", engine="of the target", namespace="llm"),
        series(
            "a",
            (1.0, "7"),
            role="prefill",
            engine="of the target",
            namespace="llm",
            exported_engine="0",
            exported_x="y",
        ),
    )

    assert {"a{'engine': '0', 'exported_x': 'y'}": 7.0} == samples(instance)
    assert {**TARGET, "role": "prefill", "engine": "of the target", "namespace": "llm"} == instance.labels


def test_without_up_only_job_and_instance_are_the_targets() -> None:
    """Matchers may choose by labels that `up` has not; then no more is known of the target."""
    assert {"a{'model_name': 'm'}": 1.0} == samples(only(series("a", (1.0, "1"), model_name="m")))


def test_a_scrape_that_failed() -> None:
    """`up` is 0 and newer than all else."""
    instance = only(series("a", (100.0, "1")), series("up", (100.0, "1"), (105.0, "0")))

    assert instance.failed
    assert 105.0 == instance.at


def test_targets_are_told_apart_by_job_and_instance() -> None:
    """A series without an instance belongs to nobody."""
    found = instances(
        read_answer(
            answer(
                series("a", (1.0, "1")), series("a", (1.0, "1"), instance="b:1"), series("a", (1.0, "1"), instance="")
            ),
            "p",
        )
    )

    assert [("vllm", "10.0.0.1:8000"), ("vllm", "b:1")] == [instance.key for instance in found]


@pytest.mark.parametrize(
    "body",
    [
        b"<html>",
        b"[]",
        b"{}",
        b'{"data": {"resultType": "vector", "result": []}}',
        b'{"data": {"resultType": "matrix", "result": {}}}',
        b"[" * 100_000,
    ],
)
def test_what_is_no_answer_is_named(body: bytes) -> None:
    """Anything else at that address is one line."""
    with pytest.raises(DiscoveryError, match="http://p: answers no query; name the address of Prometheus"):
        list(read_answer(body, "http://p"))


def test_series_in_other_shapes_are_left_out() -> None:
    """Native histograms and what else may come have no samples for a page."""
    odd = [
        {"metric": {}},
        {"metric": {"__name__": "h"}, "histograms": [[1, {}]]},
        7,
        {"metric": {"__name__": "a"}, "values": []},
    ]

    assert [] == list(read_answer(answer(*odd), "http://p"))


WANTED = sorted(wanted())


def pattern(names: Any) -> re.Pattern[str]:
    """Return what the query matches names by."""
    (text,) = re.findall(r'__name__=~"([^"]*)"', selector(names, (), 60.0))
    return re.compile(text)


def test_every_sample_that_is_read_is_asked_for() -> None:
    """No name that an engine is read by falls out of the short form of the query."""
    asked = pattern(WANTED)

    assert [] == [name for name in (*WANTED, "up", "scrape_duration_seconds") if not asked.fullmatch(name)]


@pytest.mark.parametrize(
    "name", ["node_cpu_seconds_total", "vllm:request_prompt_tokens_bucket", "upstream", "vllm:other"]
)
def test_what_is_not_read_is_not_asked_for(name: str) -> None:
    """Buckets that no reading needs would be most of the answer."""
    assert not pattern(WANTED).fullmatch(name)


def test_the_query() -> None:
    """Matchers stand beside the names; the query fits what other programs with this API take, 16 KiB."""
    names = ["vllm:a_total", "vllm_a_total", "ray_vllm:a_total", "b_bucket", "b_sum", "b_count", "lmcache.x"]

    assert (
        '{__name__=~"(?:ray_)?(?:b)_bucket|(?:ray_)?(?:b|vllm[:_]a)(?:_sum|_count|_total)?|up|scrape_duration_seconds",'
        'job="x"}[1m30s]'
    ) == selector(names, ('job="x"',), 90.0)
    assert len(selector(WANTED, (), 60.0)) < 12_000


LABELS = st.dictionaries(
    st.from_regex(r"[a-z][a-z_]{0,7}", fullmatch=True), st.text(min_size=1, max_size=8), max_size=4
)


@given(st.dictionaries(st.sampled_from(["a", "b_total", "vllm:c"]), LABELS, min_size=1), LABELS)
def test_what_prometheus_did_to_labels_is_undone(
    page: Mapping[str, Mapping[str, str]], target: Mapping[str, str]
) -> None:
    """Whatever labels a target and its page have, the page is as it was printed."""
    target = {**target, **TARGET}
    reserved = {f"exported_{name}" for name in target} | {"__name__"}
    page = {name: {k: v for k, v in labels.items() if k not in reserved} for name, labels in page.items()}
    stored = [
        series(name, (1.0, "1"), **target, **{(f"exported_{k}" if k in target else k): v for k, v in labels.items()})
        for name, labels in page.items()
    ]
    instance = only(series("up", (1.0, "1"), **target), *stored)
    read = PageParser().parse(instance.page())

    assert page == {one.name: dict(one.labels) for one in read.layout.series}
