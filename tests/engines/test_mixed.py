"""Pages that are odd: several families at once, none that is known, names that are missing or broken."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from synthetic import SGLang, epp, nixl, trtllm

from pdwatch.engines import read, wants
from pdwatch.model.reading import PageReading
from pdwatch.model.reading import Quantity as Q
from pdwatch.scrape.exposition import PageParser

ReadingOf = Callable[[str], PageReading]
PAGES = Path(__file__).parents[1] / "pages"
TEXTS = {
    "vllm": (PAGES / "vllm/vllm-0.33.0-decode.txt").read_text(),
    "dynamo": (PAGES / "dynamo/decode0.underload.metrics.txt").read_text(),
    "frontend": (PAGES / "dynamo/frontend.underload.metrics.txt").read_text(),
    "router": (PAGES / "routers/sglang_router_0.3.2_pd_traffic.metrics.txt").read_text(),
    "sglang": str(SGLang("prefill", requests=7, tp=2, dp=2)),
    "trtllm": trtllm(5, 20, running=2) + nixl(reads=3),
}


def test_two_engines_on_one_page_are_both_read(reading_of: ReadingOf) -> None:
    """Whoever prints two engines has two; a name that is taken gets its family before it."""
    page = 'vllm:num_requests_running{engine="0"} 3\nsglang:num_running_reqs{model_name="m"} 5\n'
    engines = {engine.engine: engine.value(Q.REQUESTS_RUNNING) for engine in reading_of(page).engines}

    assert {"0": 3.0, "sglang/0": 5.0} == engines


def test_an_engine_comes_before_a_front_end_on_the_same_page(reading_of: ReadingOf) -> None:
    """What a front end feels is no value of an engine."""
    reading = reading_of('vllm:num_requests_running{engine="0"} 3\n' + epp(4))

    assert ("vllm", None, 3.0) == (reading.family, reading.told.role, reading.engines[0].value(Q.REQUESTS_RUNNING))
    assert reading.engines[0].histogram(Q.TTFT) is None


def test_an_unknown_page_is_alive_and_no_error(reading_of: ReadingOf) -> None:
    """An engine that nobody knows: its process tells when it began, and nothing else is made up."""
    page = "# TYPE other gauge\nother 1\nprocess_start_time_seconds 5\nprocess_resident_memory_bytes 7e9\n"
    reading = reading_of(page)

    assert ("unknown", (), 5.0, None) == (reading.family, reading.engines, reading.process_start, reading.told.role)


@pytest.mark.parametrize("edge", ["", "abc", "1e", "NaN"])
def test_a_bucket_with_an_odd_edge_spoils_nothing(edge: str, reading_of: ReadingOf) -> None:
    """The other buckets stay."""
    page = "".join(
        f'vllm:time_to_first_token_seconds_bucket{{engine="0",le="{le}"}} {n}\n'
        for le, n in (("0.1", 1), (edge, 5), ("+Inf", 2))
    )
    page += 'vllm:time_to_first_token_seconds_sum{engine="0"} 1\nvllm:time_to_first_token_seconds_count{engine="0"} 2\n'
    ttft = reading_of(page).engines[0].histogram(Q.TTFT)

    assert ttft is not None
    assert (0.1, float("inf")) == ttft.bounds


@pytest.mark.parametrize("size", ["NaN", "+Inf", "0", "-1"])
def test_a_size_that_is_none_spoils_nothing(size: str, reading_of: ReadingOf) -> None:
    """A gauge may hold anything before the engine is up."""
    reading = reading_of(f'sglang:max_total_num_tokens{{dp_rank="0"}} {size}\nsglang:token_usage{{dp_rank="0"}} 0.5\n')

    assert 0.5 == reading.engines[0].value(Q.KV_CACHE_USAGE)
    assert reading.facts["0"].kv_cache_tokens is None


@given(name=st.sampled_from(sorted(TEXTS)), data=st.data())
@settings(max_examples=40, deadline=None, derandomize=True)
def test_a_page_with_lines_missing_is_read_and_tells_no_other_values(name: str, data: st.DataObject) -> None:
    """Whatever of a page is left, in whatever order: what has one source is as on the whole page, or absent."""
    lines = [line for line in TEXTS[name].splitlines() if line.strip() and not line.startswith("# HELP")]
    whole = _values(_read(TEXTS[name]))
    families = sorted({_family(line) for line in lines})
    dropped = data.draw(st.sets(st.sampled_from(families), max_size=len(families) - 1))
    kept = [line for line in lines if _family(line) not in dropped]
    order = data.draw(st.randoms(use_true_random=False))
    order.shuffle(kept)
    left = _values(_read("\n".join(kept) + "\n"))

    for key, value in left.items():
        if value is not None and key[1] not in _SEVERAL_SOURCES:
            assert whole[key] == value, key


_SEVERAL_SOURCES = frozenset(
    {Q.REQUESTS_WAITING, Q.REQUESTS_RUNNING, Q.PREFIX_CACHE_HITS, Q.PREFIX_CACHE_QUERIES, Q.GENERATION_TOKENS}
    | {Q.FINISHED, Q.FINISHED_ERROR, Q.KV_CACHE_USAGE, Q.ITL, Q.E2E, Q.PREFILL_TIME}
    | {Q.TRANSFER_FAILURES, Q.TRANSFER_BYTES}
)
"""What is summed over metrics, or has another metric to fall back on."""


def _family(line: str) -> str:
    words = line.replace("{", " ").split()
    name = words[2] if words[0] == "#" else words[0]
    for suffix in ("_bucket", "_sum", "_count"):
        name = name.removesuffix(suffix)
    return name


def _read(text: str) -> PageReading:
    return read(PageParser(wanted=wants).parse(text), at=1.0)


def _values(reading: PageReading) -> dict[tuple[str, Q], object]:
    found: dict[tuple[str, Q], object] = {}
    for engine in reading.engines:
        found |= {(engine.engine, q): engine.value(q) for q in engine.shape.scalars}
        found |= {(engine.engine, q): engine.histogram(q) for q in engine.shape.histograms}
    return found
