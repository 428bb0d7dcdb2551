"""vLLM's pages become readings, whatever the version, the dialect and the spelling."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from pdwatch.model.reading import Missing, PageReading
from pdwatch.model.reading import Quantity as Q

ReadingOf = Callable[[str], PageReading]
PAGES = Path(__file__).parents[1] / "pages"
ALL = sorted(path.relative_to(PAGES).as_posix() for path in (PAGES / "vllm").glob("*.txt"))


@pytest.mark.parametrize("page", ALL)
def test_every_version_tells_queue_cache_tokens_and_latency(page: str, reading_of: ReadingOf) -> None:
    """From 0.9 to 0.33, what a verdict rests on is read under one name."""
    reading = reading_of(page)
    engine = reading.engines[0]

    assert "vllm" == reading.family
    for quantity in (Q.REQUESTS_RUNNING, Q.REQUESTS_WAITING, Q.KV_CACHE_USAGE, Q.PROMPT_TOKENS, Q.PREEMPTIONS):
        assert engine.value(quantity) is not None, quantity
    for quantity in (Q.TTFT, Q.ITL, Q.QUEUE_TIME, Q.PREFILL_TIME):
        assert engine.histogram(quantity) is not None, quantity


def test_values_are_those_of_the_page(reading_of: ReadingOf) -> None:
    """Gauges, labelled counters and histograms carry the page's own numbers."""
    engine = reading_of("vllm/vllm-0.33.0-decode.txt").engines[0]
    transfer = engine.histogram(Q.TRANSFER_TIME)

    assert 37.0 == engine.value(Q.REQUESTS_RUNNING)
    assert 5.0 == engine.value(Q.REQUESTS_WAITING_DEFERRED)
    assert 11994.0 == engine.value(Q.PROMPT_TOKENS_TRANSFERRED)
    assert 4.0 == engine.value(Q.FINISHED_LENGTH)
    assert transfer is not None
    assert (8.0, pytest.approx(0.1192), float("inf")) == (transfer.count, transfer.sum, transfer.bounds[-1])
    assert transfer.count == transfer.buckets[-1]


def test_each_rank_of_one_endpoint_is_its_own_engine(reading_of: ReadingOf) -> None:
    """Four data-parallel ranks behind one port are four readings."""
    reading = reading_of("vllm/vllm-0.33.0-decode-dp0_1_2_3.txt")

    assert ["0", "1", "2", "3"] == [engine.engine for engine in reading.engines]


def test_a_multi_process_page_has_no_process_start(reading_of: ReadingOf) -> None:
    """With several API servers there are no process metrics; the engines are read all the same."""
    reading = reading_of("vllm/vllm-0.33.0-decode-dp0_1-multiproc.txt")

    assert reading.process_start is None
    assert 2 == len(reading.engines)


def test_what_a_version_lacks_is_listed_with_the_versions_that_have_it(reading_of: ReadingOf) -> None:
    """0.10.2 has neither tokens by source nor NIXL metrics, and says since when they exist."""
    missing = {entry.quantity: entry for entry in reading_of("vllm/vllm-0.10.2-decode.txt").missing}

    assert "since 0.16.0" == missing[Q.PROMPT_TOKENS_TRANSFERRED].versions
    assert "since 0.11.2, with a NIXL connector" == missing[Q.TRANSFER_TIME].versions
    assert Q.KV_CACHE_USAGE not in missing


@pytest.mark.parametrize(
    ("version", "matters"),
    [("0.10.2", True), ("0.15.1", True), ("0.16.0", False), ("0.16.0rc1", False), ("0.33.0", False), (None, True)],
)
def test_what_is_missing_matters_where_the_version_is_why(version: str | None, matters: bool) -> None:
    """Tokens by source are since 0.16: an older vLLM lacks them, a newer one has them."""
    assert matters == Missing(Q.PROMPT_TOKENS_TRANSFERRED, "prompt_tokens_by_source", since="0.16.0").matters(version)


def test_what_no_configuration_asked_for_is_not_lacking() -> None:
    """A page without Mooncake metrics is of an engine without Mooncake, not of an old one."""
    entry = Missing(
        Q.TRANSFER_FAILED_RECEIVES, "mooncake_num_failed_recvs", since="0.33.0", needs="a Mooncake connector"
    )

    assert not entry.matters("0.33.0")
    assert not entry.matters(None)


