"""The text of a page: the wire format of vLLM 0.33."""

from __future__ import annotations

import math
import re

import pytest
from prometheus_client.utils import floatToGoString

from pdwatch.demo.model import Fleet, FleetSpec, Load, PoolSpec
from pdwatch.demo.model.exposition import go_float
from pdwatch.demo.model.families import one_two_five


def skeleton(page):
    """A page without its numbers and free texts: sample names with labels, and the names and types declared."""
    page = re.sub(r"^# HELP (\S+) .*$", r"# HELP \1", page, flags=re.MULTILINE)
    page = re.sub(r"^([^#\s]\S*(?:\{.*\})?) \S+$", r"\1", page, flags=re.MULTILINE)
    page = re.sub(r"^(vllm:cache_config_info|python_info)\{.*$", without_values, page, flags=re.MULTILINE)
    return re.sub(r'model_name="[^"]*"', "model_name", page).splitlines()


def without_values(line):
    return re.sub(r'="[^"]*"', "", line.group())


@pytest.mark.parametrize(
    ("recorded", "worker", "engines"),
    [("prefill", "prefill-0", 1), ("decode", "decode-0", 1), ("decode-dp0_1_2_3", "decode-0", 4)],
)
def test_page_has_exactly_the_series_of_a_real_one(small, pages, recorded, worker, engines):
    """Names, types, labels, buckets and their order are those of vLLM 0.33."""
    fleet = small(decode=PoolSpec(engines=engines))
    fleet.run_until(20.0)
    real = (pages / "vllm" / f"vllm-0.33.0-{recorded}.txt").read_text()

    assert skeleton(real) == skeleton(fleet.page(worker))


def test_each_rank_has_every_series_of_a_single_one(small, numbers):
    """Four ranks on one page are four times the series of one, but for what the API server counts."""
    one = numbers(small().page("decode-0"))
    four = numbers(small(decode=PoolSpec(workers=1, engines=4)).page("decode-0"))
    ranks = {dict(labels).get("engine") for _, labels in four}

    assert {"0", "1", "2", "3", None} == ranks
    per_engine = [key for key in one if "engine" in dict(key[1])]
    assert len(four) == len(one) + 3 * len(per_engine)


def test_buckets_are_cumulative_and_end_in_the_count(play, numbers):
    """`le` buckets never fall and the last one is the count."""
    page = numbers(play("decode_bound", 60.0).page("decode-0"))
    buckets = sorted(
        (float(dict(labels)["le"]), number)
        for (name, labels), number in page.items()
        if name == "vllm:time_to_first_token_seconds_bucket"
    )
    count = next(number for (name, _), number in page.items() if name == "vllm:time_to_first_token_seconds_count")

    assert [number for _, number in buckets] == sorted(number for _, number in buckets)
    assert (math.inf, count) == buckets[-1]
    assert count > 0


def test_cache_config_gives_the_capacity(small):
    """Capacity can be read in blocks and in tokens."""
    page = small(decode=PoolSpec(kv_blocks=1234)).page("decode-1")

    assert 'num_gpu_blocks="1234"' in page
    assert 'kv_cache_size_tokens="19744"' in page


def test_start_time_is_on_the_given_clock():
    """Process start and `_created` are Unix seconds of the epoch handed in."""
    fleet = Fleet(FleetSpec(load=Load.steady(1.0, 100, 10)), epoch=1_700_000_000.0)

    assert "process_start_time_seconds 1.7e+09\n" in fleet.page("decode-0")


@pytest.mark.parametrize(
    "number", [0.0, 1.0, 0.25, 123456.0, 999_999.5, 1e6, 1_234_567.0, 4.768e9, 1.79523763851e9, 1e16, 1e22, 3e-7]
)
def test_numbers_are_written_as_prometheus_client_writes_them(number):
    """The number format is the one scrapers meet in the field."""
    assert floatToGoString(number) == go_float(number)


def test_token_buckets_stop_at_the_model_length():
    """1-2-5 up to the limit and not beyond."""
    assert (1.0, 2.0, 5.0, 10.0, 20.0) == one_two_five(20)
    assert 20_000.0 == one_two_five(32_768)[-1]
