"""Traffic and pages of the benchmark in Dynamo's simulator; the simulator itself is not needed."""

from __future__ import annotations

import json
from itertools import chain

import pytest

from benchmarks.dynamo.loads import Load, Phase, loads, requests, write_trace
from benchmarks.dynamo.pages import DecodePage, FrontPage, PrefillPage, attribute
from pdwatch.engines import read, wants
from pdwatch.model.reading import PageReading
from pdwatch.model.reading import Quantity as Q
from pdwatch.scrape.exposition import PageParser


def test_pdwatch_reads_what_the_passes_of_a_prefill_worker_did():
    """Of three requests in a full pass the last goes on in the next one, with which another ends."""
    page = PrefillPage(5.0, 100, 64, most_batched=8192)
    page.take(_prefill(requests=3, tokens=8192, seconds=0.5, queued=7))
    begun = page.ended
    page.take(_prefill(requests=2, tokens=4000, before=1500, seconds=0.2))
    reading = _read(page.text()).engines[0]

    assert (2, 4) == (begun, page.ended)
    assert [2.0, 0.0, 12192.0, 4.0] == list(
        reading.each((Q.REQUESTS_RUNNING, Q.REQUESTS_WAITING, Q.PROMPT_TOKENS, Q.FINISHED_LENGTH))
    )
    assert (pytest.approx(1.9), 4.0) == reading.tally(Q.PREFILL_TIME)
    assert (12192.0, 2.0) == reading.tally(Q.ITERATION_TOKENS)


def test_pdwatch_reads_what_the_steps_of_a_decode_worker_did():
    """Each request of a step gets a token; the KV held is that of the last step."""
    page = DecodePage(5.0, 100, 64)
    page.take(_decode(requests=10, tokens=3000, seconds=0.02))
    page.take(_decode(requests=8, tokens=3200, seconds=0.03, queued=2))
    attribute(1, 250.0, [page])
    read_page = _read(page.text())
    reading = read_page.engines[0]

    assert 6400 == read_page.facts["0"].kv_cache_tokens
    assert [8.0, 2.0, 0.5, 18.0, 1.0] == list(
        reading.each((Q.REQUESTS_RUNNING, Q.REQUESTS_WAITING, Q.KV_CACHE_USAGE, Q.GENERATION_TOKENS, Q.FINISHED_LENGTH))
    )
    assert (pytest.approx(0.44), 18.0) == reading.tally(Q.ITL)
    assert (250.0, 1.0) == reading.tally(Q.REQUEST_GENERATION_TOKENS)


def test_a_pass_with_nothing_in_it_says_that_a_worker_idles():
    """It counts nothing, and what ran and waited is gone."""
    prefill, decode = PrefillPage(5.0, 100, 64, most_batched=8192), DecodePage(5.0, 100, 64)
    prefill.take(_prefill(requests=1, tokens=500, seconds=0.1, queued=3))
    decode.take(_decode(requests=1, tokens=500, seconds=0.02))
    prefill.take(_prefill())
    decode.take(_decode())

    assert (0, 0, 1, 500) == (prefill.running, prefill.waiting, prefill.ended, prefill.computed)
    assert (0, 0, 1) == (decode.running, decode.held, decode.generated)


def test_pdwatch_reads_the_first_tokens_of_the_front_end():
    """Two requests that ended at the same moment count with their mean."""
    page = FrontPage()
    page.take({"shape_count": 2, "ttft_count": 2, "avg_isl": 900.0, "avg_osl": 70.0, "avg_ttft_ms": 1500.0})
    reading = _read(page.text()).engines[0]

    assert (3.0, 2.0) == reading.tally(Q.TTFT)
    assert (1800.0, 2.0) == reading.tally(Q.REQUEST_PROMPT_TOKENS)


def test_an_answer_ended_where_a_step_ended():
    """Of two workers whose steps ended together, the one that has generated more for each of its answers."""
    old, young = DecodePage(5.0, 100, 64), DecodePage(9.0, 100, 64)
    old.take(_decode(requests=50, tokens=3000, seconds=0.02))
    young.take(_decode(requests=20, tokens=100, seconds=0.02))
    attribute(1, 30.0, [old, young])
    attribute(1, 30.0, [old, young])
    attribute(1, 30.0, [young])

    assert (2, 1) == (old.ended, young.ended)


def test_traffic_is_the_same_for_the_same_seed():
    """And another one for another."""
    load = loads(60.0)["rise"]
    first, again, other = (list(requests(load, 60.0, seed)) for seed in (1, 1, 2))

    assert first == again != other
    assert sorted(at for at, _, _ in first) == [at for at, _, _ in first]


def test_traffic_follows_its_phases():
    """A rise has the more in its second half, steps change at once, lengths have the mean that was asked for."""
    rising = [at for at, _, _ in requests(loads(600.0)["rise"], 600.0, 1)]
    stepped = Load((Phase(0.0, 1.0), Phase(10.0, 9.0)))
    prompts, answers = zip(*((p, a) for _, p, a in requests(loads(600.0)["steady"], 600.0, 1)), strict=True)

    assert sum(at >= 300.0 for at in rising) > 1.5 * sum(at < 300.0 for at in rising)
    assert (1.0, 9.0) == (stepped.at(9.9).rate, stepped.at(10.0).rate)
    assert pytest.approx((2500, 350), rel=0.05) == (sum(prompts) / len(prompts), sum(answers) / len(answers))


def test_no_two_prompts_of_a_trace_have_a_block_in_common(tmp_path):
    """A block is 512 tokens, the last of a prompt may be shorter."""
    write_trace(tmp_path / "trace.jsonl", [(0.5, 1025, 10), (1.25, 512, 20)])
    rows = [json.loads(line) for line in (tmp_path / "trace.jsonl").read_text().splitlines()]

    assert [(500, 1025, 10), (1250, 512, 20)] == [
        (row["timestamp"], row["input_length"], row["output_length"]) for row in rows
    ]
    assert [0, 1, 2, 3] == list(chain.from_iterable(row["hash_ids"] for row in rows))


def _read(text: str) -> PageReading:
    return read(PageParser(wanted=wants).parse(text), at=100.0)


def _prefill(requests: int = 0, tokens: int = 0, before: int = 0, seconds: float = 0.0, queued: int = 0):
    return {
        "num_prefill_requests": requests,
        "sum_prefill_tokens": tokens,
        "sum_prefill_kv_tokens": before,
        "num_queued_prefill": queued,
        "wall_time": seconds,
    }


def _decode(requests: int = 0, tokens: int = 0, seconds: float = 0.0, queued: int = 0):
    return {
        "num_decode_requests": requests,
        "sum_decode_kv_tokens": tokens,
        "num_queued_decode": queued,
        "wall_time": seconds,
    }