def test_a_value_that_is_not_exported_is_none_and_not_zero(reading_of: ReadingOf) -> None:
    """Absent is not zero."""
    engine = reading_of("vllm/vllm-0.10.2-decode.txt").engines[0]

    assert engine.value(Q.PROMPT_TOKENS_TRANSFERRED) is None
    assert engine.histogram(Q.TRANSFER_TIME) is None


def test_cache_facts_come_from_labels(reading_of: ReadingOf) -> None:
    """The capacity of the KV cache is read from the configuration that the engine prints."""
    facts = reading_of("vllm/vllm-0.33.0-decode.txt").facts["0"]

    assert 16 == facts.block_size
    assert facts.kv_cache_tokens is not None
    assert facts.consumer
    assert {"nixl"} == facts.connectors
    assert "meta-llama/Llama-3.1-8B-Instruct" == facts.model


@pytest.mark.parametrize("spelled", ["vllm_", "ray_vllm_"])
def test_colons_rewritten_to_underscores_read_the_same(spelled: str, reading_of: ReadingOf) -> None:
    """A proxy or Ray that may not use colons changes nothing."""
    text = (PAGES / "vllm/vllm-0.33.0-decode.txt").read_text()
    plain, rewritten = reading_of(text).engines[0], reading_of(text.replace("vllm:", spelled)).engines[0]

    assert plain.values == rewritten.values


def test_replicas_behind_one_ray_endpoint_stay_apart(reading_of: ReadingOf) -> None:
    """Ray prints all replicas on one page; engine 0 of one is not engine 0 of the other."""
    page = (
        'ray_vllm_num_requests_running{engine="0",model_name="m",ReplicaId="a"} 1\n'
        'ray_vllm_num_requests_running{engine="0",model_name="m",ReplicaId="b"} 2\n'
    )
    behind = reading_of(page).behind

    assert {"a": 1.0, "b": 2.0} == {
        worker.name: worker.reading.engines[0].value(Q.REQUESTS_RUNNING) for worker in behind
    }


def test_the_rust_front_end_reads_the_same(reading_of: ReadingOf) -> None:
    """OpenMetrics names counters without _total in TYPE and with it in samples."""
    page = (
        "# TYPE vllm:prompt_tokens counter\n"
        'vllm:prompt_tokens_total{model_name="m",engine="0"} 12\n'
        "# TYPE vllm:num_requests_running gauge\n"
        'vllm:num_requests_running{model_name="m",engine="0"} 3\n'
        "# EOF\n"
    )
    engine = reading_of(page).engines[0]

    assert (12.0, 3.0) == (engine.value(Q.PROMPT_TOKENS), engine.value(Q.REQUESTS_RUNNING))


def test_a_page_without_an_engine_label_is_engine_zero(reading_of: ReadingOf) -> None:
    """vLLM 0.7 labels only the model."""
    reading = reading_of(
        'vllm:num_requests_running{model_name="m"} 2.0\nvllm:gpu_cache_usage_perc{model_name="m"} 0.4\n'
    )

    assert ["0"] == [engine.engine for engine in reading.engines]
    assert 0.4 == reading.engines[0].value(Q.KV_CACHE_USAGE)


def test_of_two_names_for_one_value_the_present_one_wins(reading_of: ReadingOf) -> None:
    """0.9 and 0.10 print usage twice; it is not added up."""
    page = 'vllm:gpu_cache_usage_perc{engine="0"} 0.5\nvllm:kv_cache_usage_perc{engine="0"} 0.5\n'

    assert 0.5 == reading_of(page).engines[0].value(Q.KV_CACHE_USAGE)


def test_a_series_without_engine_joins_the_first_engine(reading_of: ReadingOf) -> None:
    """Admission rejections are counted by the front end and carry no engine."""
    page = (
        'vllm:num_requests_running{engine="2"} 1\n'
        'vllm:admission_rejections_total{model_name="m",reason="max_num_queued_reqs"} 3\n'
        'vllm:admission_rejections_total{model_name="m",reason="max_num_queued_tokens"} 4\n'
    )
    reading = reading_of(page)

    assert ["2"] == [engine.engine for engine in reading.engines]
    assert 7.0 == reading.engines[0].value(Q.ADMISSION_REJECTIONS)


def test_an_unknown_page_is_no_error(reading_of: ReadingOf) -> None:
    """Something else that is alive is alive, and tells no engine."""
    reading = reading_of("# TYPE other gauge\nother 1\nprocess_start_time_seconds 5\n")

    assert ("unknown", (), 5.0) == (reading.family, reading.engines, reading.process_start)
