"""TensorRT-LLM's pages, synthetic: workers and the orchestrator of disaggregated serving."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from synthetic import trtllm, trtllm_orchestrator

from pdwatch.model.reading import PageReading
from pdwatch.model.reading import Quantity as Q

ReadingOf = Callable[[str], PageReading]


def test_a_worker_tells_queue_cache_and_latencies(reading_of: ReadingOf) -> None:
    """The size of its cache is a product of two gauges: 3000 blocks of 32 tokens."""
    reading = reading_of(trtllm(10, 200, running=6, waiting=2, usage=0.7, cached=4000))
    engine = reading.engines[0]

    assert ("trtllm", None) == (reading.family, reading.told.role)
    assert (6.0, 2.0, 0.7) == tuple(engine.value(q) for q in (Q.REQUESTS_RUNNING, Q.REQUESTS_WAITING, Q.KV_CACHE_USAGE))
    assert (96_000, 32, "m") == (
        reading.facts["0"].kv_cache_tokens,
        reading.facts["0"].block_size,
        reading.facts["0"].model,
    )
    assert (10_000.0, 4000.0) == (engine.value(Q.PREFIX_CACHE_QUERIES), engine.value(Q.PREFIX_CACHE_HITS))
    assert (10.0, 0.0) == (engine.value(Q.FINISHED_LENGTH), engine.value(Q.FINISHED_STOP))
    means = [engine.histogram(q).mean for q in (Q.TTFT, Q.ITL, Q.PREFILL_TIME, Q.QUEUE_TIME)]  # type: ignore[union-attr]
    assert [0.3, 0.02, 0.2, 0.1] == pytest.approx(means)


def test_tokens_of_an_answer_are_told_by_two_counters(reading_of: ReadingOf) -> None:
    """A context server answers with one token a request, which shows its role."""
    answers = [reading_of(trtllm(10, tokens)).engines[0].histogram(Q.REQUEST_GENERATION_TOKENS) for tokens in (1, 200)]

    assert [1.0, 200.0] == [answer.mean for answer in answers if answer is not None]


def test_no_transfer_is_told_and_what_it_takes_is(reading_of: ReadingOf) -> None:
    """Only Dynamo's adapter exports it; that is no lack of a version."""
    reading = reading_of(trtllm(1, 1))
    lacking = {entry.quantity: entry for entry in reading.missing}

    assert reading.engines[0].histogram(Q.TRANSFER_TIME) is None
    assert "Dynamo's TensorRT-LLM adapter" == lacking[Q.TRANSFER_TIME].needs


def test_the_older_prefix_reads_the_same(reading_of: ReadingOf) -> None:
    """Under Dynamo 0.7 it had a colon."""
    text = trtllm(3, 20, running=1)

    assert reading_of(text).engines[0].values == reading_of(text.replace("trtllm_", "trtllm:")).engines[0].values


def test_the_orchestrator_is_no_worker(reading_of: ReadingOf) -> None:
    """It counts requests and gaps; its own times to a first token are of one side only and not read."""
    reading = reading_of(trtllm_orchestrator(20, errors=3))
    engine = reading.engines[0]

    assert ("trtllm-disagg", "router") == (reading.family, reading.told.role)
    assert (20.0, 3.0) == (engine.value(Q.FINISHED), engine.value(Q.FINISHED_ERROR))
    gaps = engine.histogram(Q.ITL)
    assert gaps is not None
    assert (pytest.approx(0.02), 200.0) == (gaps.mean, gaps.count)
    assert engine.histogram(Q.TTFT) is None


def test_names_without_a_prefix_mean_nothing_on_other_pages(reading_of: ReadingOf) -> None:
    """Anybody may count `total_requests`."""
    page = "# TYPE total_requests counter\ntotal_requests_total 5\nqueue_latency_seconds_sum 1\n"

    assert ("unknown", ()) == (reading_of(page).family, reading_of(page).engines)
